// The committed dashboards against a real Prometheus, which scrapes the real exporter under the load of the demo with every fault on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHost, seriousFindings, SHOTS } from './support.mjs';

const root = path.join(import.meta.dirname, '..', '..', '..');
const DASHBOARDS = readdirSync(path.join(root, 'dashboards'))
  .filter((name) => /^model-health-.*\.json$/.test(name))
  .map((name) => JSON.parse(readFileSync(path.join(root, 'dashboards', name), 'utf8')));

const FAULTS = [
  ['move_probability', 'data_drift'],
  ['transaction_type', 'latency_spike'],
  ['transaction_type', 'missing_values'],
  ['contact_timing', 'errors'],
  ['property_value', 'degraded_accuracy'],
];
/** What each fault, and the drift of the first one's predictions, is on the overview. */
const SEEN = [
  ['move_probability', 'Data drift'],
  ['move_probability', 'Prediction drift'],
  ['transaction_type', 'Latency'],
  ['transaction_type', 'Data quality'],
  ['contact_timing', 'Error rate'],
  ['property_value', 'Performance'],
];

/** Queries that rightly find nothing here, by the metric that says so. */
const EMPTY = [
  ['ALERTS', 'alerts fire after some minutes'],
  ['ml_alert_notifications_total', 'no Alertmanager notifies'],
  ['ml_alert_verdicts_total', 'nobody gives verdicts'],
  ['ml_alert_time_to_acknowledge_seconds', 'nobody acknowledges'],
  ['ml_retraining', 'the demo retrains nothing'],
  ['ml_feature_type_errors_total', 'no fault of the demo mistypes values'],
  ['ml_feature_out_of_range_total', 'no fault of the demo leaves the ranges'],
  ['ml_feature_unseen_categories_total', 'no fault of the demo makes up categories'],
  ['ml_exporter_ingest_rejected_total', 'the demo sends nothing wrong'],
];

const closers = [];
let prometheusUrl;
let exporterUrl;
let host;

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Ends with the tests; its output is shown when it was not meant to end. */
function start(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => (output = (output + text).slice(-4_000)));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  closers.push(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  return { output: () => output };
}

async function until(what, condition, seconds = 240) {
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; await sleep(500)) {
    if (await condition().catch(() => false)) return;
  }
  throw new Error(`${what}: not within ${seconds} s`);
}

async function ask(query, range) {
  const now = Date.now() / 1_000;
  const parameters = range ? { query, start: String(now - 60), end: String(now), step: '5' } : { query };
  const answer = await fetch(`${prometheusUrl}/api/v1/${range ? 'query_range' : 'query'}`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
  });
  const { status, data, error } = await answer.json();
  assert.equal(status, 'success', `${query}: ${error}`);
  return data.result;
}

before(
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'model-health-dashboards-'));
    closers.push(async () => rmSync(folder, { recursive: true, force: true }));
    const [exporterPort, prometheusPort] = [await freePort(), await freePort()];
    exporterUrl = `http://127.0.0.1:${exporterPort}`;
    prometheusUrl = `http://127.0.0.1:${prometheusPort}`;
    const demo = start(process.execPath, [
      path.join(root, 'exporter', 'dist', 'demo', 'main.js'),
      '--real-estate',
      `--listen-address=127.0.0.1:${exporterPort}`,
      ...FAULTS.map((fault) => `--fault=${fault.join(':')}`),
    ]);
    await until('the exporter', async () => (await fetch(`${exporterUrl}/metrics`)).ok).catch((error) => {
      throw new Error(`${error.message}\n${demo.output()}`);
    });
    const config = path.join(folder, 'prometheus.yml');
    writeFileSync(
      config,
      `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ['${path.join(root, 'alerting-rules', '*.rules.yml')}']
scrape_configs: [{ job_name: model-health, static_configs: [{ targets: ['127.0.0.1:${exporterPort}'] }] }]
`,
    );
    const prometheus = start('prometheus', [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
    ]);
    await until('Prometheus', async () => (await fetch(`${prometheusUrl}/-/ready`)).ok).catch((error) => {
      throw new Error(`${error.message}\n${prometheus.output()}`);
    });
    // The demo begins with a whole window of the past, so that the faults show as soon as it is evaluated.
    await until(
      'every fault as a check in alert',
      async () => (await ask('count(ml_model_check_state{state="alert"} == 1)'))[0]?.value[1] >= SEEN.length,
    );
    await until('rates', async () => (await ask('rate(ml_predictions_total[5m]) > 0')).length >= 4);
    host = await openHost(['13.2'], { prometheusUrl, exporterUrl });
  },
  { timeout: 600_000 },
);
after(async () => {
  await host?.close();
  for (const close of closers.reverse()) await close();
});

const written = (expr) => expr.replaceAll('$model', '.*').replaceAll('$version', '.*').replaceAll('$__range', '60s');

describe('every query finds data', () => {
  for (const { title, panels } of DASHBOARDS)
    for (const panel of panels)
      for (const { refId, expr, instant } of panel.targets)
        test(`${title}: ${panel.title}: ${refId}`, async () => {
          const found = await ask(written(expr), !instant);
          const reason = EMPTY.find(([metric]) => expr.includes(metric));
          assert.ok(found.length > 0 || reason !== undefined, `nothing for ${expr}`);
        });
});

describe('in the browser', () => {
  for (const { uid, title } of DASHBOARDS)
    for (const theme of ['dark', 'light'])
      test(`${title}, ${theme}`, async () => {
        const { page, errors } = await host.open(`/d/${uid}?theme=${theme}&from=now-5m`, { width: 1440, height: 1300 });
        await page.waitForFunction(
          () => globalThis.__states?.().every(({ state }) => state === 'Done' || state === 'Error'),
          null,
          { timeout: 60_000 },
        );
        await page.waitForTimeout(500);
        await page.screenshot({ path: path.join(SHOTS, `${uid}-${theme}.png`) });
        assert.deepEqual(
          (await page.evaluate('window.__states()')).filter(({ error }) => error),
          [],
        );
        assert.deepEqual(errors, []);
        await page.close();
      });

  test('each fault is on the overview, by its words on the card of its model', async () => {
    const { page } = await host.open('/d/model-health-overview?from=now-5m', { width: 1440, height: 1300 });
    for (const [model, check] of SEEN) {
      const row = page.locator(`article[aria-label^="${model} "] [data-state=alert]`, { hasText: check });
      await row.waitFor({ timeout: 60_000 });
    }
    await page.close();
  });

  test('the panel of the overview has no serious finding of axe', async () => {
    const { page } = await host.open('/d/model-health-overview?from=now-5m', { width: 1440, height: 1300 });
    await page.locator('[data-testid=model-card]').first().waitFor();
    assert.deepEqual(await seriousFindings(page, '[data-testid=model-health]'), []);
    await page.close();
  });

  test('both distributions of the drifted feature are on the page of the model', async () => {
    const { page } = await host.open('/d/model-health-model?var-model=move_probability&from=now-5m', {
      width: 1440,
      height: 1300,
    });
    await page.getByRole('img', { name: /Distribution of tenure_years/ }).waitFor({ timeout: 60_000 });
    await page.close();
  });
});
