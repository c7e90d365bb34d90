import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { bearer, fakeServer, fakeToken, FIRING } from './fake-services.ts';

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
