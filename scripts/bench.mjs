// `npm run bench [-- name ...]`: the benches, one after another; each prints its figures against a named ceiling or peer.
// `peers` only by name: pip fetches the other tools.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, root, run } from './install.mjs';

ensureInstalled();
ensureBuilt();
const folder = path.join(root, 'exporter', 'dist', 'bench');
const wanted = process.argv.slice(2);
const benches = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.js'))
  .filter((file) => (wanted.length === 0 ? file !== 'peers.bench.js' : wanted.some((name) => file.startsWith(name))));
for (const file of benches) {
  console.log(`\n== ${file.replace('.bench.js', '')}`);
  const status = run(process.execPath, ['--expose-gc', path.join(folder, file)]);
  if (status !== 0) process.exitCode = status;
}
