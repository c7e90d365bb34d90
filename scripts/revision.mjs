// Writes which commit a build is of beside what it compiled, for ml_exporter_build_info and --version; the package carries it on. $REVISION where
// there is no git (a container's build), nothing where neither says.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** The commit of this very repository: one that the sources merely lie in says nothing of them. */
function commit() {
  const { stdout } = spawnSync('git', ['-C', root, 'rev-parse', '--show-prefix', 'HEAD'], { encoding: 'utf8' });
  const [prefix, revision = ''] = (stdout ?? '').split('\n');
  return prefix === '' ? revision : '';
}

export function writeRevision() {
  const folder = path.join(root, 'exporter', 'dist', 'src');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'revision'), process.env.REVISION || commit());
}

if (process.argv[1] === import.meta.filename) writeRevision();
