// `npm test -- <Jest's options>`: installs what the tests need, runs them, and ends with the counts and with what could not be run.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, root, run } from './install.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

ensureInstalled();
// Crash and end-to-end tests run the compiled program, as a user does.
ensureBuilt();
const missing = ensureSystemPackages();
const strict = process.env.CI === 'true';
if (strict && missing.length > 0) {
  console.error(`With CI=true nothing may be skipped:\n${missing.join('\n')}`);
  process.exit(1);
}
const folder = mkdtempSync(path.join(tmpdir(), 'model-health-test-'));
const report = path.join(folder, 'report.json');
const status = run(process.execPath, [
  path.join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
  '--json',
  `--outputFile=${report}`,
  ...process.argv.slice(2),
]);
const {
  numPassedTests: passed,
  numFailedTests: failedTests,
  numPendingTests: skipped,
  numRuntimeErrorTestSuites: broken,
} = JSON.parse(readFileSync(report, 'utf8'));
rmSync(folder, { recursive: true });
for (const line of missing) console.log(line);
const failed = failedTests + broken;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
if (strict && skipped > 0) console.error('With CI=true nothing may be skipped.');
process.exitCode = status !== 0 || (strict && skipped > 0) ? 1 : 0;
