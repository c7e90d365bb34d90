// Programs of the system that some tests run for real. Installed through apt where we may (root on Debian), named where we may not.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { run } from './install.mjs';

const needed = [
  { program: '/usr/lib/postgresql/15/bin/postgres', package: 'postgresql-15', for: 'the run on PostgreSQL 15' },
  { program: 'chromium', package: 'chromium', for: 'the pages, the panel and the dashboards in a real browser' },
  { program: 'prometheus', package: 'prometheus', for: 'the scrape by a real Prometheus' },
  { program: 'promtool', package: 'prometheus', for: 'promtool check metrics' },
  { program: 'promtool', package: 'prometheus', for: 'the unit tests of the alerting rules' },
  { program: 'amtool', package: 'prometheus-alertmanager', for: 'the routing tests of the alerting rules' },
  {
    program: 'prometheus-alertmanager',
    package: 'prometheus-alertmanager',
    for: 'the chain from a fault to Slack, PagerDuty and e-mail',
  },
];

/** Debian's own Python: another one first on the PATH does not see Debian's packages. */
const pythonModules = [
  { module: 'scipy', package: 'python3-scipy', for: 'the comparison with SciPy' },
  { module: 'sklearn', package: 'python3-sklearn', for: 'the comparison with scikit-learn' },
];

export const onPath = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const importable = (module) => spawnSync('/usr/bin/python3', ['-c', `import ${module}`]).status === 0;
const missing = () => [
  ...needed.filter(({ program }) => !onPath(program)),
  ...pythonModules.filter(({ module }) => !importable(module)).map((entry) => ({ ...entry, program: entry.module })),
];
const isDebian = () => existsSync('/etc/debian_version') && onPath('apt-get');

/** Returns what is still missing, as lines for a person. */
export function ensureSystemPackages() {
  if (missing().length === 0) return [];
  const packages = [...new Set(missing().map((entry) => entry.package))];
  if (process.getuid?.() === 0 && isDebian()) installWithApt(packages);
  return missing().map(
    (entry) =>
      `${entry.program} (Debian package ${entry.package}) is not installed: without it ${entry.for} is skipped`,
  );
}

function installWithApt(packages) {
  console.log(`Installing the Debian packages that the tests need: ${packages.join(', ')} ...`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // The packages bring services; the tests run the programs by themselves, so no service is to be started.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const install = () =>
      run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
        env: environment,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    if (install() !== 0) {
      run('apt-get', ['update', '-qq'], { env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
      if (install() !== 0) console.error('apt-get could not install them; its message is above.');
    }
  } finally {
    if (ours && readFileSync(policy, 'utf8').includes('exit 101')) rmSync(policy);
  }
}
