import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { eventually, jsonOf, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { makeEvents } from '../support/load.ts';
import { connectRaw, drip, say, statusesOf } from '../support/raw-http.ts';
import type { RawConnection } from '../support/raw-http.ts';
import { temporaryFolder } from '../support/test-server.ts';

/** docs/threats.md tells what comes of each; figures that depend on the machine are printed, not asserted. */
const tell = (text: string) => process.stdout.write(`hostile: ${text}\n`);
const POST = 'POST /api/ml/predictions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
const SLOW_CLIENTS = 50;

/** What this process, and so the exporter that it starts, may have open. */
function descriptors(): number {
  return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))![1]);
}

/** RSS now and at its highest, in MB. */
function memoryOf({ pid }: ExporterProcess): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kB = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1]);
  return { now: kB('VmRSS') / 1024, most: kB('VmHWM') / 1024 };
}

describe('clients that hold on, and bodies that grow', () => {
  const dataPath = temporaryFolder();
  const config = path.join(dataPath, 'config.yml');
  const configure = (limits: string) => writeFileSync(config, `evaluation: { interval: 1s }\nlimits: { ${limits} }\n`);
  let exporter: ExporterProcess;
  beforeAll(async () => {
    configure('connections: 20000');
    exporter = await startExporter({ dataPath, flags: [`--config.file=${config}`] });
  });
  afterAll(async () => {
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });

  const send = (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${exporter.baseUrl}/api/ml/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      body: typeof body === 'string' ? body : Uint8Array.from(body),
    });
  async function expectServed(): Promise<void> {
    const events = makeEvents(5);
    expect(await (await send(JSON.stringify(events))).json()).toMatchObject({ accepted: 5 });
    expect((await fetch(`${exporter.baseUrl}/metrics`, { headers: { connection: 'close' } })).status).toBe(200);
  }
  const openMany = async (count: number): Promise<RawConnection[]> => {
    const open: RawConnection[] = [];
    for (let left = count; left > 0; left -= 250)
      open.push(
        ...(await Promise.all(Array.from({ length: Math.min(left, 250) }, () => connectRaw(exporter.baseUrl)))),
      );
    return open;
  };

  test('headers, bodies and what nobody reads, a few bytes at a time: cut off with 408, and the others are served', async () => {
    const slow = {
      'headers that never end': { first: 'GET /metrics HTTP/1.1\r\n', piece: 'x-a: b\r\n', answers: [408] },
      'no byte at all': { first: '', piece: '', answers: [408] },
      'a body that drips': { first: `${POST}content-length: 100000\r\n\r\n`, piece: '[', answers: [408] },
      'chunks that drip': { first: `${POST}transfer-encoding: chunked\r\n\r\n`, piece: '1\r\n[\r\n', answers: [408] },
      'a body after its answer': {
        first: 'POST /nothing HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n',
        piece: 'x',
        answers: [404],
      },
    };
    const all = Object.entries(slow).map(async ([name, { first, piece, answers }]) => {
      const connections = await openMany(SLOW_CLIENTS / 5);
      for (const connection of connections) {
        if (first !== '') connection.socket.write(first);
        if (piece !== '') void drip(connection, piece, 500);
      }
      const ended = await Promise.all(connections.map(({ closed }) => closed));
      for (const { answer } of ended) expect([name, statusesOf(answer)]).toEqual([name, answers]);
      const seconds = ended.map((one) => one.seconds).sort((a, b) => a - b);
      tell(`${name}: cut off after ${seconds[0]!.toFixed(0)} to ${seconds.at(-1)!.toFixed(0)} s`);
    });
    await expectServed();
    await Promise.all(all);
    await expectServed();
  });

  test('10,000 idle connections: others are served, and they are closed', async () => {
    const count = Math.min(10_000, descriptors() - 1_000);
    const before = memoryOf(exporter).now;
    const idle = await openMany(count);
    const open = idle.filter(({ socket }) => !socket.destroyed).length;
    const during = memoryOf(exporter).now;
    await expectServed();
    const ended = await Promise.all(idle.map(({ closed }) => closed));
    const longest = Math.max(...ended.map(({ seconds }) => seconds));
    await expectServed();
    tell(
      `${count} idle connections: ${open} open at once, RSS ${before.toFixed(0)} -> ${during.toFixed(0)} MB, all closed after ${longest.toFixed(0)} s`,
    );
    expect(ended.every(({ answer }) => answer === '' || statusesOf(answer)[0] === 408)).toBe(true);
  });

  test('beyond limits.connections: 503 with Retry-After, probes are answered, and there is room again afterwards', async () => {
    configure('connections: 20');
    expect((await fetch(`${exporter.baseUrl}/-/reload`, { method: 'POST' })).status).toBe(200);
    await fetch(`${exporter.baseUrl}/-/healthy`, { headers: { connection: 'close' } });
    const idle = await openMany(30);
    const refused = await say(exporter.baseUrl, 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(refused).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused).toMatch(/retry-after: \d+\r\n/i);
    expect(refused).toMatch(/connection: close\r\n/i);
    expect(refused).toContain('There are 20 connections already');
    expect(statusesOf(await say(exporter.baseUrl, 'GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n'))).toEqual([200]);
    for (const { socket } of idle) socket.destroy();
    await eventually(expectServed);
    configure('connections: 20000');
    expect((await fetch(`${exporter.baseUrl}/-/reload`, { method: 'POST' })).status).toBe(200);
  });

  test('a client that has said all it wanted and closes its half still gets its answer', async () => {
    const { socket, closed } = await connectRaw(exporter.baseUrl);
    socket.end('GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(statusesOf((await closed).answer)).toEqual([200]);
  });

  const zstd =
    'createZstdCompress' in zlib ? (zlib as unknown as { createZstdCompress(): NodeJS.ReadWriteStream }) : null;
  test.each<readonly [string, () => NodeJS.ReadWriteStream, number]>([
    ['gzip', () => zlib.createGzip({ level: 9 }), 413],
    ['deflate', () => zlib.createDeflate({ level: 9 }), 413],
    ['br', () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }), 413],
    // Node.js has it from 22.15; an older one says what else may be sent.
    ['zstd', () => zstd?.createZstdCompress() ?? zlib.createGzip(), zstd === null ? 415 : 413],
  ])('a bomb of 512 MB in %s', async (encoding, compress, status) => {
    const bomb: Buffer[] = [];
    const block = Buffer.alloc(1 << 20, 32);
    await pipeline(Readable.from(Array<Buffer>(512).fill(block)), compress(), async (pieces) => {
      for await (const piece of pieces) bomb.push(piece as Buffer);
    });
    const body = Buffer.concat(bomb);
    const before = memoryOf(exporter);
    const replies = await Promise.all(
      Array.from({ length: 4 }, () => send(body, { 'content-encoding': encoding, 'content-type': 'application/json' })),
    );
    for (const reply of replies) {
      // Four at once may be more than limits.in_flight.
      expect([status, 429]).toContain(reply.status);
      if (status === 415) expect(reply.headers.get('accept-encoding')).toBe('gzip, deflate, br');
    }
    expect(replies.map((reply) => reply.status)).toContain(status);
    const after = memoryOf(exporter);
    tell(
      `four bombs in ${encoding}, ${(body.length / 1024).toFixed(0)} kB each: ${replies.map((reply) => reply.status).join(', ')}; RSS ${before.now.toFixed(0)} MB, at most ${after.most.toFixed(0)} MB`,
    );
    expect(after.most).toBeLessThan(1_000);
    await expectServed();
  });

  test('a baseline that is one endless line is refused without being held', async () => {
    const line = zlib.gzipSync(Buffer.alloc(512 << 20, 'x'));
    const reply = await fetch(`${exporter.baseUrl}/api/ml/models/endless/baseline`, {
      method: 'PUT',
      headers: { 'content-type': 'text/csv', 'content-encoding': 'gzip' },
      body: Uint8Array.from(line),
    });
    expect([400, 413]).toContain(reply.status);
    tell(`a CSV of one line of 512 MB: ${reply.status}, RSS at most ${memoryOf(exporter).most.toFixed(0)} MB`);
    expect(memoryOf(exporter).most).toBeLessThan(1_000);
  });

  test('after all that nothing was logged as an error, and what was acknowledged is counted', async () => {
    expect(exporter.log()).not.toMatch(/level=error/);
    const { models } = await jsonOf<{ models: readonly unknown[] }>(await fetch(`${exporter.baseUrl}/api/ml/models`));
    expect(models.length).toBeGreaterThan(0);
    await eventually(async () => expect(await metric(exporter.baseUrl, 'ml_predictions_total')).toBeGreaterThan(20));
  });
});

describe('requests that mean two things, paths that lead elsewhere, pages of other sites', () => {
  const dataPath = temporaryFolder();
  const SECRET = 'a-token-of-an-admin';
  let exporter: ExporterProcess;
  let cookie: string;
  let changes: readonly (readonly [string, string])[];
  beforeAll(async () => {
    const config = path.join(dataPath, 'config.yml');
    writeFileSync(
      config,
      'auth: { tokens: [{ name: ops, sha256_env: TOKEN, scopes: [ingest, read, admin, webhook] }] }\nevaluation: { interval: 1s }\n',
    );
    exporter = await startExporter({
      dataPath,
      flags: [`--config.file=${config}`],
      environment: { TOKEN: createHash('sha256').update(SECRET).digest('hex') },
    });
    const login = await logIn({});
    expect(login.status).toBe(303);
    cookie = login.headers.get('set-cookie')!.split(';')[0]!;
    const { paths } = await jsonOf<{ paths: Record<string, Record<string, unknown>> }>(
      await fetch(`${exporter.baseUrl}/docs/ml/json`, { headers: { cookie } }),
    );
    changes = Object.entries(paths).flatMap(([route, methods]) =>
      Object.keys(methods)
        .filter((method) => !['get', 'head'].includes(method))
        .map((method) => [method.toUpperCase(), route.replaceAll(/\{[^}]+\}/g, 'x')] as const),
    );
    expect(changes.length).toBeGreaterThan(15);
  });
  afterAll(async () => {
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });

  const logIn = (fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${exporter.baseUrl}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ token: SECRET, ...fields }).toString(),
    });

  const hidden = 'GET /config HTTP/1.1\r\nhost: x\r\n\r\n';
  const chunked = `${POST}authorization: Bearer ${SECRET}\r\ntransfer-encoding: chunked\r\n`;
  test.each([
    ['a length and chunks', `${chunked}content-length: 4\r\n\r\n0\r\n\r\n${hidden}`],
    ['two lengths', `${POST}content-length: 0\r\ncontent-length: 44\r\n\r\n${hidden}`],
    ['two lengths in one', `${POST}content-length: 0, 44\r\n\r\n${hidden}`],
    ['a length with a sign', `${POST}content-length: +4\r\n\r\nabcd${hidden}`],
    ['a length in hexadecimal', `${POST}content-length: 0x4\r\n\r\nabcd${hidden}`],
    ['an encoding that is not the last', `${POST}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`],
    ['an encoding spelt otherwise', `${POST}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`],
    ['a chunk size that overflows', `${chunked}\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n${hidden}`],
    ['a negative chunk size', `${chunked}\r\n-1\r\nx\r\n0\r\n\r\n${hidden}`],
    ['a chunk longer than its size', `${chunked}\r\n2\r\n[]]]]\r\n0\r\n\r\n${hidden}`],
    ['chunks that end in bare line feeds', `${chunked}\r\n2\n[]\n0\n\n${hidden}`],
    ['a folded header', `${POST}x: a\r\n content-length: 44\r\n\r\n${hidden}`],
    ['a bare line feed in the headers', `${POST}x: a\ncontent-length: 44\r\n\r\n${hidden}`],
    ['a bare carriage return', `${POST}x: a\rcontent-length: 44\r\n\r\n${hidden}`],
    ['a space before the colon', `${POST}content-length : 44\r\n\r\n${hidden}`],
    ['NUL in a header', `${POST}x: a\0b\r\n\r\n${hidden}`],
    ['no host', `GET /metrics HTTP/1.1\r\n\r\n${hidden}`],
    ['an older protocol than there is', `GET /metrics HTTP/0.9\r\nhost: x\r\n\r\n${hidden}`],
  ])('smuggling, %s: one refusal, and nothing of the rest is read', async (_name, request) => {
    const answer = await say(exporter.baseUrl, request);
    expect(statusesOf(answer)).toHaveLength(1);
    // 505: no such protocol; all else is a bad request.
    expect([400, 505]).toContain(statusesOf(answer)[0]);
  });

  test('headers twice: the first Authorization counts, never a mixture; two Hosts are refused or one', async () => {
    const ask = (headers: string) =>
      say(exporter.baseUrl, `GET /metrics HTTP/1.1\r\nconnection: close\r\n${headers}\r\n`);
    const [right, wrong] = [`authorization: Bearer ${SECRET}\r\n`, 'authorization: Bearer guessed\r\n'];
    expect(statusesOf(await ask(`host: x\r\n${wrong}${right}`))).toEqual([401]);
    expect(statusesOf(await ask(`host: x\r\n${right}${wrong}`))).toEqual([200]);
    expect([200, 400]).toContain(statusesOf(await ask(`host: x\r\nhost: y\r\n${right}`))[0]);
  });

  test.each([
    '/../../../../etc/passwd',
    '/docs/ml/../../config',
    '/docs/ml/../../../../etc/passwd',
    '/docs/ml/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    '/docs/ml/..%2f..%2f..%2fetc%2fpasswd',
    '/docs/ml/..\\..\\etc\\passwd',
    '/docs/ml/json/../../../package.json',
    '/admin/ml/models/..%2f..%2f..%2f..%2fetc%2fpasswd',
    '/api/ml/models/..%2f..%2fetc/registry/..%2f..%2fpasswd/artefact',
    '/%00/etc/passwd',
    '//etc/passwd',
    '/-/healthy/../../config',
    '/-/healthy/%2e%2e/%2e%2e/config',
    '/-/healthy%2f..%2f..%2fconfig',
    '/-/healthy?/../../config',
    '/login/../config',
    'http://127.0.0.1/config',
  ])('traversal by %s leads to nothing, with or without a token', async (address) => {
    for (const who of ['', `authorization: Bearer ${SECRET}\r\n`]) {
      const answer = await say(
        exporter.baseUrl,
        `GET ${address} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${who}\r\n`,
      );
      expect(statusesOf(answer)).toHaveLength(1);
      // The page of the probe is open to all, whatever its query says; a full address is the path in it.
      const allowed = address.includes('?')
        ? [200]
        : address.startsWith('http') && who !== ''
          ? [200]
          : [303, 400, 401, 404];
      expect(allowed.map((status) => [address, status])).toContainEqual([address, statusesOf(answer)[0]]);
      expect(answer).not.toMatch(/root:|"devDependencies"/);
      if (who === '') expect(answer).not.toMatch(/sha256/);
    }
  });

  test.each([
    '//evil.example',
    '/\\evil.example',
    '\\/evil.example',
    'https://evil.example',
    'https:evil.example',
    '///evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    ' //evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/./\\evil.example',
    '/.//evil.example',
    '/\r\nset-cookie: a=b',
    '',
  ])('after a login, next=%j stays on this site', async (next) => {
    const reply = await logIn({ next });
    expect(reply.status).toBe(303);
    // As a browser reads it.
    expect(new URL(reply.headers.get('location')!, exporter.baseUrl).origin).toBe(exporter.baseUrl);
    expect(reply.headers.get('set-cookie')).not.toContain('a=b');
  });

  test('a browser that asks for another path is led to /login of this site, and from there back', async () => {
    for (const address of ['//evil.example/x', '/\\evil.example', '/admin/ml/dashboard?x=https://evil.example']) {
      const answer = await say(
        exporter.baseUrl,
        `GET ${address} HTTP/1.1\r\nhost: x\r\naccept: text/html\r\nconnection: close\r\n\r\n`,
      );
      const location = /^location: (.*)\r$/im.exec(answer)?.[1];
      if (location !== undefined) expect(location).toMatch(/^\/login\?next=%2F/);
    }
  });

  test.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['an origin that cannot be read', { origin: 'null' }],
    ['the same host, but another port', { origin: 'http://127.0.0.1:1' }],
    ['another site, by Fetch metadata', { 'sec-fetch-site': 'cross-site' }],
    ['a sister site, by Fetch metadata', { 'sec-fetch-site': 'same-site' }],
  ])('CSRF from %s: no route changes anything by the cookie alone', async (_name, headers: Record<string, string>) => {
    const before = await auditLines();
    for (const [method, route] of [...changes, ['POST', '/login'], ['POST', '/logout']] as const) {
      const reply = await fetch(exporter.baseUrl + route, {
        method,
        redirect: 'manual',
        headers: { cookie, 'content-type': 'application/json', ...headers },
        body: '{"model":"forged"}',
      });
      // Callbacks of trainers do not look at cookies at all: 401 and 404 of their own.
      expect([403, 401, 404].map((status) => [method, route, status])).toContainEqual([method, route, reply.status]);
      expect(reply.headers.get('set-cookie')).toBeNull();
    }
    expect(await auditLines()).toBe(before);
    const list = await fetch(`${exporter.baseUrl}/api/ml/models`, { headers: { cookie } });
    expect(await list.json()).toEqual({ models: [] });
  });

  /** How many requests of admins were let in. */
  async function auditLines(): Promise<number> {
    const { entries } = await jsonOf<{ entries: readonly unknown[] }>(
      await fetch(`${exporter.baseUrl}/api/ml/audit`, { headers: { cookie } }),
    );
    return entries.length;
  }
});
