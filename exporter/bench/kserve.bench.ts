// KServe's inference logger, as it sends: one event a request, requests and responses in turn, every one answered after its commit.
// Target: 5,000 CloudEvents a second and core of the exporter. Against: the same predictions sent whole, one a request, which is what
// a client of ours would do. Client, exporter and PostgreSQL share the machine.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 8);
const CONNECTIONS = 64;
const FEATURES = 20;

interface Event {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const values = () => Array.from({ length: FEATURES }, () => Math.round(Math.random() * 1e4) / 100);

/** Request and response of one prediction. */
function pair(): readonly Event[] {
  const id = randomUUID();
  const now = Date.now();
  const event = (kind: string, atMs: number, body: unknown): Event => ({
    path: '/api/ml/intake/kserve',
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-type': `org.kubeflow.serving.inference.${kind}`,
      'ce-source': 'http://localhost:9081/',
      'ce-time': new Date(atMs).toISOString(),
      'ce-recordedtime': new Date(atMs).toISOString(),
      'ce-inferenceservicename': 'bench',
      'ce-namespace': 'bench',
      'ce-endpoint': '',
    },
    body: JSON.stringify(body),
  });
  return [
    event('request', now - 20, { instances: [values()] }),
    event('response', now - 5, { predictions: [Math.random() < 0.5 ? 'yes' : 'no'] }),
  ];
}

function whole(): readonly Event[] {
  const features = Object.fromEntries(values().map((value, i) => [`feature_${i}`, value]));
  const body = { model: 'whole', prediction_id: randomUUID(), features, prediction: 'yes', latency_ms: 15 };
  const headers = { 'content-type': 'application/json' };
  return [{ path: '/api/ml/predictions', headers, body: JSON.stringify(body) }];
}

function post(url: URL, agent: http.Agent, { path: address, headers, body }: Event): Promise<number> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': Buffer.byteLength(body) };
    const options = {
      host: url.hostname,
      port: url.port,
      path: address,
      method: 'POST',
      agent,
      headers: { ...headers, ...length },
    };
    const request = http.request(options, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject).end(body);
  });
}

async function exposed(url: URL, series: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  const line = text.split('\n').find((one) => one.startsWith(series));
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ')));
}

async function load(
  url: URL,
  make: () => readonly Event[],
): Promise<{ perSecond: number; perCore: number; events: number }> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const cpuBefore = await exposed(url, 'process_cpu_seconds_total');
  const began = performance.now();
  let events = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() - began < SECONDS * 1_000)
        for (const event of make()) {
          const status = await post(url, agent, event);
          if (status !== 200) throw new Error(`the exporter answered ${status}`);
          events++;
        }
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  agent.destroy();
  const cpu = (await exposed(url, 'process_cpu_seconds_total')) - cpuBefore;
  return { perSecond: events / seconds, perCore: events / cpu, events };
}

/** Seconds until every pair that was acknowledged is a prediction. */
async function joined(url: URL, pairs: number): Promise<number> {
  const began = performance.now();
  while ((await exposed(url, 'ml_exporter_ingest_records_total{kind="prediction"}')) < pairs) {
    if (performance.now() - began > 60_000) throw new Error('pairs are missing');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return (performance.now() - began) / 1_000;
}

async function startExporter(dataPath: string): Promise<{ readonly url: URL; readonly stop: () => Promise<void> }> {
  const main = path.join(import.meta.dirname, '..', 'src', 'main.js');
  const child = spawn(process.execPath, [main, '--web.listen-address=127.0.0.1:0', `--data.path=${dataPath}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<URL>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the exporter ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = /(https?:\/\/\S+)\/api\/ml\/predictions/.exec(line)?.[1];
      if (address !== undefined) resolve(new URL(address));
    });
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
  return { url, stop };
}

const dataPath = mkdtempSync(path.join(tmpdir(), 'mh-bench-kserve-'));
chmodSync(dataPath, 0o755);
const exporter = await startExporter(dataPath);
const row = (what: string, value: string, target = '') =>
  console.log(`${what.padEnd(46)} ${value.padStart(30)}   ${target}`);
const thousands = (value: number) => Math.round(value).toLocaleString('en');
try {
  const events = await load(exporter.url, pair);
  const lag = await joined(exporter.url, events.events / 2);
  const single = await load(exporter.url, whole);
  row('KServe events, one a request', `${thousands(events.perSecond)} events/s`);
  row('  a second of the exporter on one core', `${thousands(events.perCore)} events`, 'target 5,000');
  row('  last pair stored after', `${(lag * 1_000).toFixed(0)} ms`);
  row('predictions sent whole, one a request', `${thousands(single.perSecond)} predictions/s`);
  row(
    '  predictions from events against those',
    (events.perSecond / 2 / single.perSecond).toFixed(2),
    'at most 0.5: two requests each',
  );
} finally {
  await exporter.stop();
  rmSync(dataPath, { recursive: true, force: true });
}
