import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client } from 'pg';
import { embeddedUrl, eventually, jsonOf, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { senderEvents, senderFile } from '../support/sender-events.ts';
import type { SenderEvent } from '../support/sender-events.ts';
import { temporaryFolder } from '../support/test-server.ts';

const FLAGS = [
  `--config.file=${path.resolve(__dirname, '..', 'fixtures', 'foreign-formats.yml')}`,
  // The fixtures are of that day.
  '--clock.start=2026-11-26T12:02:00Z',
];

interface Reply {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
}
interface Health {
  readonly checks: {
    readonly data_quality: { readonly samples: number };
    readonly performance: { readonly state: string; readonly recent_accuracy?: number; readonly samples: number };
    readonly latency: { readonly avg_latency_ms: number | null; readonly samples: number };
    readonly error_rate: {
      readonly samples: number;
      readonly error_rate: number | null;
      readonly error_types: Readonly<Record<string, number>>;
    };
  };
}
interface Row {
  readonly id: string;
  readonly version: string;
  readonly class: string | null;
  readonly prediction: number | null;
  readonly latency: number | null;
  readonly error: string | null;
  readonly num: (number | null)[];
  readonly cat: (string | null)[];
  readonly label: string | null;
}

describe('foreign formats against the running exporter', () => {
  const dataPath = temporaryFolder();
  let exporter: ExporterProcess;
  beforeAll(async () => {
    exporter = await startExporter({ dataPath, flags: FLAGS });
  });
  afterAll(async () => {
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });

  const send = async (address: string, body: string | Buffer, headers: SenderEvent['headers'] = {}): Promise<Reply> => {
    const { host: _host, ...own } = headers;
    const response = await fetch(exporter.baseUrl + address, {
      method: 'POST',
      headers: own as Record<string, string>,
      body: typeof body === 'string' ? body : new Uint8Array(body),
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()} ${exporter.log().slice(-3000)}`);
    return jsonOf<Reply>(response);
  };
  const kserve = ({ headers, body }: SenderEvent, query = '') => send(`/api/ml/intake/kserve${query}`, body, headers);

  /** What the exporter stored of a model. */
  async function rowsOf(model: string): Promise<Row[]> {
    const client = new Client({ connectionString: embeddedUrl(dataPath) });
    await client.connect();
    try {
      const { rows } = await client.query<Row>(
        `SELECT coalesce(p.pid_text, p.pid::text) AS id, v.version, p.class, p.prediction, p.latency_ms AS latency,
                p.error_type AS error, p.num, p.cat, g.label
         FROM predictions p JOIN models m ON m.id = p.model_id JOIN model_versions v ON v.id = p.version_id
         LEFT JOIN ground_truth g ON g.pid = p.pid AND g.model_id = p.model_id WHERE m.name = $1 ORDER BY 1`,
        [model],
      );
      return rows;
    } finally {
      await client.end();
    }
  }
  const eventuallyRows = (model: string, count: number) =>
    eventually(async () => {
      const rows = await rowsOf(model);
      expect(rows).toHaveLength(count);
      return rows;
    });
  const healthOf = async (model: string) =>
    jsonOf<Health>(await fetch(`${exporter.baseUrl}/api/ml/health/${encodeURIComponent(model)}`));

  /** Whole numbers as classes are known for such after a thousand of them, or when it is said. */
  const declare = (model: string, task: string) =>
    fetch(`${exporter.baseUrl}/api/ml/models/${model}`, { method: 'PUT', body: JSON.stringify({ task }) });

  test('KServe: V1 and V2, either order, many rows, gzip without its header, duplicates', async () => {
    const { v1, v2 } = senderEvents('kserve.json');
    const query = '?model=iris-v1';
    await kserve(v1![1]!, query);
    await kserve(v1![1]!, query);
    expect(await rowsOf('iris-v1')).toEqual([]);
    const { headers, body } = v1![0]!;
    await send(`/api/ml/intake/kserve${query}`, gzipSync(body), headers);
    const rows = await eventuallyRows('iris-v1', 2);
    const id = headers['ce-id']!;
    expect(rows).toMatchObject([
      { id: `${id}_0`, class: '1', version: '', error: null, num: [6.8, 2.8, 4.8, 1.4] },
      { id: `${id}_1`, class: '1', num: [6, 3.4, 4.5, 1.6] },
    ]);
    expect(rows[0]!.latency).toBeCloseTo(12.4, 2);

    for (const event of v2!) await kserve(event, '?model=iris-v2&classes=stay,leave');
    expect(await eventuallyRows('iris-v2', 2)).toMatchObject([
      { version: 'v7', class: 'stay', cat: ['north'], num: [34] },
      { version: 'v7', class: 'leave', cat: ['south'], num: [5] },
    ]);
    // The same pair again, late: its ids and times are those that are stored.
    for (const event of v1!) await kserve(event, query);
    await eventually(async () => {
      expect(await metric(exporter.baseUrl, 'ml_exporter_ingest_duplicates_total{kind="prediction"}')).toBeGreaterThan(
        0,
      );
    });
    expect(await rowsOf('iris-v1')).toHaveLength(2);
  });

  test('KServe: halves survive kill -9; a response that never comes is an error; health follows', async () => {
    const template = senderEvents('kserve.json').v1!;
    const at = Date.parse('2026-11-26T12:01:00Z');
    const event = (i: number, half: 0 | 1): SenderEvent => {
      const time = new Date(at + i * 100 + half * 20).toISOString();
      const { headers } = template[half]!;
      return {
        headers: { ...headers, 'ce-id': `load-${i}`, 'ce-time': time, 'ce-recordedtime': time },
        body: half === 0 ? JSON.stringify({ instances: [[i, i % 7]] }) : JSON.stringify({ predictions: [i % 2] }),
      };
    };
    const query = '?model=survivor&version=1';
    await declare('survivor', 'binary');
    await Promise.all(Array.from({ length: 60 }, (_, i) => kserve(event(i, 0), query)));
    await exporter.kill('SIGKILL');
    exporter = await startExporter({ dataPath, flags: FLAGS });
    await Promise.all(Array.from({ length: 50 }, (_, i) => kserve(event(i, 1), query)));
    const rows = await eventuallyRows('survivor', 60);
    expect(rows.filter(({ error }) => error === 'no_response')).toHaveLength(10);
    expect(rows.filter(({ latency }) => latency !== null).every(({ latency }) => latency === 20)).toBe(true);
    const labels = Array.from({ length: 50 }, (_, i) => ({
      model: 'survivor',
      prediction_id: `load-${i}_0`,
      label: i < 40 ? i % 2 : 1 - (i % 2),
    }));
    await send('/api/ml/ground-truth', JSON.stringify(labels), { 'content-type': 'application/json' });
    await eventually(async () => {
      const { checks } = await healthOf('survivor');
      expect(checks.latency).toMatchObject({ samples: 50 });
      expect(checks.latency.avg_latency_ms).toBeCloseTo(20, 0);
      expect(checks.error_rate.error_types).toEqual({ no_response: 10 });
      expect(checks.performance).toMatchObject({ samples: 50, recent_accuracy: 0.8 });
    });
  });

  test('KServe: a response without its request is dropped, and counted', async () => {
    const { headers, body } = senderEvents('kserve.json').v1![1]!;
    await send('/api/ml/intake/kserve', body, { ...headers, 'ce-id': 'orphan' });
    await eventually(async () => {
      const dropped = await metric(
        exporter.baseUrl,
        'ml_exporter_ingest_rejected_total{kind="prediction",reason="no_request"}',
      );
      expect(dropped).toBe(1);
    });
  });

  test('Seldon with feedback', async () => {
    const { ndarray } = senderEvents('seldon.json');
    for (const { headers, body } of ndarray!) await send('/api/ml/intake/seldon', body, headers);
    expect(await eventuallyRows('churn-classifier', 2)).toMatchObject([
      { class: 't:0', label: 't:0', num: [34, 2100.5] },
      { class: 't:1', label: 't:0', num: [2, 900] },
    ]);
  });

  test('SageMaker: capture and ground truth', async () => {
    const reply = await send('/api/ml/intake/sagemaker?model=sm&output=score', senderFile('sagemaker.jsonl'));
    expect(reply).toMatchObject({ accepted: 8, rejected: 0 });
    const rows = await eventuallyRows('sm', 5);
    expect(rows.map(({ class: predicted, label }) => [predicted, label])).toEqual([
      ['0', '1'],
      ['1', null],
      ['1', null],
      ['0', '0'],
      ['1', '1'],
    ]);
    expect(await send('/api/ml/intake/sagemaker?model=sm&output=score', senderFile('sagemaker.jsonl'))).toMatchObject({
      duplicates: 8,
    });
  });

  test('Azure ML', async () => {
    expect(await send('/api/ml/intake/azureml', senderFile('azureml.jsonl'))).toMatchObject({ accepted: 2 });
    expect(await eventuallyRows('credit-default', 2)).toMatchObject([
      { version: 'main2', class: '1', cat: ['university'], num: [502970, 54] },
      { version: 'main2', class: '0', cat: [null], num: [293458, 35] },
    ]);
  });

  test('BentoML: protobuf, JSON with roles told before a restart, and what is refused', async () => {
    const post = (address: string, body: Uint8Array, type: string, more = {}) =>
      fetch(exporter.baseUrl + address, { method: 'POST', headers: { 'content-type': type, ...more }, body });
    const packed = new Uint8Array(gzipSync(senderFile('bentoml-otlp-logs.bin')));
    const protobuf = await post('/', packed, 'application/x-protobuf', { 'content-encoding': 'gzip' });
    expect([protobuf.status, protobuf.headers.get('content-type')]).toEqual([200, 'application/x-protobuf']);
    expect(await eventuallyRows('iris_classifier:iris_classifier_prediction', 3)).toMatchObject([
      { id: '6413930528999883196', class: 'setosa', label: 'setosa' },
      { id: '7213930528999883197', class: 'versicolor', label: 'versicolor' },
      { id: '7213930528999883197_1', class: 'virginica', label: 'versicolor' },
    ]);
    const text = senderFile('bentoml-otlp-logs.json').toString('utf8');
    expect(await (await post('/v1/logs', Buffer.from(text), 'application/json')).json()).toEqual({});
    await exporter.kill('SIGTERM');
    exporter = await startExporter({ dataPath, flags: FLAGS });
    const later = JSON.parse(text) as { resourceLogs: { scopeLogs: { logRecords: unknown[] }[] }[] };
    const { logRecords } = later.resourceLogs[0]!.scopeLogs[0]!;
    logRecords.shift();
    const again = JSON.stringify(later).replaceAll("'request_id': '78'", "'request_id': '79'");
    expect(await (await post('/v1/logs', Buffer.from(again), 'application/json')).json()).toEqual({});
    expect((await eventuallyRows('houses:price_monitor', 3)).map(({ prediction }) => prediction)).toEqual([
      1200.5, 990, 990,
    ]);
    const unknown = again.replaceAll('houses:price_monitor', 'flats:price_monitor');
    expect(await (await post('/v1/logs', Buffer.from(unknown), 'application/json')).json()).toMatchObject({
      partialSuccess: { rejectedLogRecords: 1 },
    });
    expect((await post('/v1/logs', Buffer.from('x'), 'text/plain')).status).toBe(415);
  });

  test.each([
    { sender: 'KServe V1', model: 'iris-v1', predictions: 2 },
    { sender: 'KServe V2', model: 'iris-v2', predictions: 2 },
    { sender: 'Seldon', model: 'churn-classifier', predictions: 2 },
    { sender: 'SageMaker', model: 'sm', predictions: 5 },
    { sender: 'Azure ML', model: 'credit-default', predictions: 2 },
    { sender: 'BentoML, protobuf', model: 'iris_classifier:iris_classifier_prediction', predictions: 3 },
    { sender: 'BentoML, JSON', model: 'houses:price_monitor', predictions: 3 },
  ])('$sender: its predictions and their features are in the health', async ({ model, predictions }) => {
    await eventually(async () => {
      const { checks } = await healthOf(model);
      expect({
        predictions: checks.error_rate.samples,
        rows: checks.data_quality.samples,
      }).toEqual({ predictions, rows: predictions });
    });
  });

  test('what cannot be read is said so, and nothing is stored of it', async () => {
    const { headers } = senderEvents('kserve.json').v1![0]!;
    await expect(send('/api/ml/intake/kserve', 'hello', headers)).rejects.toThrow(/400.*not JSON/s);
    await expect(send('/api/ml/intake/kserve', '{"instances":[]}')).rejects.toThrow(/400.*ce-type is missing/s);
    await expect(send('/api/ml/intake/sagemaker', senderFile('sagemaker.jsonl'))).rejects.toThrow(/422.*\?model=/s);
    await expect(send('/api/ml/intake/kserve?output=x', '{}', headers)).rejects.toThrow(/400/);
    expect(exporter.log()).not.toMatch(/level=error/);
  });
});
