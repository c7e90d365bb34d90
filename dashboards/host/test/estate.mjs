// Everything that the dashboards show, for real: the demo with every fault on, a Prometheus with the rules, an Alertmanager, people who
// acknowledge alerts, a retraining, and a caller who sends nonsense.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const root = path.join(import.meta.dirname, '..', '..', '..');

/** All faults that the demo has. */
const FAULTS = [
  ['move_probability', 'data_drift'],
  ['contact_timing', 'shifted_predictions'],
  ['transaction_type', 'latency_spike'],
  ['contact_timing', 'errors'],
  ['transaction_type', 'missing_values'],
  ['property_value', 'degraded_accuracy'],
];

/** What the demo's own configuration leaves at its default. */
const MORE = `
extra_windows: { latency: [1m], data_drift: [10m] }
retraining:
  check_interval: 5s
  data: { min_rows: 500 }
  gate: { min_rows: 100 }
  hints: { tuning_budget: 1 }
  trainer: { type: embedded }
`;
/** Rows that only a broken caller sends: a text for a number, a number out of its range, a category that nobody has seen. */
const NONSENSE = { tenure_years: 'long', home_equity: -1, household_size: 0, income: 1, region: 'atlantis' };

/**
 * @returns once every fault has become an alert, and everything else has happened as well
 * @throws with the last output of the programs when something does not happen in time
 */
export async function startEstate() {
  const folder = mkdtempSync(path.join(tmpdir(), 'model-health-dashboards-'));
  const programs = [];
  const run = (command, args) => {
    const program = start(command, args);
    programs.push(program);
    return program;
  };
  const close = async () => {
    for (const program of programs.reverse()) await program.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [exporter, prometheus, alertmanager] = await Promise.all([freePort(), freePort(), freePort()]);
    const urls = Object.fromEntries(
      Object.entries({ exporter, prometheus, alertmanager }).map(([name, port]) => [name, `http://127.0.0.1:${port}`]),
    );
    const files = writeFiles(folder, urls);
    run(process.execPath, [
      path.join(root, 'exporter', 'dist', 'demo', 'main.js'),
      '--real-estate',
      `--config=${files.exporter}`,
      `--listen-address=127.0.0.1:${exporter}`,
      ...FAULTS.map((fault) => `--fault=${fault.join(':')}`),
    ]);
    run('prometheus-alertmanager', [
      `--config.file=${files.alertmanager}`,
      `--storage.path=${path.join(folder, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${alertmanager}`,
      '--cluster.listen-address=',
    ]);
    run('prometheus', [
      `--config.file=${files.prometheus}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${prometheus}`,
    ]);
    const estate = { urls, ask: (query, range) => ask(urls.prometheus, query, range), close };
    await until('the exporter', async () => (await fetch(`${urls.exporter}/metrics`)).ok);
    await until('Prometheus', async () => (await fetch(`${urls.prometheus}/-/ready`)).ok);
    await happen(estate);
    return estate;
  } catch (error) {
    const outputs = programs.map(({ output }) => output()).filter((text) => text !== '');
    await close();
    throw new Error(`${error.message}\n${outputs.join('\n')}`, { cause: error });
  }
}

function writeFiles(folder, urls) {
  const rules = path.join(folder, 'rules');
  mkdirSync(rules);
  // The rules as they are, but without their minutes of patience.
  const source = path.join(root, 'alerting-rules');
  for (const name of readdirSync(source).filter((file) => file.endsWith('.rules.yml')))
    writeFileSync(
      path.join(rules, name),
      readFileSync(path.join(source, name), 'utf8').replaceAll(/^( +for:) \d+[mh]$/gm, '$1 2s'),
    );
  const compose = (name) => readFileSync(path.join(root, 'dashboards', 'compose', name), 'utf8');
  const written = {
    exporter: readFileSync(path.join(root, 'exporter', 'demo', 'real-estate.yml'), 'utf8') + MORE,
    alertmanager: compose('alertmanager.yml')
      .replace(/group_wait: \w+/, 'group_wait: 1s')
      .replace(/group_interval: \w+/, 'group_interval: 2s')
      .replace('http://exporter:9477', urls.exporter),
    prometheus: `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ['${rules}/*.rules.yml']
alerting: { alertmanagers: [{ static_configs: [{ targets: ['${new URL(urls.alertmanager).host}'] }] }] }
scrape_configs: [{ job_name: model-health, static_configs: [{ targets: ['${new URL(urls.exporter).host}'] }] }]
`,
  };
  return Object.fromEntries(
    Object.entries(written).map(([name, text]) => {
      const file = path.join(folder, `${name}.yml`);
      writeFileSync(file, text);
      return [name, file];
    }),
  );
}

/** The demo begins with a whole window of the past, so that the faults show as soon as it is evaluated. */
async function happen({ urls, ask }) {
  const has = async (query) => (await ask(query)).length > 0;
  const call = async (method, where, body) => {
    const answer = await fetch(urls.exporter + where, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  };
  await until('traffic', () => has('rate(ml_predictions_total[5m]) > 0'));
  await until('a refusal', async () => {
    await call('POST', '/api/ml/predictions', [{ prediction: 1 }]);
    return has('increase(ml_exporter_ingest_rejected_total[5m]) > 0');
  });
  await until('nonsense', async () => {
    const rows = Array.from({ length: 20 }, () => ({
      model: 'move_probability',
      version: '1',
      features: NONSENSE,
      score: 0.5,
    }));
    await call('POST', '/api/ml/predictions', rows);
    const kinds = ['type_errors', 'out_of_range', 'unseen_categories'];
    return (await Promise.all(kinds.map((kind) => has(`rate(ml_feature_${kind}_total[5m]) > 0`)))).every(Boolean);
  });
  await until(
    'a retraining',
    async () => (await call('POST', '/api/ml/retrain/property_value', { reason: 'a test' })).status === 202,
  );
  await until('its end', async () => {
    const { body } = await call('GET', '/api/ml/retrain/jobs?model=property_value');
    const [job] = body.jobs;
    if (job.state === 'awaiting_approval') await call('POST', `/api/ml/retrain/jobs/${job.id}/reject`, {});
    return has('ml_retraining_jobs_total offset 3s');
  });
  await until('every fault as an alert', () =>
    has(`count(ALERTS{alertname=~"ML.*", alertstate="firing"}) >= ${FAULTS.length}`),
  );
  // One after another, so that Prometheus sees them go up.
  await until('two acknowledgements of one rule', async () => {
    const { body } = await call('GET', '/api/ml/alerts?status=firing');
    const open = body.alerts.find(({ acknowledged }) => acknowledged === null);
    if (open !== undefined) {
      await call('POST', `/api/ml/alerts/${open.id}/acknowledge`, { by: 'a test' });
      await call('POST', `/api/ml/alerts/${open.id}/verdict`, { verdict: 'true', by: 'a test' });
    }
    return has('sum(rate(ml_alert_time_to_acknowledge_seconds_count[6h])) > 0');
  });
}

async function ask(url, query, range = false) {
  const now = Date.now() / 1_000;
  const parameters = range ? { query, start: String(now - 60), end: String(now), step: '5' } : { query };
  const answer = await fetch(`${url}/api/v1/${range ? 'query_range' : 'query'}`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
  });
  const { status, data, error } = await answer.json();
  assert.equal(status, 'success', `${query}: ${error}`);
  return data.result;
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function start(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => (output = (output + text).slice(-4_000)));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  return {
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Says what it saw last when it does not become true in time. */
async function until(what, condition, seconds = 240) {
  let seen = 'not yet';
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; await sleep(1_000)) {
    try {
      if (await condition()) return;
    } catch (error) {
      seen = error.message;
    }
  }
  throw new Error(`${what}: not within ${seconds} s (${seen})`);
}
