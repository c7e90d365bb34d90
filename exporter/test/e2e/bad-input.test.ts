import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { createPool } from '../../src/storage/pool.ts';
import { embeddedUrl, jsonOf, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { makeEvents } from '../support/load.ts';
import { compareWhenCounted } from '../support/recount.ts';
import { tableFile } from '../support/reference-table.ts';
import { silentLog } from '../support/silent-log.ts';
import { temporaryFolder } from '../support/test-server.ts';

const FAST = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`];
const good = () => makeEvents(1, 1)[0]!;
const bad = (change: Readonly<Record<string, unknown>>) => ({ ...good(), ...change });

interface Case {
  readonly name: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  /** Of the first error, where rows have errors. */
  readonly pointer?: string;
  readonly detail?: RegExp;
}

interface Answer {
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

interface BaselineAnswer {
  readonly rows: number;
  readonly task: string;
  readonly features: readonly { readonly feature: string; readonly kind: string; readonly values: number }[];
}

const row = (name: string, change: Readonly<Record<string, unknown>>, pointer: string, detail: RegExp): Case => ({
  name,
  body: JSON.stringify(bad(change)),
  status: 422,
  pointer,
  detail,
});

const cases: readonly Case[] = [
  { name: 'not JSON', body: 'hello', status: 400, detail: /not JSON/ },
  { name: 'empty', body: '', status: 400, detail: /empty/ },
  { name: "Python's NaN", body: '{"model":"m","score":NaN}', status: 400, detail: /NaN is not JSON, send null/ },
  { name: 'cut in the middle', body: '[{"model":"m"', status: 400, detail: /not JSON/ },
  {
    name: '100,000 levels deep',
    body: '['.repeat(100_000) + ']'.repeat(100_000),
    status: 422,
    detail: /must be an object/,
  },
  { name: 'a bare number', body: '7', status: 422, detail: /must be an object/ },
  { name: 'an unsupported media type', body: 'a,b', headers: { 'content-type': 'text/csv' }, status: 415 },
  { name: 'not the gzip it says', body: 'plain', headers: { 'content-encoding': 'gzip' }, status: 400 },
  {
    name: 'gzip cut short',
    body: gzipSync(JSON.stringify(makeEvents(100))).subarray(0, 200),
    headers: { 'content-encoding': 'gzip' },
    status: 400,
  },
  { name: 'an unknown encoding', body: '{}', headers: { 'content-encoding': 'rot13' }, status: 415 },
  { name: 'more rows than allowed', body: `[${'{},'.repeat(100_000)}{}]`, status: 400, detail: /100001 rows/ },
  row('no model', { model: undefined }, '/model', /must be a string/),
  row('a model of 10 kB', { model: 'm'.repeat(10_000) }, '/model', /10000 characters/),
  row('a feature name of 10 kB', { features: { ['f'.repeat(10_000)]: 1 } }, '/features', /10000 characters/),
  row('a category of 10 kB', { features: { region: 'x'.repeat(10_000) } }, '/features/region', /10000 characters/),
  row('an unknown key', { latency: 3 }, '/latency', /unknown key/),
  row('a time of 1970', { timestamp: '1970-01-01T00:00:00Z' }, '/timestamp', /older than the retention/),
  row('a time of 2100', { timestamp: '2100-01-01T00:00:00Z' }, '/timestamp', /future/),
  row('seconds for milliseconds', { timestamp: Math.floor(Date.now() / 1000) }, '/timestamp', /looks like seconds/),
  row('no time at all', { timestamp: 'yesterday' }, '/timestamp', /RFC 3339/),
  row('a negative latency', { latency_ms: -1 }, '/latency_ms', /below 0/),
  row('a latency that is text', { latency_ms: '12' }, '/latency_ms', /must be a number, not a string/),
  row('scores that are a list', { scores: [0.1, 0.9] }, '/scores', /object/),
  row('features that are a list', { features: [1, 2] }, '/features', /object/),
  row('a prediction that is an object', { prediction: {} }, '/prediction', /number, a string or a boolean/),
  row('NUL in a category', { features: { region: 'a\0b' } }, '/features/region', /NUL/),
  row('NUL in an id', { prediction_id: 'a\0b' }, '/prediction_id', /NUL/),
  {
    name: 'a score beyond a double',
    body: JSON.stringify(good()).replace(/"score":[0-9.e-]+/, '"score":1e999'),
    status: 422,
    pointer: '/score',
    detail: /too large/,
  },
];

describe('bad input gets a clear error, and nothing else suffers', () => {
  let dataPath: string;
  let exporter: ExporterProcess;
  beforeAll(async () => {
    dataPath = temporaryFolder();
    exporter = await startExporter({ dataPath, flags: FAST });
    expect((await send(JSON.stringify(makeEvents(50, 1)))).status).toBe(200);
  });
  afterAll(async () => {
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });
  const send = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${exporter.baseUrl}/api/ml/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });

  test.each(cases)('$name: $status', async ({ body, headers, status, pointer, detail }) => {
    const response = await send(body, headers);
    const answer = await jsonOf<Answer>(response);
    expect({ status: response.status, answer }).toMatchObject({ status });
    const first = answer.errors?.[0];
    if (pointer !== undefined) expect(first?.pointer).toBe(pointer);
    if (detail !== undefined) expect(`${answer.detail} ${first?.detail ?? ''}`).toMatch(detail);
  });

  test('a good row beside bad ones is accepted', async () => {
    const answer = await (await send(JSON.stringify([good(), bad({ timestamp: 7 }), good(), 5]))).json();
    expect(answer).toMatchObject({
      accepted: 2,
      rejected: 2,
      duplicates: 0,
      errors: [
        { index: 1, pointer: '/timestamp' },
        { index: 3, pointer: '' },
      ],
    });
  });

  test('the same id twice in one request is stored once', async () => {
    const event = good();
    expect(await (await send(JSON.stringify([event, event]))).json()).toMatchObject({ accepted: 1, duplicates: 1 });
  });

  test('a feature that changes its type is a counted type error', async () => {
    expect((await send(JSON.stringify(bad({ features: { age: 'forty', region: 7, income: { a: 1 } } })))).status).toBe(
      200,
    );
  });

  test('names that mean something to JavaScript and infinities do no harm', async () => {
    const features = '{"constructor":1,"toString":"x","hasOwnProperty":2,"big":1e999}';
    const response = await send(`{"model":"constructor","version":"1","prediction_id":"p1","features":${features}}`);
    expect(await response.json()).toMatchObject({ accepted: 1 });
    const proto = await send('{"model":"m2","features":{"__proto__":1}}');
    expect(proto.status).toBe(422);
  });

  test('text that PostgreSQL would store as another is refused, and its neighbours are not', async () => {
    const half = '{"model":"halves","prediction_id":"p1","features":{"half":"\\ud800"}}';
    const whole = '{"model":"halves","prediction_id":"p2","features":{"half":"\\ud83d\\ude00"}}';
    const reply = await (await send(`[${half},${whole}]`)).json();
    expect(reply).toMatchObject({
      accepted: 1,
      rejected: 1,
      errors: [{ index: 0, pointer: '/features/half', detail: expect.stringContaining('surrogate') }],
    });
  });

  test('a gzip bomb of 1 GB is stopped at the cap', async () => {
    const bomb = createGzip({ level: 9 });
    const zeros = new PassThrough();
    zeros.pipe(bomb);
    const pieces: Buffer[] = [];
    const packed = (async () => {
      for await (const piece of bomb) pieces.push(piece as Buffer);
    })();
    const block = Buffer.alloc(1 << 20);
    for (let i = 0; i < 1_024; i++)
      if (!zeros.write(block)) await new Promise((resolve) => zeros.once('drain', resolve));
    zeros.end();
    await packed;
    const response = await send(Buffer.concat(pieces), { 'content-encoding': 'gzip' });
    expect(response.status).toBe(413);
    const memory = Number(
      /^process_resident_memory_bytes (\S+)/m.exec(await (await fetch(`${exporter.baseUrl}/metrics`)).text())?.[1],
    );
    expect(memory).toBeLessThan(700e6);
  });

  const uploads = {
    parquet: 'application/vnd.apache.parquet',
    arrow: 'application/vnd.apache.arrow.stream',
    csv: 'text/csv',
  };
  const csv = Buffer.from(`a,b\n${'1,2\n'.repeat(5_000)}1\n`);
  test.each<readonly [string, keyof typeof uploads, Buffer, RegExp]>([
    ['Parquet that is cut off', 'parquet', tableFile('none.parquet').subarray(0, 6_000), /was cut off/],
    ['nested Parquet', 'parquet', tableFile('nested.parquet'), /column "b" is nested/],
    ['Parquet as Arrow', 'arrow', tableFile('none.parquet'), /no Arrow IPC stream/],
    ['compressed Arrow', 'arrow', tableFile('compressed.arrows'), /without compression/],
    ['Arrow that is cut off', 'arrow', tableFile('stream.arrows').subarray(0, 5_000), /cut off/],
    ['a CSV whose 5,001st row is short', 'csv', csv, /on line 5002/],
  ])('as a baseline, %s is refused and leaves nothing behind', async (_name, format, body, detail) => {
    const response = await fetch(`${exporter.baseUrl}/api/ml/models/unread/baseline`, {
      method: 'PUT',
      headers: { 'content-type': uploads[format] },
      body: Uint8Array.from(body),
    });
    expect(response.status).toBe(400);
    expect((await jsonOf<Answer>(response)).detail).toMatch(detail);
    expect((await fetch(`${exporter.baseUrl}/api/ml/models/unread`)).status).toBe(404);
  });

  test.each([
    ['parquet', 'snappy.parquet'],
    ['arrow', 'stream.arrows'],
  ] as const)('as a baseline, good %s is taken', async (format, file) => {
    const response = await fetch(`${exporter.baseUrl}/api/ml/models/uploaded/baseline?version=${format}`, {
      method: 'PUT',
      headers: { 'content-type': uploads[format] },
      body: Uint8Array.from(tableFile(file)),
    });
    expect(response.status).toBe(200);
    const { rows, task, features } = await jsonOf<BaselineAnswer>(response);
    expect([rows, task]).toEqual([40, 'binary']);
    expect(features.map(({ feature, kind, values }) => `${feature} ${kind} ${values}`)).toEqual([
      'age numeric 34',
      'income numeric 40',
      'small numeric 40',
      'tiny numeric 40',
      'unsigned numeric 40',
      'region categorical 36',
      'kind categorical 40',
      'flag categorical 37',
      'since numeric 40',
      'day numeric 40',
      'price numeric 40',
      'nothing categorical 0',
    ]);
  });

  test('and the statistics are still those of the raw rows', async () => {
    const pool = createPool(embeddedUrl(dataPath), { max: 2, applicationName: 'test', log: silentLog });
    try {
      const catalog = new Catalog(pool, () => DEFAULT_SETTINGS, { now: () => Date.now() });
      await catalog.load();
      const compared = await compareWhenCounted(pool, catalog, Date.now() - 6 * 3_600_000);
      expect(compared.differences).toEqual([]);
      expect(compared.rows).toBeGreaterThan(50);
    } finally {
      await pool.end();
    }
    expect(exporter.log()).not.toMatch(/level=error/);
  });
});
