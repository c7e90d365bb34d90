import { afterEach, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { RawBusinessValue } from '../domain/business-metric.ts';
import { WEEK_MS } from '../domain/week.ts';
import { bearer, fakeServer, fakeToken, FIRING, JOB } from './fake-services.ts';
import { businessReport, weeklyReport } from './weekly-report.ts';
import type { Services } from './services.ts';

const MONDAY = Date.UTC(2025, 11, 22);
/** The fake clock shows Friday, 2 January 2026, 13:00. */
let server: FastifyInstance;
afterEach(() => server.close());
const get = (url: string, headers: Record<string, string> = {}) => server.inject({ url, headers });

test.each([
  ['none: the last that is over', '', '2025-W52'],
  ['a name', '?week=2025-W51', '2025-W51'],
  ['a day in it', '?week=2025-12-28', '2025-W52'],
  ['a time', '?week=2025-12-28T23:59:59Z', '2025-W52'],
  ['a time of another zone', `?week=${encodeURIComponent('2025-12-29T01:00:00+02:00')}`, '2025-W52'],
  ['the one that goes on', '?week=2026-W01', '2026-W01'],
  ['an empty one, as a form sends it', '?week=', '2025-W52'],
])('week: %s', async (_name, query, week) => {
  server = await fakeServer();
  for (const address of ['/api/ml/reports/churn', '/admin/ml/reports/churn']) {
    const reply = await get(address + query);
    expect([reply.statusCode, reply.body.includes(week)]).toEqual([200, true]);
  }
});

test.each([
  ['no week', 'yesterday', 'must be RFC 3339'],
  ['a week that the year does not have', '2025-W53', 'must be a week such as'],
  ['week zero', '2026-W00', 'must be a week such as'],
  ['the next one', '2026-W02', 'has not begun yet'],
  ['far ahead', '2999-01-01', 'has not begun yet'],
])('400: %s', async (_name, week, detail) => {
  server = await fakeServer();
  for (const address of ['/api/ml/reports/churn', '/admin/ml/reports/churn']) {
    const reply = await get(`${address}?week=${week}`);
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ detail: expect.stringContaining(detail), errors: [{ pointer: '/week' }] });
  }
});

test('who may read, and who may send', async () => {
  server = await fakeServer(
    {},
    { tokens: () => [fakeToken('reader', ['read'], ['churn']), fakeToken('sender', ['ingest'], ['churn'])] },
  );
  const statuses = async (name: string) => [
    (await get('/api/ml/reports/churn', bearer(name))).statusCode,
    (await get('/api/ml/reports/other', bearer(name))).statusCode,
    (
      await server.inject({
        method: 'POST',
        url: '/api/ml/business-metrics',
        headers: bearer(name),
        payload: [{ model: 'churn' }],
      })
    ).statusCode,
  ];
  expect(await statuses('reader')).toEqual([200, 403, 403]);
  expect(await statuses('sender')).toEqual([403, 403, 200]);
  const mixed = await server.inject({
    method: 'POST',
    url: '/api/ml/business-metrics',
    headers: bearer('sender'),
    payload: [{ model: 'churn' }, { model: 'other' }],
  });
  expect(mixed.json()).toMatchObject({ accepted: 1, errors: [{ index: 1, pointer: '/model' }] });
});

test.each([
  ['JSON', 'application/json', '[{"model":"a","name":"b","value":1},{"model":"a","name":"b","value":2}]', 2],
  ['one object', 'application/json', '{"model":"a","name":"b","value":1}', 1],
  ['NDJSON', 'application/x-ndjson', '{"model":"a","name":"b","value":1}\n\n{"model":"a","name":"b","value":2}\n', 2],
])('business figures as %s', async (_name, type, payload, rows) => {
  const seen: RawBusinessValue[] = [];
  server = await fakeServer({
    businessMetrics: (decoded) => {
      seen.push(...decoded.rows);
      return Promise.resolve({ accepted: decoded.rows.length, updated: 0, duplicates: 0, rejected: 0, errors: [] });
    },
  });
  const reply = await server.inject({
    method: 'POST',
    url: '/api/ml/business-metrics',
    headers: { 'content-type': type },
    payload,
  });
  expect([reply.statusCode, seen.length]).toEqual([200, rows]);
  expect(seen[0]).toMatchObject({ model: 'a', name: 'b', value: 1 });
});

test('what is no JSON is told, and what is no format', async () => {
  server = await fakeServer();
  const post = (type: string, payload: string) =>
    server.inject({ method: 'POST', url: '/api/ml/business-metrics', headers: { 'content-type': type }, payload });
  expect((await post('application/json', '{"model"')).statusCode).toBe(400);
  expect((await post('text/csv', 'a,b')).statusCode).toBe(415);
});

test('the page shows names as they are, incidents, jobs, and what business figures say', async () => {
  const model = '<img src=x onerror=alert(1)>';
  const weekly: Services['weekly'] = () =>
    Promise.resolve({
      report: weeklyReport({
        model,
        weekMs: MONDAY,
        madeAtMs: MONDAY + WEEK_MS,
        predictions: 10,
        versions: [],
        history: [
          { evaluatedAtMs: MONDAY + 1_000, score: 90 },
          { evaluatedAtMs: MONDAY + 90_000_000, score: NaN },
          { evaluatedAtMs: MONDAY + 180_000_000, score: 70 },
        ],
        incidents: [{ ...FIRING, annotations: { summary: '<b>drifted</b>' } }],
        jobs: [JOB],
      }),
      context: {
        business: businessReport(
          [
            { name: 'revenue & more', weekMs: MONDAY, mean: 12_345.678, values: 7 },
            { name: 'revenue & more', weekMs: MONDAY - WEEK_MS, mean: 1, values: 1 },
          ],
          MONDAY,
          (values) => [
            { figure: 'overall_health', weeks: values.size, coefficient: 0.8, lower: 0.3, upper: 0.95, reason: null },
            { figure: 'drift', weeks: 1, coefficient: NaN, lower: NaN, upper: NaN, reason: 'too few weeks' },
          ],
        ),
        previous: { week: '2025-W51', overall_health: 88.88 },
        stored_weeks: ['2025-W52', '2025-W51'],
      },
    });
  server = await fakeServer({ weekly });
  const { body, headers } = await get(`/admin/ml/reports/${encodeURIComponent(model)}?week=2025-W52`);
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(body).not.toContain('<img');
  expect(body).not.toContain('<b>drifted');
  for (const text of [
    'Health score from 90 to 70, lowest 70',
    'revenue &amp; more',
    'mean 12300 of 7 values',
    '0.30 to 0.95',
    'goes along',
    'too few weeks',
    'MLDataDrift',
    'awaiting approval',
    'week=2025-W51',
    'week=2026-W01',
  ])
    expect(body).toContain(text);
  const json = (await get(`/api/ml/reports/${encodeURIComponent(model)}`)).json();
  expect(json).toMatchObject({
    week: '2025-W52',
    complete: true,
    previous: { week: '2025-W51' },
    business: [
      {
        correlations: [
          { coefficient: 0.8, interval: [0.3, 0.95] },
          { coefficient: null, interval: null },
        ],
      },
    ],
  });
});
