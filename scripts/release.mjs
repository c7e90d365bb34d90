// `node scripts/release.mjs 1.2.3`: sets the version, dates the changelog, packs the exporter. It commits, tags and publishes nothing:
// it says how.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './install.mjs';

const version = process.argv[2] ?? '';
if (!/^\d+\.\d+\.\d+(-[0-9a-z.]+)?$/i.test(version)) fail('usage: node scripts/release.mjs <semantic version>');
const changelog = path.join(root, 'CHANGELOG.md');
const text = readFileSync(changelog, 'utf8');
if (!text.includes('## Unreleased\n')) fail('CHANGELOG.md has no section "Unreleased": there is nothing to release');
if (text.includes(`## ${version} `)) fail(`CHANGELOG.md has a section ${version} already`);
const npm = (...args) => execFileSync('npm', args, { cwd: root, stdio: 'inherit' });

npm('run', 'check');
npm('version', version, '--no-git-tag-version', '--workspace', 'model-health-exporter', '--include-workspace-root');
const today = new Date().toISOString().slice(0, 10);
writeFileSync(changelog, text.replace('## Unreleased\n', `## Unreleased\n\n## ${version} - ${today}\n`));
npm('run', 'build');
npm('pack', '--workspace', 'model-health-exporter');
console.log(`
Packed. What is left, once the tests of this commit pass (npm test):
  git commit -am "release: ${version}" && git tag -a v${version} -m ${version} && git push --follow-tags
  npm publish model-health-exporter-${version}.tgz
  docker build -t model-health-exporter:${version} .`);

function fail(message) {
  console.error(message);
  process.exit(2);
}
