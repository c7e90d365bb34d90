import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { bearer, fakeServer, fakeToken } from './fake-services.ts';
import type { ServerOptions } from './server.ts';
import type { Services } from './services.ts';

let server: FastifyInstance;
afterEach(() => server.close());

async function start(overrides: Partial<Services> = {}, options: Partial<ServerOptions> = {}): Promise<void> {
  server = await fakeServer(overrides, options);
}

describe('what does not exist', () => {
  test('an unknown path is a 404 in the words of RFC 9457', async () => {
    await start();
    const reply = await server.inject('/nothing/here?x=1');
    expect(reply.statusCode).toBe(404);
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(reply.headers.allow).toBeUndefined();
    expect(reply.json()).toEqual({
      type: 'about:blank',
      title: 'Not found',
      status: 404,
      detail: 'There is nothing here; see / for what there is.',
    });
  });

  test.each<readonly [string, 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS', string, string]>([
    ['a POST route', 'GET', '/api/ml/predictions', 'POST'],
    ['a GET route, which has HEAD', 'POST', '/api/ml/health', 'GET, HEAD'],
    ['a parameter', 'PATCH', '/api/ml/models/churn', 'DELETE, GET, HEAD, PUT'],
    ['a part behind a parameter', 'PUT', '/api/ml/models/churn/baseline/capture', 'POST'],
    ['a slash at the end', 'DELETE', '/api/ml/predictions/', 'POST'],
    ['a query', 'DELETE', '/api/ml/predictions?x=1', 'POST'],
    ['special characters of regular expressions', 'POST', '/-/healthy', 'GET, HEAD'],
    ['the root, which takes OTLP', 'DELETE', '/', 'GET, HEAD, POST'],
    ['OPTIONS without CORS', 'OPTIONS', '/metrics', 'GET, HEAD'],
  ])('405 with Allow: %s', async (_name, method, url, allow) => {
    await start();
    const reply = await server.inject({ method, url });
    expect(reply.statusCode).toBe(405);
    const methods = String(reply.headers.allow).split(', ').toSorted();
    expect(methods).toEqual(allow.split(', '));
    expect(reply.json()).toMatchObject({ title: 'Method not allowed', status: 405 });
  });

  test('a path that only begins like a route is a 404', async () => {
    await start();
    for (const url of ['/api/ml/predictionsx', '/api/ml/models/churn/baseline/capture/x', '/x/api/ml/predictions'])
      expect((await server.inject({ method: 'DELETE', url })).statusCode).toBe(404);
  });

  test.each([
    ['an escape that is none', '/api/ml/health/%zz', 400],
    ['an overlong part', `/api/ml/health/${'x'.repeat(1_025)}`, 414],
  ])('%s is a problem, too', async (_name, url, status) => {
    await start();
    const reply = await server.inject(url);
    expect(reply.statusCode).toBe(status);
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(reply.json()).toMatchObject({ type: 'about:blank', status, detail: expect.stringContaining('address') });
  });
});

test('HEAD answers like GET, without the body', async () => {
  await start();
  const [head, get] = [
    await server.inject({ method: 'HEAD', url: '/-/healthy' }),
    await server.inject({ method: 'GET', url: '/-/healthy' }),
  ];
  expect(head.statusCode).toBe(200);
  expect(head.body).toBe('');
  expect(head.headers['content-length']).toBe(get.headers['content-length']);
  expect(get.body).toBe('healthy\n');
});

test.each(['/-/healthy/', '/metrics/', '/api/ml/health/', '/docs/ml/'])(
  '%s: a slash at the end changes nothing',
  async (url) => {
    await start();
    const reply = await server.inject(url);
    expect(reply.statusCode).toBe(200);
    expect(reply.body).toBe((await server.inject(url.slice(0, -1))).body);
  },
);

describe('CORS', () => {
  const ORIGIN = 'https://grafana.example';
  const corsOrigin = /^(?:https:\/\/grafana\.example)$/;
  const preflight = (origin: string) =>
    server.inject({
      method: 'OPTIONS',
      url: '/api/ml/predictions',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });

  test('a preflight of an allowed origin', async () => {
    await start({}, { corsOrigin });
    const { statusCode, headers, body } = await preflight(ORIGIN);
    expect([statusCode, body]).toEqual([204, '']);
    expect(headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'GET, POST, PUT, DELETE',
      'access-control-allow-headers': expect.stringContaining('authorization'),
      vary: 'origin',
    });
    expect(headers['access-control-allow-credentials']).toBeUndefined();
  });

  test.each(['https://evil.example', 'https://grafana.example.evil', 'null'])('%s is not allowed', async (origin) => {
    await start({}, { corsOrigin });
    const refused = await preflight(origin);
    expect(refused.statusCode).toBe(405);
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    const got = await server.inject({ url: '/api/ml/health', headers: { origin } });
    expect(got.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('a cache must not give the answer for one origin to another', async () => {
    await start({}, { corsOrigin });
    expect((await server.inject('/api/ml/health')).headers.vary).toBe('origin');
    const metrics = await server.inject({ url: '/metrics', headers: { origin: ORIGIN } });
    expect(metrics.headers.vary).toBe('origin, accept, accept-encoding');
    expect(metrics.headers['access-control-allow-origin']).toBe(ORIGIN);
  });

  test('a preflight needs no user, and a refusal can be read', async () => {
    const users = new Map([['alice', '$2b$04$C6UzMDM.H6dfI/f/IKcEeO7mJ4ATCxMdHrNLTrpBWxVlEs4z0pNJu']]);
    await start({}, { corsOrigin, users });
    expect((await preflight(ORIGIN)).statusCode).toBe(204);
    const refused = await server.inject({ url: '/api/ml/health', headers: { origin: ORIGIN } });
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['access-control-allow-origin']).toBe(ORIGIN);
  });

  test('none configured: no headers', async () => {
    await start();
    const reply = await server.inject({ url: '/metrics', headers: { origin: ORIGIN } });
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
    expect(reply.headers.vary).toBe('accept, accept-encoding');
  });
});

test('every route but liveness, readiness and leadership asks for a token where there are tokens', async () => {
  const routes: { readonly method: string; readonly url: string }[] = [];
  await start({}, { tokens: () => [fakeToken('reader', ['read'])] });
  const { paths } = (await server.inject({ url: '/docs/ml/json', headers: bearer('reader') })).json();
  for (const [path, operations] of Object.entries(paths as Record<string, object>))
    for (const method of Object.keys(operations)) routes.push({ method, url: path.replaceAll('{model}', 'churn') });
  for (const url of ['/', '/docs/ml', '/docs/ml/json']) routes.push({ method: 'get', url });
  expect(routes.length).toBeGreaterThan(15);
  const open: string[] = [];
  for (const { method, url } of routes) {
    const { statusCode } = await server.inject({ method: method.toUpperCase() as 'GET', url });
    if (statusCode !== 401) open.push(`${method} ${url} ${statusCode}`);
  }
  expect(open.toSorted()).toEqual(['get /-/healthy 200', 'get /-/leader 200', 'get /-/ready 200']);
});

test('tokens are asked for anew with each request: a reload may change them', async () => {
  let tokens = [fakeToken('old', ['read'])];
  await start({}, { tokens: () => tokens });
  expect((await server.inject({ url: '/metrics', headers: bearer('old') })).statusCode).toBe(200);
  tokens = [fakeToken('new', ['read'])];
  expect((await server.inject({ url: '/metrics', headers: bearer('old') })).statusCode).toBe(401);
  expect((await server.inject({ url: '/metrics', headers: bearer('new') })).statusCode).toBe(200);
});

test('over a socket: a body that is refused half way is answered, and the connection survives', async () => {
  await start({ limits: () => ({ bodyBytes: 1_000 }) as ReturnType<Services['limits']> });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const status = await new Promise<number>((resolve, reject) => {
    const sent = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: '/api/ml/predictions' }, (reply) => {
      reply.resume().on('end', () => resolve(reply.statusCode!));
    });
    sent.on('error', reject);
    sent.end(Buffer.alloc(3_000_000, 'x'));
  });
  expect(status).toBe(413);
});
