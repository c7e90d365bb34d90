import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { HistoryQuery } from '../../src/domain/health-history.ts';
import { DayPartitions } from '../../src/storage/day-partitions.ts';
import { EVALUATION_INDEXES, EvaluationStore } from '../../src/storage/evaluation-store.ts';
import { HistoryStore } from '../../src/storage/history-store.ts';
import { openCore } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const MINUTE = 60_000;
const ALL: HistoryQuery = {
  model: undefined,
  version: undefined,
  fromMs: NOW - 60 * MINUTE,
  toMs: NOW,
  stepMs: MINUTE,
  limit: 1_000,
  after: null,
};

describe('history', () => {
  let database: TestDatabase;
  let core: Awaited<ReturnType<typeof openCore>>;
  let history: HistoryStore;
  beforeAll(async () => {
    database = await createTestDatabase();
    core = await openCore(database.url, { now: () => NOW });
    history = new HistoryStore(core.pool);
    const event = (model: string, version: string, minutesAgo: number) => ({
      model,
      version,
      prediction_id: randomUUID(),
      timestamp: new Date(NOW - minutesAgo * MINUTE).toISOString(),
      prediction: 'yes',
    });
    await core.predict([
      ...Array.from({ length: 30 }, (_, i) => event('churn', '1', i + 1)),
      ...Array.from({ length: 10 }, (_, i) => event('churn', '2', i + 1)),
      event('late', '', 90),
    ]);
    await core.evaluator.renew();
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const days = new DayPartitions(core.pool, 'evaluations', EVALUATION_INDEXES);
    await days.load();
    const evaluations = new EvaluationStore(core.pool, days.ensure);
    const versions = core.catalog.versions();
    await evaluations.append(
      versions.flatMap(({ target, model }) =>
        [30, 20, 10].map((minutesAgo) => ({
          modelId: model.id,
          versionId: target.versionId,
          evaluatedAtMs: NOW - minutesAgo * MINUTE,
          healthScore: target.model === 'late' ? NaN : minutesAgo,
          severity: 'low',
          report: { checks: { latency: { state: 'alert', score: 12.5 } } },
        })),
      ),
    );
  });
  afterAll(async () => {
    await core.close();
    await database.drop();
  });

  test('predictions by model, to the minute', async () => {
    const count = async (fromAgo: number, toAgo: number) =>
      Object.fromEntries(await history.predictions(NOW - fromAgo * MINUTE, NOW - toAgo * MINUTE));
    expect(await count(120, 0)).toEqual({ churn: 40, late: 1 });
    expect((await count(60, 0)).churn).toBe(40);
    expect((await count(11, 1)).churn).toBe(19);
    expect((await count(240, 120)).churn ?? 0).toBe(0);
  });

  test('evaluations in order of time, with the state of each check', async () => {
    const points = await history.health(ALL);
    expect(points.map(({ model, version, score }) => [model, version, score])).toEqual(
      [30, 20, 10].flatMap((score) => [
        ['churn', '1', score],
        ['churn', '2', score],
        ['late', '', NaN],
      ]),
    );
    expect(points[0]).toMatchObject({
      evaluatedAtMs: NOW - 30 * MINUTE,
      severity: 'low',
      checks: { latency: { state: 'alert', score: 12.5 }, performance: { state: 'insufficient_data', score: NaN } },
    });
  });

  test.each<readonly [string, Partial<HistoryQuery>, number]>([
    ['of one model', { model: 'churn' }, 6],
    ['of one version', { model: 'churn', version: '2' }, 3],
    ['of nobody', { model: "x'; drop table models; --" }, 0],
    ['from included, to not', { model: 'late', fromMs: NOW - 30 * MINUTE, toMs: NOW - 10 * MINUTE }, 2],
    ['the last of a step', { model: 'late', stepMs: 60 * MINUTE }, 1],
  ])('%s', async (_name, change, count) => {
    expect(await history.health({ ...ALL, ...change })).toHaveLength(count);
  });

  test('page by page is the same as at once', async () => {
    const whole = await history.health(ALL);
    const paged: (typeof whole)[number][] = [];
    for (;;) {
      const page = await history.health({ ...ALL, limit: 2, after: paged.at(-1) ?? null });
      if (page.length === 0) break;
      paged.push(...page);
    }
    expect(paged).toEqual(whole);
  });
});
