import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { Maintenance } from '../alerting/alertmanager.ts';
import { ServiceError } from '../domain/service-error.ts';
import { bearer, fakeAlerts, fakeServer, fakeToken, FIRING } from './fake-services.ts';
import type { AlertServices } from './services.ts';

const HOST = '127.0.0.1:9477';
const PAGE = '/admin/ml/alerts';

describe('the page of alerts', () => {
  let server: FastifyInstance;
  const decided: unknown[][] = [];
  beforeAll(async () => {
    const hostile = {
      ...FIRING,
      model: '<script>alert(1)</script>',
      annotations: { summary: '"><img src=x onerror=alert(1)>', runbook_url: 'javascript:alert(1)' },
    };
    const services = {
      receive: () => Promise.reject(new Error('not here')),
      list: () => Promise.resolve({ alerts: [hostile], next: '5-42' }),
      get: () => Promise.resolve(FIRING),
      decide: (...decision: unknown[]) => {
        decided.push(decision);
        return Promise.resolve();
      },
      acknowledge: () => Promise.resolve(),
      effectiveness: () => Promise.resolve({ rules: [], losses: 0, misses: [] }),
      backTest: () => Promise.resolve({ evaluations: 0, tooFewSamples: 0, fired: [] }),
      timeline: () => Promise.resolve([]),
      maintenance: { list: () => Promise.resolve([]), start: () => Promise.resolve(''), end: () => Promise.resolve() },
    };
    server = await fakeServer({ alerts: services });
  });
  afterAll(() => server.close());

  test('shows what came from outside as text, and links to the web only', async () => {
    const { body, headers, statusCode } = await server.inject({ url: PAGE });
    expect(statusCode).toBe(200);
    expect(body).not.toMatch(/<script|<img|javascript:/);
    expect(body).toContain('&quot;&gt;&lt;img src=x');
    expect(headers['content-security-policy']).toContain("form-action 'self'");
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });

  test('goes on to older ones with the same filters', async () => {
    const { body } = await server.inject({ url: `${PAGE}?severity=high&status=&cursor=9-9` });
    expect(body).toContain(`href="${PAGE}?severity=high&amp;cursor=5-42"`);
  });

  const submit = (headers: Record<string, string>, form = 'verdict=benign&note=a+campaign') =>
    server.inject({
      method: 'POST',
      url: `${PAGE}/42/verdict`,
      headers: { host: HOST, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: form,
    });

  test.each([
    ['its own form', { 'sec-fetch-site': 'same-origin', origin: `http://${HOST}` }, 303],
    ['its own form, of an older browser', { origin: `http://${HOST}` }, 303],
    ['a program', {}, 303],
    ['a form of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 403],
    ['a form of a sister site', { 'sec-fetch-site': 'same-site', origin: 'https://evil.example' }, 403],
    ['a form of another site, of an older browser', { origin: 'https://evil.example' }, 403],
    ['a form of nowhere', { origin: 'null' }, 403],
    ['another port', { origin: 'http://127.0.0.1:1' }, 403],
  ])('takes a verdict of %s: %j -> %d', async (_case, headers, status) => {
    decided.length = 0;
    expect((await submit(headers)).statusCode).toBe(status);
    expect(decided).toEqual(status === 303 ? [['42', 'benign', 'anonymous', 'a campaign']] : []);
  });

  test.each([
    [`${PAGE}?model=a%20b&cursor=1-2`, `${PAGE}?model=a%20b&cursor=1-2#alert-42`],
    ['https://evil.example/', `${PAGE}#alert-42`],
    ['//evil.example/admin/ml/alerts', `${PAGE}#alert-42`],
    [`${PAGE}?x\r\nset-cookie: a=b`, `${PAGE}#alert-42`],
  ])('leads back to %j', async (address, location) => {
    const form = new URLSearchParams({ verdict: 'true', back: address }).toString();
    expect((await submit({}, form)).headers.location).toBe(location);
  });

  test('refuses a verdict that there is not', async () => {
    expect((await submit({}, 'verdict=maybe')).statusCode).toBe(400);
  });

  test('JSON of another site is refused, too', async () => {
    const response = await server.inject({
      method: 'POST',
      url: '/api/ml/alerts/42/verdict',
      headers: { host: HOST, origin: 'https://evil.example', 'content-type': 'text/plain' },
      payload: '{"verdict":"true"}',
    });
    expect(response.statusCode).toBe(403);
  });
});

describe('maintenance on the page of alerts', () => {
  const NOW = Date.UTC(2026, 10, 26, 12);
  const HOUR = 3_600_000;
  const window = (id: string, more: Partial<Maintenance> = {}): Maintenance => ({
    id,
    model: 'churn',
    version: '',
    fromMs: NOW - HOUR,
    toMs: NOW + HOUR,
    by: 'ann',
    reason: 'new source',
    state: 'active',
    ...more,
  });
  const started: unknown[] = [];
  const ended: string[] = [];
  let list: () => Promise<readonly Maintenance[]>;
  let server: FastifyInstance;
  beforeAll(async () => {
    const maintenance: AlertServices['maintenance'] = {
      list: () => list(),
      start: (one) => Promise.resolve(`silence-${started.push(one)}`),
      end: (id) => Promise.resolve(void ended.push(id)),
    };
    server = await fakeServer(
      { alerts: { ...fakeAlerts, maintenance } },
      {
        now: () => NOW,
        tokens: () => [fakeToken('root', ['admin', 'read']), fakeToken('other', ['admin', 'read'], ['fraud'])],
      },
    );
  });
  afterAll(() => server.close());
  beforeEach(() => {
    started.length = ended.length = 0;
    list = () => Promise.resolve([]);
  });
  const show = async (url = PAGE, token = 'root') => (await server.inject({ url, headers: bearer(token) })).body;
  const submit = (url: string, form: Record<string, string>, token = 'root', headers: Record<string, string> = {}) =>
    server.inject({
      method: 'POST',
      url: `${PAGE}/maintenance${url}`,
      headers: { host: HOST, 'content-type': 'application/x-www-form-urlencoded', ...bearer(token), ...headers },
      payload: new URLSearchParams(form).toString(),
    });
  const form = { model: 'churn', version: '', from: '', hours: '4', reason: 'new source' };

  test('windows that are open or planned, in their order, and none that is over', async () => {
    list = () =>
      Promise.resolve([
        window('later', { state: 'pending', fromMs: NOW + HOUR, version: '2' }),
        window('now'),
        window('over', { state: 'expired' }),
      ]);
    const body = await show();
    expect([...body.matchAll(/maintenance\/(\w+)\/end/g)].map(([, id]) => id)).toEqual(['now', 'later']);
    expect(body).toContain('since <time datetime="2026-11-26T11:00:00.000Z">2026-11-26 11:00 UTC</time>');
    expect(body).toContain('Call off');
  });

  test('only those of the model that is looked at, and of models that the caller may see', async () => {
    list = () => Promise.resolve([window('a'), window('b', { model: 'fraud' })]);
    const ids = (body: string) => [...body.matchAll(/maintenance\/(\w+)\/end/g)].map(([, id]) => id);
    expect(ids(await show(`${PAGE}?model=churn`))).toEqual(['a']);
    expect(ids(await show(PAGE, 'other'))).toEqual(['b']);
  });

  test('what Alertmanager says is text', async () => {
    list = () =>
      Promise.resolve([
        window('"><script>', { model: '<b>', version: '<i>', by: '<u>', reason: '"><img src=x onerror=alert(1)>' }),
      ]);
    const body = await show();
    expect(body).not.toMatch(/<script|<img|<b>|<u>|<i>/);
    expect(body).toContain('/maintenance/%22%3E%3Cscript%3E/end');
  });

  test.each(['conflict', 'unavailable'] as const)('says why it knows of none: %s', async (code) => {
    list = () => Promise.reject(new ServiceError(code, 'Alertmanager is <away>.'));
    const body = await show();
    expect(body).toContain('<p class="soft">Alertmanager is &lt;away&gt;.</p>');
    expect(body).not.toContain('name="hours"');
    expect(body).toContain('History, newest first');
  });

  test.each([
    ['from now', {}, { version: '', fromMs: NOW, toMs: NOW + 4 * HOUR }],
    [
      'of a version, later, in UTC',
      { version: '2', from: '2026-12-01T06:00', hours: '24' },
      { version: '2', fromMs: Date.UTC(2026, 11, 1, 6), toMs: Date.UTC(2026, 11, 2, 6) },
    ],
  ])('starts one %s', async (_case, more, expected) => {
    const reply = await submit('', { ...form, ...more, back: `${PAGE}?model=churn` });
    expect([reply.statusCode, reply.headers.location]).toEqual([303, `${PAGE}?model=churn#maintenance`]);
    expect(started).toEqual([{ model: 'churn', by: 'root', reason: 'new source', ...expected }]);
  });

  test.each([
    ['no model', { model: '' }, 'root', {}, 400],
    ['a length that is none', { hours: 'long' }, 'root', {}, 400],
    ['no length', { hours: '0' }, 'root', {}, 400],
    ['years', { hours: '1e9' }, 'root', {}, 400],
    ['a start that is none', { from: 'tomorrow' }, 'root', {}, 400],
    ['a model of others', {}, 'other', {}, 403],
    ['a form of another site', {}, 'root', { origin: 'https://evil.example' }, 403],
  ])('refuses %s', async (_case, more, token, headers, status) => {
    expect((await submit('', { ...form, ...more }, token, headers)).statusCode).toBe(status);
    expect(started).toEqual([]);
  });

  test.each([
    ['a', 'root', 303],
    ['a', 'other', 403],
    ['over', 'root', 409],
    ['unknown', 'root', 404],
  ])('ends %s for %s: %d', async (id, token, status) => {
    list = () => Promise.resolve([window('a'), window('over', { state: 'expired' })]);
    expect((await submit(`/${id}/end`, {}, token)).statusCode).toBe(status);
    expect(ended).toEqual(status === 303 ? [id] : []);
  });
});

describe('who may', () => {
  let server: FastifyInstance;
  beforeAll(async () => {
    server = await fakeServer(
      {},
      {
        tokens: () => [
          fakeToken('hook', ['webhook']),
          fakeToken('reader', ['read']),
          fakeToken('admin', ['admin', 'read']),
          fakeToken('other', ['admin', 'read'], ['fraud']),
        ],
      },
    );
  });
  afterAll(() => server.close());

  test.each([
    ['GET', '/api/ml/alerts', 'reader', 200],
    ['GET', '/api/ml/alerts', 'hook', 403],
    ['GET', '/api/ml/alerts', 'other', 400],
    ['GET', '/api/ml/alerts?model=churn', 'other', 403],
    ['GET', '/api/ml/alerts/effectiveness', 'reader', 200],
    ['GET', '/api/ml/alerts/timeline?model=churn', 'reader', 200],
    ['POST', '/api/ml/alerts/webhook', 'reader', 403],
    ['POST', '/api/ml/alerts/webhook', 'hook', 200],
    ['POST', '/api/ml/alerts/42/acknowledge', 'reader', 403],
    ['POST', '/api/ml/alerts/42/acknowledge', 'admin', 200],
    ['POST', '/api/ml/alerts/42/acknowledge', 'other', 403],
    ['POST', '/api/ml/alerts/43/acknowledge', 'admin', 404],
    ['POST', '/api/ml/alerts/maintenance', 'reader', 403],
    ['GET', PAGE, 'hook', 403],
    ['POST', `${PAGE}/42/verdict`, 'reader', 403],
  ] as const)('%s %s with token %s: %d', async (method, url, name, status) => {
    const payload = method === 'POST' ? '{}' : '';
    expect((await server.inject({ method, url, headers: bearer(name), payload })).statusCode).toBe(status);
  });
});
