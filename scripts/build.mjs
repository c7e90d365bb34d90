// Compiles exporter/ to exporter/dist when a source is newer than the last build.
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, run } from './install.mjs';
import { writeRevision } from './revision.mjs';

const exporter = path.join(root, 'exporter');
const stampFile = path.join(exporter, 'dist', '.built');

function newestChange(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const full = path.join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestChange(full) : statSync(full).mtimeMs);
  }
  return newest;
}

export function ensureBuilt() {
  const sources = ['src', 'client', 'demo', 'bench']
    .map((name) => path.join(exporter, name))
    .filter((folder) => existsSync(folder));
  const newest = Math.max(...sources.map(newestChange), statSync(path.join(root, 'package-lock.json')).mtimeMs);
  if (existsSync(stampFile) && statSync(stampFile).mtimeMs > newest) {
    // A commit changes no source.
    writeRevision();
    return;
  }
  console.log('Building ...');
  if (!existsSync(stampFile)) rmSync(path.join(exporter, 'dist'), { recursive: true, force: true });
  const status = run(process.execPath, [
    path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    path.join(exporter, 'tsconfig.build.json'),
  ]);
  if (status !== 0) process.exit(status);
  writeRevision();
  writeFileSync(stampFile, new Date().toISOString());
}
