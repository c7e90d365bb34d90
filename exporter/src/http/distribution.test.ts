import { afterEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../domain/service-error.ts';
import { bearer, fakeServer, fakeToken } from './fake-services.ts';
import type { Services } from './services.ts';

let server: FastifyInstance;
afterEach(() => server.close());
const URL = '/api/ml/models/churn/features/tenure/distribution';

describe('the distribution of a feature', () => {
  test('as JSON: open ends and shares of nothing are null', async () => {
    server = await fakeServer();
    const reply = await server.inject(URL);
    expect(reply.statusCode).toBe(200);
    expect(reply.json()).toEqual({
      model: 'churn',
      version: '1',
      feature: 'tenure',
      kind: 'numeric',
      window_seconds: 86_400,
      window_end: '2026-01-02T12:00:00.000Z',
      scheme: 3,
      baseline: { kind: 'reference', values: 4, missing: 1, type_errors: 0, not_finite: 0 },
      current: { values: 0, missing: 2, type_errors: 0, not_finite: 0 },
      cells: [
        { bin: '12', lower: null, upper: 12, baseline: 1, current: 0, baseline_ratio: 0.25, current_ratio: null },
        { bin: '+Inf', lower: 12, upper: null, baseline: 3, current: 0, baseline_ratio: 0.75, current_ratio: null },
      ],
      bins: [],
    });
  });

  test('names in the path and in the query are decoded and handed on', async () => {
    const asked: unknown[] = [];
    const distribution: Services['distribution'] = (request) => {
      asked.push(request);
      return Promise.reject(new ServiceError('not_found', 'no'));
    };
    server = await fakeServer({ distribution });
    const reply = await server.inject('/api/ml/models/a%2Fb/features/x%20y/distribution?version=&window=7d');
    expect(reply.statusCode).toBe(404);
    expect(asked).toEqual([{ model: 'a/b', version: '', feature: 'x y', window: '7d' }]);
  });

  test('is for those who may read the model', async () => {
    server = await fakeServer({}, { tokens: () => [fakeToken('r', ['read'], ['other']), fakeToken('i', ['ingest'])] });
    for (const [name, status] of [
      ['r', 403],
      ['i', 403],
      ['nobody', 401],
    ] as const)
      expect((await server.inject({ url: URL, headers: bearer(name) })).statusCode).toBe(status);
  });
});
