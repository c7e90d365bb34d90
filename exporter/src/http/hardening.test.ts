import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { say, statusesOf } from '../../test/support/raw-http.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import type { AuditEntry } from './audit.ts';
import { bearer, fakeServer, fakeToken } from './fake-services.ts';
import type { ServerOptions } from './server.ts';
import type { Services } from './services.ts';

let server: FastifyInstance;
afterEach(() => server.close());

/** For rate limits time stands still: no answer depends on how fast the machine asks. */
async function start(overrides: Partial<Services> = {}, options: Partial<ServerOptions> = {}): Promise<void> {
  server = await fakeServer(overrides, { monotonicMs: () => 0, ...options });
}

async function listen(): Promise<number> {
  await server.listen({ host: '127.0.0.1', port: 0 });
  return (server.server.address() as AddressInfo).port;
}

/** Writes the pieces with a pause between them, and resolves with everything that came back until the end. */
function speak(port: number, pieces: readonly string[], pauseMs: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(port, '127.0.0.1');
    socket.on('data', (piece) => (answer += piece.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    void (async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece);
        await sleep(pauseMs);
      }
    })();
  });
}

const POST = 'POST /api/ml/predictions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

describe('bodies', () => {
  test('one that drips in is cut off with 408', async () => {
    await start({}, { patience: { bodyStallMs: 100 } });
    const port = await listen();
    const answer = await speak(port, [`${POST}content-length: 1000\r\n\r\n`, ...Array<string>(100).fill('[')], 20);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toMatch(/connection: close/i);
  });

  test('one that we are slow with is not', async () => {
    await start(
      { predictions: () => sleep(2_500).then(() => ({ accepted: 1, duplicates: 0, rejected: 0, errors: [] })) },
      { patience: { bodyStallMs: 1_000 } },
    );
    const reply = await fetch(`http://127.0.0.1:${await listen()}/api/ml/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model":"m"}',
    });
    expect(reply.status).toBe(200);
  });

  test('all of them together hold no more than in_flight: 429 with Retry-After, and room again afterwards', async () => {
    let finish = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (finish = resolve));
    let entered = (): void => undefined;
    const firstEntered = new Promise<void>((resolve) => (entered = resolve));
    await start({
      limits: () => ({ ...DEFAULT_SETTINGS.limits, inFlightBytes: 100_000 }),
      predictions: async () => {
        entered();
        await waiting;
        return { accepted: 1, duplicates: 0, rejected: 0, errors: [] };
      },
    });
    const url = `http://127.0.0.1:${await listen()}/api/ml/predictions`;
    // A bomb of 80 kB in a hundred bytes: what counts is what it is when it is read.
    const body = gzipSync(`{"model":"m"${' '.repeat(80_000)}}`);
    const post = () => fetch(url, { method: 'POST', headers: { 'content-encoding': 'gzip' }, body });
    const first = post();
    await firstEntered;
    const second = await post();
    expect(second.status).toBe(429);
    expect(second.headers.get('retry-after')).toBe('1');
    finish();
    expect((await first).status).toBe(200);
    expect((await post()).status).toBe(200);
  });

  test('one alone may be larger than in_flight', async () => {
    await start({ limits: () => ({ ...DEFAULT_SETTINGS.limits, inFlightBytes: 10 }) });
    const payload = `{"model":"m"${' '.repeat(200_000)}}`;
    expect((await server.inject({ method: 'POST', url: '/api/ml/predictions', payload })).statusCode).toBe(200);
  });
});

describe('a request that two readers might read in two ways', () => {
  const head = 'POST /api/ml/predictions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const hidden = 'GET /config HTTP/1.1\r\nhost: x\r\n\r\n';
  test.each([
    ['a length and chunks', `${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['two lengths', `${head}content-length: 0\r\ncontent-length: 44\r\n\r\n${hidden}`],
    ['chunks that are spelt otherwise', `${head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['a length with a sign', `${head}content-length: +4\r\n\r\nabcd${hidden}`],
    ['a header that goes on in the next line', `${head}x: a\r\n content-length: 44\r\n\r\n${hidden}`],
    ['a bare line feed', `${head}x: a\ncontent-length: 44\r\n\r\n${hidden}`],
    ['a space before the colon', `${head}content-length : 44\r\n\r\n${hidden}`],
  ])('%s: refused with 400, the rest of the connection not read', async (_name, request) => {
    await start();
    const answer = await speak(await listen(), [request], 0);
    expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 400']);
  });
});

describe('who asks too often', () => {
  const token = fakeToken('reader', ['read']);

  test('a token has so many requests a second', async () => {
    await start(
      { limits: () => ({ ...DEFAULT_SETTINGS.limits, requestsPerSecond: 3 }) },
      { tokens: () => [token, fakeToken('other', ['read'])] },
    );
    const ask = (name: string) => server.inject({ url: '/api/ml/health', headers: bearer(name) });
    const codes = [];
    for (let i = 0; i < 4; i++) codes.push((await ask('reader')).statusCode);
    expect(codes).toEqual([200, 200, 200, 429]);
    expect((await ask('reader')).headers['retry-after']).toBe('1');
    expect((await ask('other')).statusCode).toBe(200);
  });

  test('who guesses tokens is told to wait; who knows one is not', async () => {
    await start({}, { tokens: () => [token] });
    const codes = [];
    for (let i = 0; i < 12; i++)
      codes.push((await server.inject({ url: '/metrics', headers: bearer(`guess ${i}`.replace(' ', '')) })).statusCode);
    expect(codes).toEqual([...Array<number>(10).fill(401), 429, 429]);
    expect((await server.inject({ url: '/metrics', headers: bearer('reader') })).statusCode).toBe(200);
  });

  test('who guesses passwords does not keep bcrypt busy', async () => {
    const hash = '$2b$10$gNfeUKzQHKHqx4Ey571/G.EzWxsLS9MuZ1Ny6rqFJRxuEvQdN0R.W';
    await start({}, { users: new Map([['ann', hash]]) });
    const codes = [];
    for (let i = 0; i < 12; i++)
      codes.push(
        (
          await server.inject({
            url: '/metrics',
            headers: { authorization: `Basic ${Buffer.from(`ann:${i}`).toString('base64')}` },
          })
        ).statusCode,
      );
    expect(codes).toEqual([...Array<number>(10).fill(401), 429, 429]);
  });
});

describe('pages', () => {
  const tokens = () => [fakeToken('reader', ['read']), fakeToken('admin', ['read', 'admin'])];
  const form = (fields: Record<string, string>) => ({
    method: 'POST' as const,
    url: '/login',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(fields).toString(),
  });
  const secret = (name: string) => bearer(name).authorization.slice('Bearer '.length);
  const sessionOf = async (name: string) =>
    String((await server.inject(form({ token: secret(name) }))).headers['set-cookie']).split(';')[0]!;

  test('a browser without a token is led to /login, a program is told', async () => {
    await start({}, { tokens });
    const browser = await server.inject({ url: '/docs/ml?x=1', headers: { accept: 'text/html,*/*' } });
    expect([browser.statusCode, browser.headers.location]).toEqual([303, '/login?next=%2Fdocs%2Fml%3Fx%3D1']);
    expect((await server.inject('/docs/ml')).statusCode).toBe(401);
    expect((await server.inject('/login')).body).toContain('type="password"');
  });

  test('a token becomes a cookie that scripts and other sites cannot use, and the cookie lets its owner in', async () => {
    await start({}, { tokens });
    const reply = await server.inject(form({ token: secret('reader'), next: '/docs/ml' }));
    expect([reply.statusCode, reply.headers.location]).toEqual([303, '/docs/ml']);
    expect(reply.headers['set-cookie']).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    const cookie = await sessionOf('reader');
    expect((await server.inject({ url: '/', headers: { cookie: `a=b; ${cookie}` } })).statusCode).toBe(200);
    expect((await server.inject({ url: '/config', headers: { cookie } })).statusCode).toBe(403);
    const out = await server.inject({ method: 'POST', url: '/logout' });
    expect(out.headers['set-cookie']).toContain('Max-Age=0');
  });

  test('a token that may not read is told so at the log-in, and no cookie is set', async () => {
    await start({}, { tokens: () => [fakeToken('sender', ['ingest'])] });
    const reply = await server.inject(form({ token: secret('sender') }));
    expect([reply.statusCode, reply.headers['set-cookie']]).toEqual([403, undefined]);
    expect(reply.body).toContain('Token sender does not have the scope read.');
    expect(reply.body).toContain('type="password"');
  });

  test('who has logged in can log out on the first page; who has not is not offered to', async () => {
    await start({}, { tokens });
    const cookie = await sessionOf('reader');
    expect((await server.inject({ url: '/', headers: { cookie } })).body).toContain('action="/logout"');
    expect((await server.inject({ url: '/', headers: bearer('reader') })).body).not.toContain('/logout');
  });

  test.each([
    ['/nothing-here<b>', 404, 'There is nothing here'],
    ['/admin/ml/models/nobody', 404, 'Not found'],
    ['/config', 403, 'Log in with another token'],
    ['/%', 400, 'The address of the request is not valid'],
  ])('a refusal of %s is a page for a browser, and JSON for a program', async (url, status, words) => {
    await start({}, { tokens });
    const cookie = await sessionOf('reader');
    const browser = await server.inject({ url, headers: { cookie, accept: 'text/html,application/xhtml+xml,*/*' } });
    expect([browser.statusCode, browser.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8']);
    expect(browser.headers['content-security-policy']).toContain("default-src 'none'");
    expect(browser.body).toContain(words);
    expect(browser.body).not.toContain('<b>');
    const program = await server.inject({ url, headers: { cookie } });
    expect([program.statusCode, program.headers['content-type']]).toEqual([
      status,
      'application/problem+json; charset=utf-8',
    ]);
  });

  test.each(['//evil.example', '/\\evil.example', 'https://evil.example', '', '/a b'])(
    'next=%s leads nowhere else',
    async (next) => {
      await start({}, { tokens });
      expect((await server.inject(form({ token: secret('reader'), next }))).headers.location).toBe('/');
    },
  );

  test('a wrong token is not known, whatever is in it', async () => {
    await start({}, { tokens });
    for (const token of ['wrong', 'x; Domain=evil', '"><script>', '']) {
      const reply = await server.inject(form({ token, next: '/"><script>' }));
      expect(reply.statusCode).toBe(401);
      expect(reply.headers['set-cookie']).toBeUndefined();
      expect(reply.body).not.toContain('<script');
    }
  });

  test.each<readonly [string, Record<string, string>, number]>([
    ['another origin', { origin: 'https://evil.example' }, 403],
    ['no origin that can be read', { origin: 'null' }, 403],
    ['another site, as the browser says', { 'sec-fetch-site': 'cross-site' }, 403],
    ['its own origin', { origin: 'http://localhost:80', 'sec-fetch-site': 'same-origin' }, 204],
  ])('a cookie of a request from %s', async (_name, headers, status) => {
    await start({}, { tokens });
    const cookie = await sessionOf('admin');
    const reply = await server.inject({
      method: 'DELETE',
      url: '/api/ml/models/churn',
      headers: { cookie, host: 'localhost', ...headers },
    });
    expect(reply.statusCode).toBe(status);
  });

  test('where nobody needs a token, a page of another site may not act either, unless CORS says so', async () => {
    await start({}, { corsOrigin: /^https:\/\/friend\.example$/ });
    const remove = (origin: string) =>
      server.inject({ method: 'DELETE', url: '/api/ml/models/churn', headers: { origin } });
    expect((await remove('https://evil.example')).statusCode).toBe(403);
    expect((await remove('https://friend.example')).statusCode).toBe(204);
  });

  test('every answer forbids guessing its type and framing', async () => {
    await start();
    for (const url of ['/', '/metrics', '/nothing', '/api/ml/health', '/-/healthy', '/login']) {
      const { headers } = await server.inject(url);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        // A form tells this site where it comes from; other sites are told nothing by any.
        'referrer-policy': ['/', '/login'].includes(url) ? 'same-origin' : 'no-referrer',
      });
      expect(headers['strict-transport-security']).toBeUndefined();
    }
  });
});

test('what is done as admin is kept, with who did it and how it ended; what is read is not', async () => {
  const entries: AuditEntry[] = [];
  await start(
    { audit: (entry) => void entries.push(entry), reload: () => ['wrong'] },
    { tokens: () => [fakeToken('ops', ['read', 'admin', 'ingest'])] },
  );
  const headers = bearer('ops');
  await server.inject({ method: 'DELETE', url: '/api/ml/models/churn?x=secret', headers });
  await server.inject({ method: 'POST', url: '/-/reload', headers });
  await server.inject({ method: 'GET', url: '/config', headers });
  await server.inject({ method: 'POST', url: '/api/ml/predictions', headers, payload: '{"model":"m"}' });
  await server.inject({ method: 'DELETE', url: '/api/ml/models/churn' });
  expect(entries).toEqual([
    { actor: 'ops', address: '127.0.0.1', method: 'DELETE', path: '/api/ml/models/churn', status: 204 },
    { actor: 'ops', address: '127.0.0.1', method: 'POST', path: '/-/reload', status: 400 },
  ]);
});

test('prototype pollution: no route takes a key of a body for one of an object', async () => {
  await start();
  const paths = (server.swagger() as { paths?: Record<string, Record<string, unknown>> }).paths ?? {};
  const polluting = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  const bodies: readonly (readonly [string, string])[] = [
    ['application/json', polluting],
    ['application/json', `[${polluting},{"model":"m","features":${polluting},"scores":${polluting}}]`],
    ['application/x-ndjson', `${polluting}\n{"model":"m","features":${polluting},"segment":${polluting}}`],
    [
      'application/vnd.modelhealth.rows+json',
      '{"model":"m","columns":["__proto__","constructor"],"rows":[{"x":[1,2],"__proto__":{"polluted":1}}]}',
    ],
    ['application/x-www-form-urlencoded', '__proto__[polluted]=1&constructor[prototype][polluted]=1'],
  ];
  let asked = 0;
  for (const [path, methods] of [...Object.entries(paths), ['/login', { post: {} }] as const])
    for (const method of Object.keys(methods))
      for (const [type, payload] of method === 'get' ? [['', ''] as const] : bodies) {
        const url = `${path.replaceAll(/\{[^}]+\}/g, '__proto__')}?__proto__[polluted]=1&constructor.prototype.polluted=1`;
        const reply = await server.inject({
          method: method.toUpperCase() as 'POST',
          url,
          ...(method === 'get' ? {} : { headers: { 'content-type': type }, payload }),
        });
        expect([method, path, reply.statusCode < 500]).toEqual([method, path, true]);
        asked++;
      }
  expect(asked).toBeGreaterThan(80);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});

describe('connections that are of no use', () => {
  test('one on which nothing moves is closed; so is one whose owner sends no second request', async () => {
    await start({}, { patience: { silenceMs: 500, keepAliveMs: 300 } });
    const port = await listen();
    const request = 'GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n';
    // Resolved means closed by the server: a client that lost its power says nothing, either.
    expect(await speak(port, [request], 0)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await speak(port, [`${POST}content-length: 10\r\n\r\n`], 0)).toBe('');
  });

  test('one that does not read its answer is closed', async () => {
    const exposition = { contentType: 'text/plain', body: Buffer.alloc(64 << 20, 'x'), contentEncoding: null };
    await start({ exposition: () => Promise.resolve(exposition as never) }, { patience: { silenceMs: 500 } });
    const socket = net.connect(await listen(), '127.0.0.1');
    socket.pause();
    socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
    // A stopped reader sees no end: the server's side says that it is gone.
    await new Promise<void>((resolve) =>
      server.server.once('request', (request: IncomingMessage) => request.socket.once('close', () => resolve())),
    );
    socket.destroy();
  });

  test('a connection that asks for a thousand answers at once gets some, a refusal, and is closed', async () => {
    await start();
    const answer = await say(
      `http://127.0.0.1:${await listen()}`,
      'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1_000),
    );
    expect(statusesOf(answer)).toEqual([...Array<number>(32).fill(200), 429]);
  });

  test('one too many is answered with 503, and told when to come again', async () => {
    await start({}, { maxConnections: () => 0 });
    const reply = await fetch(`http://127.0.0.1:${await listen()}/metrics`);
    expect([reply.status, reply.headers.get('connection')]).toEqual([503, 'close']);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});
