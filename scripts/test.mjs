// `npm test -- <Jest's options>`: installs what the tests need, runs every runner, and ends with the summed counts and with what could not be run.
import { ensureInstalled } from './install.mjs';
import { ensurePython } from './python.mjs';
import { runners } from './runners.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

ensureInstalled();
const missing = [...ensureSystemPackages(), ...ensurePython()];
const strict = process.env.CI === 'true';
if (strict && missing.length > 0) {
  console.error(`With CI=true nothing may be skipped:\n${missing.join('\n')}`);
  process.exit(1);
}
const args = process.argv.slice(2);
const named = runners.filter(({ folder }) => args.some((arg) => arg === folder || arg.startsWith(`${folder}/`)));
const results = [];
for (const { name, install, run } of named.length > 0 ? named : runners) {
  install();
  results.push({ name, ...run(args) });
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
const counts = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
const total = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
for (const line of missing) console.log(line);
if (results.length > 1) for (const result of results) console.log(`  ${result.name}: ${counts(result)}`);
console.log(counts(total));
if (total.passed + total.failed === 0) console.error('No test is named so.');
if (strict && total.skipped > 0) console.error('With CI=true nothing may be skipped.');
const broken = results.some(({ status }) => status !== 0);
process.exitCode = broken || total.passed + total.failed === 0 || (strict && total.skipped > 0) ? 1 : 0;
