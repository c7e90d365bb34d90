// `npm run audit`: known weaknesses of what the exporter ships, without what only development needs. Ends with 0 when there are none, 1 when there are, and
// 2 when nobody could be asked: many mirrors serve packages but no advisories, and silence is no clean bill.
import { spawnSync } from 'node:child_process';
import { ensureInstalled, root } from './install.mjs';

ensureInstalled();
const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--workspace=exporter', '--json'], {
  cwd: root,
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
const report = readReport(stdout);
if (report?.metadata?.vulnerabilities === undefined) {
  console.error(`The package registry has no advisories to compare with (${report?.statusCode ?? 'no answer'}). Ask another way:
  npm run --silent sbom > sbom.json    and have a scanner read it that brings its own, such as osv-scanner, grype or trivy;
  npm audit --registry=<one that has>  where it can be reached.`);
  process.exitCode = 2;
} else {
  const { total } = report.metadata.vulnerabilities;
  for (const [name, { severity, range }] of Object.entries(report.vulnerabilities))
    console.log(`${severity}: ${name} ${range}`);
  console.log(`${total} known weaknesses in ${report.metadata.dependencies.prod} packages`);
  process.exitCode = total > 0 ? 1 : 0;
}

function readReport(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
