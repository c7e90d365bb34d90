// `npm run check`: everything but the tests. Runs all steps, then says which failed.
import path from 'node:path';
import { ensureInstalled, root, run } from './install.mjs';
import { REFERENCE } from './reference.mjs';

ensureInstalled();
// Of an earlier check; a rule over types may miss what another file changed, so CI, whose cache is empty, has the last word.
const cache = ['--cache', '--cache-strategy', 'content', '--cache-location'];
const cacheFile = (name) => path.join(root, 'node_modules', '.cache', 'check', name);
const bin = (name) => path.join(root, 'node_modules', '.bin', name);
const steps = [
  ['types', bin('tsc'), ['-p', 'exporter']],
  ['types of alerting-rules', bin('tsc'), ['-p', 'alerting-rules']],
  ['types of dashboards', bin('tsc'), ['-p', 'dashboards', '--noEmit']],
  ['lint', bin('eslint'), ['.', '--max-warnings', '0', ...cache, cacheFile('eslint')]],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.', ...cache, cacheFile('prettier')]],
  ['imports', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'exporter']],
  ['unused', bin('knip'), ['--no-progress']],
  ['reference', process.execPath, [...REFERENCE, '--check']],
];
const failed = [];
for (const [name, command, args] of steps) {
  const started = Date.now();
  const status = run(command, args);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`);
  process.exit(1);
}
