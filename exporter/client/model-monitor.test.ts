import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ModelMonitor } from './model-monitor.ts';
import type { ModelMonitorOptions, Rejection } from './model-monitor.ts';

interface Received {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly rows: Record<string, unknown>[];
}
type Answer = readonly [status: number, body: unknown, headers?: Readonly<Record<string, string>>];

/** A server that answers what the test says; the real exporter is met in the end-to-end tests. */
describe('ModelMonitor', () => {
  let server: http.Server;
  let received: Received[];
  let answers: (Answer | 'cut')[];
  let url: string;
  beforeEach(async () => {
    received = [];
    answers = [];
    server = http.createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        const { url: path = '', headers, method } = request;
        const rows = method === 'POST' ? (JSON.parse(body) as Record<string, unknown>[]) : [];
        received.push({ path, authorization: headers.authorization, rows });
        const answer = answers.shift() ?? [200, { accepted: rows.length, errors: [] }];
        if (answer === 'cut') {
          request.socket.destroy();
          return;
        }
        response.writeHead(answer[0], { 'content-type': 'application/json', ...answer[2] });
        response.end(JSON.stringify(answer[1]));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const monitor = (options: Partial<ModelMonitorOptions> = {}) =>
    new ModelMonitor({ url, model: 'churn', version: '3', ...options });

  test('sends the names of the wire, and makes ids and times where there are none', async () => {
    const one = monitor({ token: 'secret' });
    const id = one.logPrediction({ features: { age: 40, region: null }, prediction: '1', score: 0.8, latencyMs: 12 });
    one.logGroundTruth({ predictionId: id, label: '0', timestamp: new Date(1_000) });
    one.logBusinessMetric({ name: 'revenue', value: 12.5, timestamp: new Date(2_000) });
    await one.close();
    expect(received).toEqual([
      {
        path: '/api/ml/predictions',
        authorization: 'Bearer secret',
        rows: [
          {
            model: 'churn',
            version: '3',
            prediction_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
            timestamp: expect.any(Number),
            features: { age: 40, region: null },
            prediction: '1',
            score: 0.8,
            latency_ms: 12,
          },
        ],
      },
      {
        path: '/api/ml/ground-truth',
        authorization: 'Bearer secret',
        rows: [{ model: 'churn', prediction_id: id, label: '0', timestamp: 1_000 }],
      },
      {
        path: '/api/ml/business-metrics',
        authorization: 'Bearer secret',
        rows: [{ model: 'churn', name: 'revenue', value: 12.5, timestamp: 2_000 }],
      },
    ]);
    expect(received[0]!.rows[0]!.prediction_id).toBe(id);
  });

  test('batches, in order', async () => {
    const one = monitor({ batchSize: 4 });
    const ids = Array.from({ length: 10 }, (_, i) => one.logPrediction({ predictionId: `p${i}` }));
    await one.flush();
    expect(received.map(({ rows }) => rows.length)).toEqual([4, 4, 2]);
    expect(received.flatMap(({ rows }) => rows.map((row) => row.prediction_id))).toEqual(ids);
  });

  test('a batch that is not full leaves by itself', async () => {
    const one = monitor({ flushIntervalMs: 20 });
    one.logPrediction({ predictionId: 'p' });
    while (received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await one.close();
    expect(received).toHaveLength(1);
  });

  test.each<[string, Answer | 'cut']>([
    ['503', [503, {}, { 'retry-after': '0' }]],
    ['429', [429, {}]],
    ['502 of a proxy', [502, 'bad gateway']],
    ['a connection that is cut', 'cut'],
  ])('after %s the same ids are sent again', async (_name, refusal) => {
    answers = [refusal, refusal];
    const one = monitor();
    one.logPrediction({});
    one.logPrediction({});
    await one.close();
    expect(received).toHaveLength(3);
    expect(received[1]!.rows).toEqual(received[0]!.rows);
    expect(received[2]!.rows).toEqual(received[0]!.rows);
    expect(one.dropped).toBe(0);
  });

  test('rows that are refused are handed over, and not sent again', async () => {
    const errors = [{ index: 1, pointer: '/latency_ms', detail: 'below 0' }];
    answers = [
      [200, { accepted: 1, rejected: 1, errors }],
      [422, { title: 'No row could be accepted', errors: [{ index: 0, pointer: '', detail: 'not an object' }] }],
    ];
    const rejected: Rejection[] = [];
    const one = monitor({ batchSize: 2, onRejected: (rows) => rejected.push(...rows) });
    for (const latencyMs of [1, -1, 2]) one.logPrediction({ predictionId: `l${latencyMs}`, latencyMs });
    await one.close();
    expect(received).toHaveLength(2);
    expect(rejected.map(({ row, pointer }) => [row.prediction_id, pointer])).toEqual([
      ['l-1', '/latency_ms'],
      ['l2', ''],
    ]);
  });

  test('a request that is refused as a whole is dropped, counted and told', async () => {
    answers = [[401, { title: 'Unauthorized', detail: 'a bearer token is needed' }]];
    const said: string[] = [];
    const one = monitor({ onError: ({ message }) => said.push(message) });
    one.logPrediction({});
    await one.close();
    expect(said).toEqual(['401 Unauthorized: a bearer token is needed']);
    expect(one.dropped).toBe(1);
  });

  test('a full queue drops what comes on top, counts it and says which', async () => {
    const lost: unknown[] = [];
    const one = monitor({
      queueLimit: 3,
      batchSize: 100,
      onDropped: (rows, reason) => lost.push([rows.map((row) => row.prediction_id), reason]),
    });
    for (let i = 0; i < 5; i++) one.logPrediction({ predictionId: `p${i}` });
    expect(one.dropped).toBe(2);
    expect(lost).toEqual([
      [['p3'], 'queue_full'],
      [['p4'], 'queue_full'],
    ]);
    await one.close();
    expect(received[0]!.rows.map((row) => row.prediction_id)).toEqual(['p0', 'p1', 'p2']);
  });

  test('checkModelHealth asks for its version, and passes on what the exporter says', async () => {
    answers = [
      [200, { model: 'churn', overall_health: 91.5 }],
      [404, { title: 'Not found', detail: 'no report of churn yet' }],
    ];
    const one = monitor({ version: 'a b' });
    expect(await one.checkModelHealth()).toMatchObject({ overall_health: 91.5 });
    expect(received[0]!.path).toBe('/api/ml/health/churn?version=a%20b');
    await expect(one.checkModelHealth()).rejects.toThrow('404 Not found: no report of churn yet');
  });
});
