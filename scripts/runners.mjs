// The test runners of the repository. A workspace with tests of its own adds a line.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, root, run } from './install.mjs';
import { onPath } from './system-packages.mjs';

/** The stand-in for Grafana, with packages of its own for each version of Grafana. */
const host = 'dashboards/host';

/**
 * name: for people. folder: arguments that begin with it choose this runner.
 * install(): makes sure that everything it needs is there. run(args): runs the tests, and returns {status, passed, failed, skipped}.
 */
export const runners = [
  {
    name: 'exporter',
    folder: 'exporter',
    install: () => {
      ensureInstalled();
      // Crash and end-to-end tests run the compiled program, as a user does.
      ensureBuilt();
    },
    run: (args) => jest(root, 'jest.config.js', args),
  },
  {
    name: 'alerting-rules',
    folder: 'alerting-rules',
    install: () => ensureInstalled(),
    run: (args) => jest(root, 'alerting-rules/jest.config.js', args),
  },
  {
    name: 'grafana-plugin',
    folder: 'grafana-plugin',
    // Apart from the workspaces: Grafana's packages are 660 MB, which the exporter has no use for.
    install: () => ensureInstalled('grafana-plugin'),
    run: (args) => {
      const cwd = path.join(root, 'grafana-plugin');
      return checked(cwd, jest(cwd, 'jest.config.js', args));
    },
  },
  {
    name: 'dashboards',
    folder: 'dashboards',
    install: () => {
      ensureInstalled();
      ensureBuilt();
      for (const folder of ['grafana-plugin', host, `${host}/versions/12.4`, `${host}/versions/11.6`])
        ensureInstalled(folder);
    },
    run: (args) => {
      const built = checked(path.join(root, host), jest(root, 'dashboards/jest.config.js', args));
      // What is not installed was named before, and is there with CI=true.
      const files = Object.entries({ plugin: [], panel: ['chromium'], dashboards: ['chromium', 'prometheus'] })
        .filter(([, programs]) => programs.every(onPath))
        .map(([name]) => path.join(host, 'test', `${name}.test.mjs`));
      const wanted = files.filter(
        (file) => args.length === 0 || args.some((arg) => file.startsWith(path.normalize(arg))),
      );
      const shown = wanted.length > 0 ? nodeTests(wanted) : { status: 0, passed: 0, failed: 0, skipped: 0 };
      return Object.fromEntries(Object.keys(built).map((key) => [key, built[key] + shown[key]]));
    },
  },
];

/** Types and lint of what has packages of its own, which `npm run check` does not install; each that fails is a failed test. */
function checked(cwd, result) {
  const broken = ['typecheck', 'lint'].filter((name) => run('npm', ['run', '--silent', name], { cwd }) !== 0);
  for (const name of broken) console.error(`${path.relative(root, cwd)}: npm run ${name} failed`);
  return { ...result, status: broken.length > 0 ? 1 : result.status, failed: result.failed + broken.length };
}

/** Node's own test runner, one file after another, and the counts of its report. */
function nodeTests(files) {
  const temporary = mkdtempSync(path.join(tmpdir(), 'model-health-test-'));
  const report = path.join(temporary, 'report.tap');
  try {
    const status = run(process.execPath, [
      '--test',
      '--test-concurrency=1',
      '--test-timeout=900000',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${report}`,
      ...files,
    ]);
    const tap = readFileSync(report, 'utf8');
    const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(tap)?.[1] ?? 0);
    return {
      status,
      passed: count('pass'),
      failed: count('fail') + count('cancelled'),
      skipped: count('skipped') + count('todo'),
    };
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** Jest of the packages under `folder`, and the counts of its report. */
export function jest(folder, config, args) {
  const temporary = mkdtempSync(path.join(tmpdir(), 'model-health-test-'));
  const report = path.join(temporary, 'report.json');
  try {
    const status = run(
      process.execPath,
      [
        path.join(folder, 'node_modules', 'jest', 'bin', 'jest.js'),
        `--config=${config}`,
        '--json',
        `--outputFile=${report}`,
        ...(args.length > 0 ? ['--passWithNoTests', ...args] : []),
      ],
      { cwd: folder },
    );
    const { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    return {
      status,
      passed: numPassedTests,
      failed: numFailedTests + numRuntimeErrorTestSuites,
      skipped: numPendingTests,
    };
  } finally {
    rmSync(temporary, { recursive: true });
  }
}
