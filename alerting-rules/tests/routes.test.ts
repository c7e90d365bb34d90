import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CHECK_NAMES } from '../../exporter/src/domain/settings.ts';

const FOLDER = path.join(__dirname, '..');
const CONFIG = path.join('alertmanager', 'alertmanager.yml');
const RENDERED = 'critical-warning-info';
const HIGH = ['history', 'pagerduty', 'slack'];
const MEDIUM = ['history', 'slack'];
const LOW = ['history', 'email'];

const amtool = spawnSync('amtool', ['--version']).status === 0;
// With CI=true it is installed, or the run has failed before this.
const withAmtool = amtool ? describe : describe.skip;

function receivers(config: string, labels: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const { status, stdout } = spawnSync(
    'amtool',
    ['config', 'routes', 'test', `--config.file=${path.join(FOLDER, config)}`, ...pairs],
    { encoding: 'utf8' },
  );
  expect(status).toBe(0);
  return stdout.trim().split(',');
}

withAmtool.each([
  ['as we say it', CONFIG, ['high', 'medium', 'low']],
  ['critical, warning, info', path.join(RENDERED, CONFIG), ['critical', 'warning', 'info']],
] as const)('routes, severities %s', (_name, config, [high, medium, low]) => {
  test('amtool accepts the configuration', () => {
    const { status, stderr } = spawnSync('amtool', ['check-config', path.join(FOLDER, config)], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  const expected = [
    [high, HIGH],
    [medium, MEDIUM],
    [low, LOW],
  ] as const;
  test.each(
    expected.flatMap(([severity, told]) =>
      [...CHECK_NAMES, 'traffic', 'labels', 'baseline', 'retraining', 'exporter', ''].map(
        (check) => [severity, check, told] as const,
      ),
    ),
  )('severity %s, check "%s"', (severity, check, told) => {
    expect(receivers(config, { alertname: 'MLAny', model: 'churn', version: '2', severity, check })).toEqual(told);
  });

  test.each([
    ['the dead man’s switch disturbs nobody', { alertname: 'Watchdog', severity: 'none' }, ['nobody']],
    ['what has no severity of ours is not lost', { alertname: 'Other', severity: 'page' }, ['history', 'email']],
    ['nor what has none', { alertname: 'Other' }, ['history', 'email']],
  ])('%s', (_case, labels, told) => expect(receivers(config, labels)).toEqual(told));
});

const MESSAGE = {
  receiver: 'slack',
  status: 'firing',
  alerts: [
    {
      status: 'firing',
      labels: {
        alertname: 'MLErrorRateHigh',
        model: 'move & go',
        version: 'a+b',
        severity: 'high',
        check: 'error_rate',
      },
      annotations: {
        summary: '20% of <b> fail',
        description: '10% is the threshold.',
        runbook_url: 'https://r/a.md',
        dashboard_url: 'https://g/d?x=1',
      },
      startsAt: '2026-11-26T10:00:00Z',
      endsAt: '0001-01-01T00:00:00Z',
      fingerprint: 'abc',
    },
  ],
  groupLabels: {},
  commonLabels: {
    alertname: 'MLErrorRateHigh',
    model: 'move & go',
    version: 'a+b',
    severity: 'high',
    check: 'error_rate',
  },
  commonAnnotations: {},
  externalURL: 'http://am:9093',
};

withAmtool('message templates', () => {
  const render = (template: string, type: 'text' | 'html', status = 'firing') => {
    const message = {
      ...MESSAGE,
      status,
      alerts: MESSAGE.alerts.map((alert) => ({ ...alert, status, endsAt: '2026-11-26T10:30:00Z' })),
    };
    const folder = mkdtempSync(path.join(tmpdir(), 'message-'));
    const data = path.join(folder, 'message.json');
    writeFileSync(data, JSON.stringify(message));
    const { stdout, stderr } = spawnSync(
      'amtool',
      [
        'template',
        'render',
        `--template.glob=${path.join(FOLDER, 'alertmanager', 'templates', '*.tmpl')}`,
        `--template.text={{ template "${template}" . }}`,
        `--template.data=${data}`,
        `--template.type=${type}`,
      ],
      { encoding: 'utf8' },
    );
    rmSync(folder, { recursive: true });
    expect(stderr).toBe('');
    return stdout;
  };

  test.each([
    ['ml.title', 'firing', 'ML Alert: 20% of <b> fail'],
    ['ml.title', 'resolved', 'Resolved: 20% of <b> fail'],
    ['ml.model', 'firing', 'move & go version a+b'],
    ['ml.color', 'firing', 'danger'],
    ['ml.color', 'resolved', 'good'],
    ['ml.text', 'firing', '20% of <b> fail. 10% is the threshold.\n'],
    ['ml.text', 'resolved', 'Resolved: 20% of <b> fail; from 2026-11-26 10:00 to 2026-11-26 10:30 UTC.\n'],
    [
      'ml.silence',
      'firing',
      'http://am:9093/#/silences/new?filter=%7Bmodel%3D%22move%20%26%20go%22%2Cversion%3D%22a%2Bb%22%2Ccheck%3D%22error_rate%22%2Calertname%3D%22MLErrorRateHigh%22%7D',
    ],
  ])('%s, %s', (template, status, text) => expect(render(template, 'text', status)).toBe(text));

  test('what comes from labels and annotations is escaped in e-mail', () => {
    const html = render('ml.email.html', 'html');
    expect(html).toContain('20% of &lt;b&gt; fail');
    expect(html).toContain('filter=%7bmodel%3d%22move%20%26%20go%22');
  });
});

test('the rendered set is in step with its source', () => {
  const out = mkdtempSync(path.join(tmpdir(), 'rendered-rules-'));
  try {
    const { status } = spawnSync(process.execPath, [
      path.join(FOLDER, 'render.mjs'),
      `--out=${out}`,
      '--severities=critical,warning,info',
    ]);
    expect(status).toBe(0);
    const files = (folder: string) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
        .sort();
    const committed = path.join(FOLDER, RENDERED);
    expect(files(committed)).toEqual(files(out));
    for (const file of files(out))
      expect(readFileSync(path.join(committed, file), 'utf8')).toBe(readFileSync(path.join(out, file), 'utf8'));
  } finally {
    rmSync(out, { recursive: true });
  }
});
