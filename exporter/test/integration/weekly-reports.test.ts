import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { weeklyWork } from '../../src/app/weekly-work.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { WEEK_MS, weekStart } from '../../src/domain/week.ts';
import { ModelHealth } from '../../src/evaluation/model-health.ts';
import { AlertStore } from '../../src/storage/alert-store.ts';
import { BusinessMetricStore } from '../../src/storage/business-metric-store.ts';
import { HistoryStore } from '../../src/storage/history-store.ts';
import { ModelStore } from '../../src/storage/model-store.ts';
import { RetrainingStore } from '../../src/storage/retraining-store.ts';
import { StatisticsStore } from '../../src/storage/statistics-store.ts';
import { WeeklyReportStore } from '../../src/storage/weekly-report-store.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { silentLog } from '../support/silent-log.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A Wednesday. */
const START = Date.UTC(2026, 10, 25, 12);
const LAST = weekStart(START) - WEEK_MS;

describe('weekly reports', () => {
  let database: TestDatabase;
  let core: Core;
  let now = START;
  let weekly: ReturnType<typeof weeklyWork>;
  let reports: WeeklyReportStore;
  let business: BusinessMetricStore;
  let ids = 0;

  const event = (atMs: number, of: Record<string, unknown> = {}) => ({
    model: 'churn',
    version: '1',
    prediction_id: `p${ids++}`,
    timestamp: atMs,
    features: { age: 20 + (ids % 50), region: ids % 3 === 0 ? 'north' : 'south' },
    prediction: ids % 2 === 0 ? '1' : '0',
    score: ids % 2 === 0 ? 0.8 : 0.2,
    latency_ms: 10,
    ...of,
  });
  const settle = async () => {
    await core.evaluator.renew();
    await core.evaluator.catchUp();
    await core.evaluator.fold();
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    const overrides = new Map([['churn', { task: 'binary', positiveClass: '1' } as const]]);
    core = await openCore(database.url, { now: () => now, settings: { ...DEFAULT_SETTINGS, overrides } });
    // One at each end of the week, one just outside of each, and 600 within.
    await core.predict([
      event(LAST - 1),
      event(LAST),
      event(LAST + WEEK_MS - 1),
      event(LAST + WEEK_MS),
      ...Array.from({ length: 600 }, (_, i) => event(LAST + DAY + i * 60_000)),
      ...Array.from({ length: 5 }, () => event(LAST + DAY, { version: '2' })),
    ]);
    await settle();
    const statistics = new StatisticsStore(core.pool);
    const health = new ModelHealth(
      {
        versions: () => core.catalog.versions(),
        baseline: (id) => core.baselines.load(id),
        chunks: (id) => core.baselines.chunks(id),
        recounting: () => core.baselines.recounting(),
        longestWindowMs: () => DAY,
        past: (...of) => statistics.past(...of),
        drifts: () => Promise.resolve([]),
      },
      core.evaluator.memory,
    );
    reports = new WeeklyReportStore(core.pool);
    business = new BusinessMetricStore(core.pool);
    weekly = weeklyWork({
      clock: { now: () => now },
      log: silentLog,
      catalog: core.catalog,
      health,
      history: new HistoryStore(core.pool),
      alerts: new AlertStore(core.pool),
      jobs: new RetrainingStore(core.pool),
      reports,
      business,
    });
  });
  afterAll(async () => {
    await core.close();
    await database.drop();
  });

  test('a week has its own predictions, to the millisecond, whether it is stored or not', async () => {
    const live = (await weekly.report('churn', LAST)).report;
    await weekly.run();
    const { report, context } = await weekly.report('churn', LAST);
    for (const one of [live, report])
      expect(one).toMatchObject({
        week: '2026-W47',
        from: '2026-11-16T00:00:00.000Z',
        to: '2026-11-23T00:00:00.000Z',
        complete: true,
        version: '1',
        predictions: 607,
        counted_predictions: 607,
        label_coverage: 0,
        checks: {
          error_rate: { state: 'ok', samples: 602, error_count: 0 },
          performance: { state: 'insufficient_data' },
        },
        versions: [
          { version: '1', predictions: 602 },
          { version: '2', predictions: 5 },
        ],
      });
    // The week before has a prediction, too; the week that goes on has none stored.
    expect(context).toMatchObject({
      stored_weeks: ['2026-W47', '2026-W46'],
      previous: { week: '2026-W46', overall_health: null },
    });
    expect(await reports.get('churn', LAST + WEEK_MS)).toBeNull();
  });

  test('the week that goes on is made on the spot, and says that it is not complete', async () => {
    const { report } = await weekly.report('churn', LAST + WEEK_MS);
    expect(report).toMatchObject({ complete: false, predictions: 1, made_at: new Date(now).toISOString() });
  });

  test('a week without anything says so, and is not stored', async () => {
    const { report } = await weekly.report('churn', LAST - 20 * WEEK_MS);
    expect(report).toMatchObject({ predictions: 0, overall_health: null, level: 'unknown', incidents: [], jobs: [] });
    expect(Object.values(report.checks).map(({ state }) => state)).toEqual(Array(6).fill('insufficient_data'));
  });

  test('labels that come late are in the report a day later', async () => {
    const within = Array.from({ length: 600 }, (_, i) => `p${4 + i}`);
    await core.label(
      within.map((id, i) => ({ model: 'churn', prediction_id: id, label: i % 10 === 0 ? '0' : '1', timestamp: now })),
    );
    await settle();
    await weekly.run();
    expect((await weekly.report('churn', LAST)).report.label_coverage).toBe(0);
    now += DAY + HOUR;
    await weekly.run();
    const { report } = await weekly.report('churn', LAST);
    expect(report.label_coverage).toBeCloseTo(600 / 602, 10);
    expect(report.checks.performance).toMatchObject({ samples: 600 });
    expect((await reports.figures('churn', LAST, LAST + WEEK_MS))[0]!.performance).toBeGreaterThan(0.4);
  });

  test('a new baseline, whose bins did not count that week, does not take the report away', async () => {
    await core.capture('churn', '1', { fromMs: LAST + DAY, toMs: LAST + 2 * DAY, limit: 500 });
    await settle();
    now += DAY + HOUR;
    await weekly.run();
    expect((await weekly.report('churn', LAST)).report).toMatchObject({ version: '1', counted_predictions: 607 });
  });

  test('what is stored outlives the statistics', async () => {
    // Of the week three quarters are gone, then all.
    await core.pool.query('DELETE FROM statistics_bucket WHERE bucket_start * 60000::bigint >= $1', [
      LAST + DAY + 2 * HOUR,
    ]);
    now += DAY + HOUR;
    await weekly.run();
    expect((await weekly.report('churn', LAST)).report.counted_predictions).toBe(607);
    await core.pool.query('DELETE FROM statistics_bucket');
    now += DAY + HOUR;
    await weekly.run();
    expect((await weekly.report('churn', LAST)).report).toMatchObject({ predictions: 607, counted_predictions: 607 });
    now += 10 * WEEK_MS;
    await weekly.run();
    expect((await weekly.report('churn', LAST)).report.predictions).toBe(607);
    now = START;
  });

  describe('business figures', () => {
    const value = (atMs: number, of: number, name = 'revenue', model = 'churn') => ({
      index: 0,
      model,
      name,
      atMs,
      value: of,
    });

    test('once, twice, corrected, and of nobody', async () => {
      const counts = async (...values: ReturnType<typeof value>[]) => {
        const { accepted, updated, duplicates, errors } = await business.append(
          values.map((one, index) => ({ ...one, index })),
        );
        return [accepted, updated, duplicates, ...errors.map(({ index, pointer }) => `${index} ${pointer}`)];
      };
      expect(await counts(value(LAST, 10), value(LAST + DAY, 20))).toEqual([2, 0, 0]);
      expect(await counts(value(LAST, 10))).toEqual([0, 0, 1]);
      expect(await counts(value(LAST, 12))).toEqual([0, 1, 0]);
      expect(await counts(value(LAST, 1), value(LAST, 1), value(LAST, 12))).toEqual([0, 1, 2]);
      expect(await counts(value(LAST, 1, 'x', 'nobody'), value(LAST + 2 * DAY, 5))).toEqual([1, 0, 0, '0 /model']);
      expect(await counts()).toEqual([0, 0, 0]);
    });

    test('a hundred names a model, and no more; those that are known go on', async () => {
      const names = Array.from({ length: 120 }, (_, i) => ({ ...value(LAST, i, `n${i}`), index: i }));
      const { accepted, errors } = await business.append(names);
      expect([accepted, errors.length]).toEqual([99, 21]);
      expect(errors[0]).toMatchObject({ index: 99, pointer: '/name' });
      expect((await business.append([value(LAST + HOUR, 1)])).accepted).toBe(1);
      await core.pool.query("DELETE FROM business_metrics WHERE name <> 'revenue'");
    });

    test('senders at once settle on one value', async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          business.append([value(LAST + 3 * DAY, i % 2, 'clicks'), value(LAST + 4 * DAY, i % 2, 'orders')]),
        ),
      );
      const { rows } = await core.pool.query(
        'SELECT count(*)::int AS count FROM business_values v JOIN business_metrics b ON b.id = v.metric_id WHERE b.name <> $1',
        ['revenue'],
      );
      expect(rows).toEqual([{ count: 2 }]);
      await core.pool.query("DELETE FROM business_metrics WHERE name <> 'revenue'");
    });

    test('weeks are UTC: the last moment of Sunday is the week before', async () => {
      await business.append([value(LAST - 1, 100), value(LAST + WEEK_MS, 100)]);
      expect(await business.weeks('churn', LAST - WEEK_MS, LAST + 2 * WEEK_MS)).toEqual([
        { name: 'revenue', weekMs: LAST - WEEK_MS, mean: 100, values: 1 },
        { name: 'revenue', weekMs: LAST, mean: (12 + 1 + 20 + 5) / 4, values: 4 },
        { name: 'revenue', weekMs: LAST + WEEK_MS, mean: 100, values: 1 },
      ]);
    });

    test('few weeks: the report says so, with no coefficient', async () => {
      const [revenue] = (await weekly.report('churn', LAST)).context.business;
      expect(revenue).toMatchObject({ name: 'revenue', mean: 9.5, values: 4 });
      expect(revenue!.correlations[0]).toEqual({
        figure: 'overall_health',
        weeks: 1,
        coefficient: null,
        interval: null,
        reason: 'too few weeks: 1 have both figures, 8 are needed',
      });
    });

    test('twenty weeks, whose figures came late and are corrected: coefficient, weeks and interval', async () => {
      for (let i = 1; i <= 20; i++)
        await reports.keep(
          {
            model: 'churn',
            weekMs: LAST - i * WEEK_MS,
            healthScore: 60 + i,
            performance: 0.9 - i / 100,
            drift: NaN,
            schemeId: 1,
            counted: 1_000,
            report: {},
          },
          now,
        );
      await business.append(Array.from({ length: 20 }, (_, i) => value(LAST - (i + 1) * WEEK_MS + DAY, -i)));
      await business.append([value(LAST - 20 * WEEK_MS + DAY, 500)]);
      const [revenue] = (await weekly.report('churn', LAST)).context.business;
      const [health, performance, drift] = revenue!.correlations;
      expect(health).toMatchObject({ weeks: 21, reason: null });
      expect(health!.coefficient).toBeLessThan(-0.5);
      expect(health!.interval![0]).toBeLessThan(health!.coefficient!);
      expect(health!.interval![1]).toBeLessThan(0);
      expect(performance!.coefficient).toBeGreaterThan(0.5);
      expect(drift).toMatchObject({ coefficient: null, interval: null });
      expect(drift!.reason).toMatch(/^too few weeks/);
    });
  });

  test('a model that is deleted takes its reports and figures with it', async () => {
    await new ModelStore(core.pool, core.catalog).remove('churn');
    const { rows } = await core.pool.query(
      'SELECT (SELECT count(*)::int FROM weekly_reports) AS reports, (SELECT count(*)::int FROM business_values) AS figures',
    );
    expect(rows).toEqual([{ reports: 0, figures: 0 }]);
  });
});
