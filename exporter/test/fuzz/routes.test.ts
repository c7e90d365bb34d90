import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { fakeServer } from '../../src/http/fake-services.ts';
import { body, CASES, headerText, text } from './generated.ts';

let server: FastifyInstance;
let routes: readonly (readonly [HTTPMethods, string])[];
beforeAll(async () => {
  server = await fakeServer();
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
afterAll(() => server.close());

test('every route answers every request, and never with a 5xx', async () => {
  expect(routes.length).toBeGreaterThan(15);
  const part = fc.oneof(
    headerText,
    text.map((one) => Buffer.from(one).toString()),
  );
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
      async (choice, parts, query, headers, payload) => {
        const [method, path] = routes[choice % routes.length]!;
        let at = 0;
        const url = path.replaceAll(/\{[^}]+\}/g, () => encodeURIComponent(parts[at++]!) || 'x');
        const search = new URLSearchParams(query).toString();
        const reply = await server.inject({
          method: method as 'GET',
          url: `${url}?${search}`,
          headers,
          ...(method === 'GET' ? {} : { payload }),
        });
        // Not ready is an answer, too: 503 of /-/ready and /-/leader; the fakes are always ready.
        if (reply.statusCode >= 500) throw new Error(`${method} ${url}?${search}: ${reply.statusCode} ${reply.body}`);
      },
    ),
    { numRuns: CASES },
  );
}, 3_600_000);
