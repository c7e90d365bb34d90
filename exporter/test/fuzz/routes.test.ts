import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { fakeServer } from '../../src/http/fake-services.ts';
import { body, CASES, headerText, text } from './generated.ts';
import { Measured } from './measured.ts';

let server: FastifyInstance;
/** Real connections, kept: what the server keeps of requests is only seen on them. */
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
let routes: readonly (readonly [HTTPMethods, string])[];
beforeAll(async () => {
  server = await fakeServer();
  await server.listen({ host: '127.0.0.1', port: 0 });
  const paths = (server.swagger() as { paths?: Record<string, Record<string, unknown>> }).paths ?? {};
  routes = [
    ...Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
    ),
    ['POST', '/login'],
    ['GET', '/'],
    ['GET', '/docs/ml'],
  ];
});
afterAll(async () => {
  agent.destroy();
  await server.close();
});

/** null: the connection was closed before the answer, as after a refusal that did not wait for the body. */
function ask(options: http.RequestOptions, payload: Buffer): Promise<{ status: number; body: string } | null> {
  return new Promise((resolve) => {
    const { port } = server.server.address() as AddressInfo;
    const request = http.request({ ...options, agent, host: '127.0.0.1', port }, (reply) => {
      const status = reply.statusCode!;
      textOf(reply).then(
        (body) => resolve({ status, body }),
        () => resolve(null),
      );
    });
    request.on('error', () => resolve(null));
    request.end(payload);
  });
}

test('every route answers every request, and never with a 5xx', async () => {
  expect(routes.length).toBeGreaterThan(15);
  const part = fc.oneof(
    headerText,
    text.map((one) => Buffer.from(one).toString()),
  );
  const measured = new Measured('routes', CASES);
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(part, { minLength: 4, maxLength: 4 }),
      fc.dictionary(fc.constantFrom('version', 'window', 'from', 'to', 'map', 'limit', 'model', 'before', 'x'), part),
      fc.record({
        'content-type': headerText,
        'content-encoding': headerText,
        accept: headerText,
        'accept-encoding': headerText,
        authorization: headerText,
        cookie: headerText,
        'ce-type': headerText,
        'ce-id': headerText,
      }),
      body,
      (choice, parts, query, headers, payload) =>
        measured.run(async () => {
          const [method, path] = routes[choice % routes.length]!;
          let at = 0;
          const url = path.replaceAll(/\{[^}]+\}/g, () => encodeURIComponent(parts[at++]!) || 'x');
          const search = new URLSearchParams(query).toString();
          const sent = method === 'GET' ? Buffer.alloc(0) : payload;
          const reply = await ask(
            {
              method,
              path: `${url}?${search}`,
              headers: { ...headers, ...(sent.length > 0 ? { 'content-length': sent.length } : {}) },
            },
            sent,
          );
          answered += reply === null ? 0 : 1;
          // Not ready is an answer, too: 503 of /-/ready and /-/leader; the fakes are always ready.
          if (reply !== null && reply.status >= 500)
            throw new Error(`${method} ${url}?${search}: ${reply.status} ${reply.body}`);
        }),
    ),
    { numRuns: CASES },
  );
  measured.end();
  expect(answered).toBeGreaterThan(0.9 * CASES);
}, 3_600_000);
