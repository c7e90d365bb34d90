import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { embeddedUrl, eventually, jsonOf, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { describeWith, scrapeJob, startPrometheus } from '../support/prometheus.ts';
import type { Prometheus } from '../support/prometheus.ts';
import { temporaryFolder } from '../support/test-server.ts';

const CONFIG = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'bins.yml')}`];

/** What breaks out of a label, a statement, a path or an object where it is let. */
const NAMES = [
  'a"} 1\nml_forged_total{x="',
  'quote"inside',
  'back\\slash',
  'ends in a backslash\\',
  'new\nline',
  '\\n is not a new line',
  'carriage\rreturn',
  '{model="x"}',
  'a,b=c',
  '# HELP ml_forged_total x',
  '# EOF',
  "'; DROP TABLE predictions; --",
  "Robert'); DELETE FROM models WHERE ('1'='1",
  '$1 $$ %s ${x}',
  'constructor',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  'ü 漢字 🙂 \u2028',
  'tab\tand \u0001',
  ' spaces ',
];

describeWith('prometheus', 'promtool')('names that are not nice, read back by a real Prometheus', () => {
  const folder = temporaryFolder();
  const data = path.join(folder, 'data');
  let exporter: ExporterProcess;
  let prometheus: Prometheus;
  let asText: http.Server;
  let api: string;

  beforeAll(async () => {
    mkdirSync(data);
    exporter = await startExporter({ dataPath: data, flags: CONFIG });
    // Prometheus asks for OpenMetrics; through this it gets the older format.
    asText = http.createServer((_request, response) => {
      void fetch(`${exporter.baseUrl}/metrics`, { headers: { accept: 'text/plain' } }).then(async (reply) => {
        response.setHeader('content-type', reply.headers.get('content-type')!);
        response.end(Buffer.from(await reply.arrayBuffer()));
      });
    });
    await new Promise<void>((resolve) => asText.listen(0, '127.0.0.1', resolve));
    prometheus = await startPrometheus(path.join(folder, 'prometheus'), {
      global: { scrape_interval: '2s' },
      scrape_configs: [
        scrapeJob('openmetrics', exporter.baseUrl),
        scrapeJob('text', `http://127.0.0.1:${(asText.address() as AddressInfo).port}`),
      ],
    });
    api = prometheus.api;
    // Features, categories and classes of one model by a baseline; models, versions and errors by predictions.
    const baseline = Array.from({ length: 600 }, (_, i) => ({
      features: Object.fromEntries(NAMES.map((name, f) => [name, NAMES[(i + f) % NAMES.length]])),
      prediction: NAMES[i % NAMES.length],
    }));
    const put = await fetch(`${exporter.baseUrl}/api/ml/models/names/baseline?version=1`, {
      method: 'PUT',
      headers: { 'content-type': 'application/x-ndjson' },
      body: baseline.map((row) => JSON.stringify(row)).join('\n'),
    });
    expect(await put.text()).toContain(`"rows":600`);
    await send(
      NAMES.map((name) => ({ model: name, version: name, prediction: name, error: name })),
      NAMES.length,
    );
    await send(
      NAMES.map((name) => ({ model: 'names', version: '1', features: { 'quote"inside': name }, prediction: name })),
      NAMES.length,
    );
  });
  afterAll(async () => {
    prometheus.stop();
    asText.close();
    await exporter.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });

  async function send(events: readonly object[], accepted: number): Promise<void> {
    const reply = await fetch(`${exporter.baseUrl}/api/ml/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    expect(await reply.json()).toMatchObject({ accepted });
  }

  async function valuesOf(label: string, selector: string): Promise<string[]> {
    const query = `query=${encodeURIComponent(`count by (${label}) (${selector})`)}`;
    const { data } = await jsonOf<{ data: { result: { metric: Record<string, string> }[] } }>(
      await fetch(`${api}/query?${query}`),
    );
    return data.result.map(({ metric }) => metric[label]!).sort();
  }
  const sorted = (names: readonly string[]) => [...names].sort();

  test.each(['openmetrics', 'text'])(
    '%s: every label is exactly what was sent, and nothing was forged',
    async (job) => {
      await eventually(async () => {
        expect(await valuesOf('model', `ml_predictions_total{job="${job}",model!="names"}`)).toEqual(sorted(NAMES));
        expect(await valuesOf('version', `ml_predictions_total{job="${job}",model!="names"}`)).toEqual(sorted(NAMES));
        expect(await valuesOf('reason', `ml_prediction_errors_total{job="${job}",model!="names"}`)).toEqual(
          expect.arrayContaining(sorted(NAMES)),
        );
        expect(await valuesOf('class', `ml_predicted_class_total{job="${job}",model="names"}`)).toEqual(
          expect.arrayContaining(sorted(NAMES)),
        );
        expect(await valuesOf('feature', `ml_feature_bin_total{job="${job}",model="names"}`)).toEqual(sorted(NAMES));
        expect(
          await valuesOf('bin', `ml_feature_bin_total{job="${job}",model="names",feature="quote\\"inside"}`),
        ).toEqual(expect.arrayContaining(sorted(NAMES)));
      });
      expect(await valuesOf('__name__', `{__name__=~".*forged.*"}`)).toEqual([]);
      expect(await valuesOf('job', `up{job="${job}"} == 1`)).toEqual([job]);
    },
  );

  test('promtool reads it, too', async () => {
    const input = await (await fetch(`${exporter.baseUrl}/metrics`)).text();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });

  test('each is a path and a page of its own, and comes out of the database as it went in', async () => {
    for (const name of NAMES) {
      const model = await fetch(`${exporter.baseUrl}/api/ml/models/${encodeURIComponent(name)}`);
      expect(await model.json()).toMatchObject({ model: name, versions: [{ version: name }] });
      const page = await fetch(`${exporter.baseUrl}/admin/ml/models/${encodeURIComponent(name)}`);
      expect(page.status).toBe(200);
      expect(await page.text()).not.toContain('<script>alert');
    }
    const client = new Client({ connectionString: embeddedUrl(data) });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string }>("SELECT name FROM models WHERE name <> 'names'");
      expect(sorted(rows.map(({ name }) => name))).toEqual(sorted(NAMES));
      const { rows: counts } = await client.query<{ n: string }>('SELECT count(*) AS n FROM predictions');
      expect(Number(counts[0]!.n)).toBe(2 * NAMES.length);
    } finally {
      await client.end();
    }
    expect(exporter.log()).not.toMatch(/level=error/);
  });

  test.each([
    ['a feature is refused', '{"model":"m","features":{"__proto__":1}}', 422],
    ['a class is a text like others', '{"model":"m","prediction":"__proto__"}', 200],
    ['a score, too', '{"model":"m","prediction":"a","scores":{"__proto__":1}}', 200],
  ])('__proto__ as %s, and pollutes nothing', async (_name, body, status) => {
    const reply = await fetch(`${exporter.baseUrl}/api/ml/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect([reply.status, await reply.text()]).toEqual([status, expect.any(String)]);
    const models = await fetch(`${exporter.baseUrl}/api/ml/models`);
    expect(await models.text()).toMatch(/^\{"models":\[/);
  });

  test('a class named __proto__ is one in a baseline, too: captured from what was taken in, and uploaded', async () => {
    const classes = ['__proto__', 'constructor', 'yes'];
    const events = Array.from({ length: 60 }, (_, i) => ({
      model: 'proto',
      timestamp: Date.now() - 1_000 * i,
      features: { toString: i },
      prediction: classes[i % 3],
    }));
    await send(events, 60);
    const ask = async (method: string, path: string, type: string, body: string) => {
      const reply = await fetch(`${exporter.baseUrl}/api/ml/models/proto/baseline${path}`, {
        method,
        headers: { 'content-type': type },
        body,
      });
      return { status: reply.status, body: await reply.json() };
    };
    const range = JSON.stringify({ from: Date.now() - 3_600_000, to: Date.now() + 60_000 });
    expect(await ask('POST', '/capture', 'application/json', range)).toMatchObject({
      status: 200,
      body: { rows: 60, task: 'multiclass' },
    });
    const lines = events.map((event) => JSON.stringify({ ...event, label: event.prediction })).join('\n');
    expect(await ask('PUT', '', 'application/x-ndjson', lines)).toMatchObject({
      status: 200,
      body: { rows: 60, labelled_rows: 60, task: 'multiclass' },
    });
  });

  test('as many features as may be, with names as long as may be', async () => {
    const name = (i: number) => createHash('sha512').update(String(i)).digest('base64').repeat(3).slice(0, 200);
    const features = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [name(i), i]));
    await send(
      [
        { model: 'wide', features },
        { model: 'wide', features },
      ],
      2,
    );
  });
});
