import { describe, expect, test } from '@jest/globals';

import { predictionDelta, unmatchedDelta } from '../../test/support/deltas.ts';
import { testTarget } from '../../test/support/model-target.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import { emptyBucket } from '../histogram/bucket-codec.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { Segment } from '../histogram/segments.ts';
import { HOUR_MS, MINUTE_MS } from '../histogram/time-bucket.ts';
import { Traffic } from '../histogram/traffic.ts';
import { CheckFailed } from './evaluate-model.ts';
import type { ActiveBaseline } from './known-baselines.ts';
import { ModelHealth } from './model-health.ts';
import type { EvaluatedVersion } from './model-health.ts';
import { StatisticsMemory } from './statistics-memory.ts';

const NOW = Date.UTC(2026, 10, 24, 12, 30);
const one = testTarget();
const two = testTarget({ versionId: 2, version: '2', scheme: { ...one.scheme, id: 2 } });
const MODEL = {
  classes: ['no', 'yes'],
  errorReasons: ['timeout'],
  segments: new Map<number, Segment>(),
  settings: DEFAULT_SETTINGS.defaults,
};

/** 400 rows of 200 ms in two minutes; so many of them labelled. */
function baselineCounts(labelled = 0): BucketCounts {
  const counts = emptyBucket(5);
  counts.features.rows = 400;
  counts.performance.labelled = labelled;
  for (const minute of [0, 7]) {
    const traffic = new Traffic();
    for (let i = 0; i < 200; i++) traffic.addRow(0, 0.2);
    counts.minutes.set(minute, traffic);
  }
  return counts;
}

function setUp() {
  const world = {
    versions: [one, two].map((target): EvaluatedVersion => ({ target, baselineId: null, model: MODEL })),
    baselines: new Map<number, ActiveBaseline>(),
    recounting: new Set<number>(),
    chunks: [] as BucketCounts[],
    read: [] as number[],
    onDrifts: (_versionId: number): void => undefined,
    onRecounting: (): void => undefined,
  };
  const targets: readonly ModelTarget[] = [one, two];
  const memory = new StatisticsMemory({
    current: (versionId) => targets.find((target) => target.versionId === versionId),
    loadedScheme: (schemeId) => targets.find(({ scheme }) => scheme.id === schemeId)?.scheme,
    settingsOf: () => DEFAULT_SETTINGS.defaults,
    positiveClass: () => one.positiveClass,
  });
  const health = new ModelHealth(
    {
      versions: () => world.versions,
      baseline: (id) => {
        world.read.push(id);
        const baseline = world.baselines.get(id);
        return baseline === undefined ? Promise.reject(new Error(`no baseline ${id}`)) : Promise.resolve(baseline);
      },
      chunks: () => Promise.resolve(world.chunks),
      recounting: () => {
        world.onRecounting();
        return Promise.resolve(world.recounting);
      },
      longestWindowMs: () => 25 * HOUR_MS,
      past: () => Promise.resolve([]),
      drifts: ({ versionId }) => {
        world.onDrifts(versionId);
        return Promise.resolve([]);
      },
    },
    memory,
  );
  const errors: [number, unknown][] = [];
  let id = 1;
  return {
    world,
    memory,
    health,
    errors,
    arrive: (target: ModelTarget, n: number) =>
      memory.apply({
        id: id++,
        recount: false,
        payload: predictionDelta(
          target,
          Array.from({ length: n }, () => NOW),
        ),
      }),
    unmatched: (n: number) => memory.apply({ id: id++, recount: false, payload: unmatchedDelta(1, n) }),
    evaluate: async (nowMs = NOW) => {
      const { evaluated, gone } = await health.evaluate(nowMs, (versionId, error) => errors.push([versionId, error]));
      return { ids: evaluated.map(({ versionId }) => versionId), gone: gone.map(({ version }) => version), evaluated };
    },
  };
}

describe('what is evaluated', () => {
  test('every version, then what something arrived for, and all of them again a minute later', async () => {
    const { evaluate, arrive } = setUp();
    expect((await evaluate()).ids).toEqual([1, 2]);
    expect((await evaluate()).ids).toEqual([]);
    arrive(two, 5);
    expect((await evaluate()).ids).toEqual([2]);
    expect((await evaluate(NOW + 59_999)).ids).toEqual([]);
    expect((await evaluate(NOW + MINUTE_MS)).ids).toEqual([1, 2]);
  });

  test('once the lease is lost in the midst of it, nothing more is said of what is no longer in memory', async () => {
    const { world, evaluate, arrive, memory, health } = setUp();
    arrive(one, 5);
    arrive(two, 5);
    world.onDrifts = (versionId) => {
      if (versionId === 2) memory.clear();
    };
    expect((await evaluate()).ids).toEqual([1]);
    expect([...health.reports.keys()]).toEqual([1]);
    arrive(two, 7);
    expect((await evaluate()).ids).toEqual([2]);
    expect(health.reports.get(2)?.report.windowPredictions).toBe(7);
  });

  test('nor is anything said when it was lost before the first', async () => {
    const { world, evaluate, arrive, memory, health } = setUp();
    arrive(one, 5);
    world.onRecounting = () => {
      memory.clear();
    };
    expect((await evaluate()).ids).toEqual([]);
    expect(health.reports.size).toBe(0);
  });

  test('while a window is counted again its last report stands', async () => {
    const { world, evaluate, arrive, health } = setUp();
    arrive(one, 5);
    await evaluate();
    world.recounting.add(1);
    arrive(one, 5);
    expect((await evaluate(NOW + MINUTE_MS)).ids).toEqual([2]);
    expect(health.reports.get(1)?.report.windowPredictions).toBe(5);
    world.recounting.clear();
    expect((await evaluate(NOW + MINUTE_MS)).ids).toEqual([1]);
    expect(health.reports.get(1)?.report.windowPredictions).toBe(10);
  });

  test('a version without a report is evaluated even then', async () => {
    const { world, evaluate } = setUp();
    world.recounting.add(1);
    expect((await evaluate()).ids).toEqual([1, 2]);
  });

  test('a version that is gone is said to be gone, once', async () => {
    const { world, evaluate, health } = setUp();
    await evaluate();
    world.versions = world.versions.slice(1);
    expect(await evaluate()).toMatchObject({ ids: [], gone: [one.version] });
    expect([...health.reports.keys()]).toEqual([2]);
    expect((await evaluate()).gone).toEqual([]);
  });

  test('clear forgets the reports: the next look makes them anew', async () => {
    const { health, evaluate } = setUp();
    await evaluate();
    health.clear();
    expect(health.reports.size).toBe(0);
    expect((await evaluate()).ids).toEqual([1, 2]);
  });
});

describe('a report', () => {
  test('is of the counts of its version, under the names of its model', async () => {
    const { evaluate, arrive, unmatched } = setUp();
    arrive(one, 3);
    arrive(two, 4);
    unmatched(6);
    const [first, second] = (await evaluate()).evaluated;
    expect(first!.report).toMatchObject({
      model: 'churn',
      version: '1',
      task: 'binary',
      evaluatedAtMs: NOW,
      windowPredictions: 3,
    });
    expect(second!.report).toMatchObject({ version: '2', windowPredictions: 4 });
    expect(first!.totals).toMatchObject({ predictions: 3, labelsUnmatched: 6, lastPredictionMs: NOW });
    expect(first!.totals.predictedClasses).toEqual(new Map([['yes', 3]]));
    expect(first!.totals.features.map(({ feature, values }) => [feature, values])).toEqual([
      ['age', 3],
      ['region', 3],
      ['income', 3],
    ]);
  });

  test('compares with the active baseline, all its minutes together', async () => {
    const { world, evaluate, arrive } = setUp();
    world.versions = [{ target: one, baselineId: 8, model: MODEL }];
    world.baselines.set(8, {
      kind: 'reference',
      madeAtMs: 77,
      counts: baselineCounts(),
      segments: new Map(),
      designEffects: [],
    });
    arrive(one, 200);
    const [found] = (await evaluate()).evaluated;
    expect(found!.report.baseline).toMatchObject({ kind: 'reference', madeAtMs: 77, rows: 400 });
    // The predictions took 100 ms each.
    const { latency } = found!.report.checks;
    expect(latency.baselineAverageSeconds).toBeCloseTo(0.2, 9);
    expect(latency.spikeRatio).toBeCloseTo(0.5, 6);
  });
});

describe('baselines', () => {
  const captured = (labelled: number): ActiveBaseline => ({
    kind: 'captured',
    madeAtMs: 1,
    counts: baselineCounts(labelled),
    segments: new Map(),
    designEffects: [],
  });

  test('are read once, and again when forgotten', async () => {
    const { world, health, evaluate } = setUp();
    world.versions = [one, two].map((target) => ({ target, baselineId: 8, model: MODEL }));
    world.baselines.set(8, captured(0));
    await evaluate();
    await evaluate(NOW + MINUTE_MS);
    expect(world.read).toEqual([8]);
    health.forgetBaseline(8);
    await evaluate(NOW + 2 * MINUTE_MS);
    expect(world.read).toEqual([8, 8]);
  });

  test.each([
    ['captured, some labels to come', captured(399), true],
    ['captured, all labelled', captured(400), false],
    ['a reference set without labels', { ...captured(0), kind: 'reference' as const }, false],
  ])('awaits labels: %s', async (_name, baseline, awaits) => {
    const { world, health, evaluate } = setUp();
    world.versions = [{ target: one, baselineId: 8, model: MODEL }];
    world.baselines.set(8, baseline);
    await evaluate();
    expect(health.awaitsLabels(8)).toBe(awaits);
    expect(health.awaitsLabels(9)).toBe(false);
    expect(health.awaitsLabels(null)).toBe(false);
  });
});

describe('the distribution of a feature', () => {
  const ask = (over: object = {}) => ({
    model: 'churn',
    version: undefined,
    feature: 'age',
    windowMs: undefined,
    ...over,
  });

  test('is of the busiest version unless one is named, over the window of data_drift unless one is given', async () => {
    const { health, evaluate, arrive } = setUp();
    arrive(one, 5);
    arrive(two, 9);
    await evaluate();
    expect(await health.distribution(ask(), NOW)).toMatchObject({
      version: '2',
      kind: 'numeric',
      windowMs: 24 * HOUR_MS,
      schemeId: 2,
      baselineKind: 'none',
      current: { values: 9 },
      cells: [],
    });
    const first = await health.distribution(ask({ version: '1', windowMs: 3 * HOUR_MS }), NOW);
    expect(first).toMatchObject({ version: '1', windowMs: 3 * HOUR_MS, current: { values: 5 } });
  });

  test('has the bins of its baseline', async () => {
    const { health, world, arrive } = setUp();
    world.versions = [{ target: one, baselineId: 8, model: MODEL }];
    world.baselines.set(8, {
      kind: 'reference',
      madeAtMs: 77,
      counts: baselineCounts(),
      segments: new Map(),
      designEffects: [],
    });
    arrive(one, 5);
    const { cells, baselineKind } = await health.distribution(ask({ feature: 'region' }), NOW);
    expect(baselineKind).toBe('reference');
    expect(cells.map(({ name, current }) => [name, current])).toEqual([
      ['north', 5],
      ['south', 0],
      ['__other__', 0],
    ]);
  });

  test.each([
    ['an unknown model', { model: 'fraud' }, 'not_found'],
    ['an unknown version', { version: '3' }, 'not_found'],
    ['an unknown feature', { feature: '__proto__' }, 'not_found'],
    ['a window longer than what is in memory', { windowMs: 26 * HOUR_MS }, 'invalid'],
    ['minutes, where features are counted by the hour', { windowMs: HOUR_MS }, 'invalid'],
    ['half an hour too many', { windowMs: 3.5 * HOUR_MS }, 'invalid'],
    ['nothing', { windowMs: 0 }, 'invalid'],
  ])('refused: %s', async (_name, over, code) => {
    const { health } = setUp();
    await expect(health.distribution(ask(over), NOW)).rejects.toMatchObject({ code });
  });
});

describe('segments', () => {
  const segments = new Map([
    [4, { key: 'channel', value: 'web' }],
    [5, { key: 'channel', value: 'fax' }],
    [6, { key: 'shop', value: 'x' }],
  ]);
  const index = new Map([
    [
      'channel',
      new Map([
        ['web', 4],
        ['fax', 5],
      ]),
    ],
  ]);
  const model = (keys: readonly string[]) => ({ ...MODEL, segments, settings: { ...MODEL.settings, segments: keys } });
  const segmented = testTarget({ segments: index });

  async function reportOf(keys: readonly string[], own: ReadonlyMap<number, BucketCounts>) {
    const { world, memory, evaluate } = setUp();
    world.versions = [{ target: segmented, baselineId: 8, model: model(keys) }];
    world.baselines.set(8, {
      kind: 'captured',
      madeAtMs: 1,
      counts: baselineCounts(),
      segments: own,
      designEffects: [],
    });
    const times = Array.from({ length: 200 }, () => NOW);
    for (const [id, channel] of ['web', 'web', 'fax'].entries())
      memory.apply({ id, recount: false, payload: predictionDelta(segmented, times, `{"channel":"${channel}"}`) });
    return (await evaluate()).evaluated[0]!;
  }

  test('have a health of their own, by what is theirs of the baseline', async () => {
    const { report, totals } = await reportOf(['channel'], new Map([[4, baselineCounts()]]));
    expect(report.windowPredictions).toBe(600);
    expect(totals.predictions).toBe(600);
    expect(report.segments.map(({ value, windowPredictions }) => [value, windowPredictions])).toEqual([
      ['web', 400],
      ['fax', 200],
    ]);
    const [web, fax] = report.segments;
    expect(web!.checks.latency).toMatchObject({ state: 'ok', samples: 400 });
    // What is not known of its baseline is not taken from the whole.
    expect(fax!.checks.latency).toMatchObject({ state: 'insufficient_data', reason: 'there is no baseline yet' });
    expect(fax!.checks.error_rate.state).toBe('ok');
    expect(fax!.health.coverage).toBeLessThan(web!.health.coverage);
  });

  test('of keys that are not configured any more are not shown', async () => {
    expect((await reportOf(['shop'], new Map())).report.segments).toEqual([]);
  });

  test('without predictions in their windows neither', async () => {
    const { world, memory, evaluate } = setUp();
    world.versions = [{ target: segmented, baselineId: null, model: model(['channel']) }];
    const old = NOW - 40 * HOUR_MS;
    memory.apply({ id: 1, recount: false, payload: predictionDelta(segmented, [old], '{"channel":"fax"}') });
    memory.apply({ id: 2, recount: false, payload: predictionDelta(segmented, [NOW], '{"channel":"web"}') });
    expect((await evaluate()).evaluated[0]!.report.segments.map(({ value }) => value)).toEqual(['web']);
  });
});

describe('thresholds that calibrate themselves', () => {
  /** Sixteen parts with latencies that differ from part to part, of 180 to 220 ms. */
  const chunks = Array.from({ length: 16 }, (_, i) => {
    const counts = emptyBucket(5);
    const traffic = new Traffic();
    for (let row = 0; row < 100; row++) traffic.addRow(0, 0.18 + (0.04 * i) / 15);
    counts.minutes.set(0, traffic);
    return counts;
  });

  test.each([
    // The sample deviation of 16 even steps from .9 to 1.1.
    ['when asked for', true, 1 + 3 * (0.2 / 15) * Math.sqrt((16 * 17) / 12)],
    ['not otherwise', false, 2],
  ])('%s', async (_name, selfCalibrated, spike) => {
    const { world, evaluate, arrive } = setUp();
    const settings = { ...MODEL.settings, selfCalibrated };
    world.versions = [{ target: one, baselineId: 8, model: { ...MODEL, settings } }];
    world.baselines.set(8, {
      kind: 'reference',
      madeAtMs: 77,
      counts: baselineCounts(),
      segments: new Map(),
      designEffects: [],
    });
    world.chunks = chunks;
    arrive(one, 100);
    const { report } = (await evaluate()).evaluated[0]!;
    expect(report.settings.thresholds.latencySpike).toBeCloseTo(spike, 3);
    expect(report.settings.thresholds.driftScore).toBe(0.3);
  });
});

describe('bins for PromQL', () => {
  test.each([
    ['not exposed', false, []],
    ['exposed', true, ['age', 'region', 'income']],
  ])('%s', async (_name, bins, features) => {
    const { world, evaluate } = setUp();
    const settings = { ...MODEL.settings, exposition: { ...MODEL.settings.exposition, bins } };
    world.versions = [{ target: one, baselineId: 8, model: { ...MODEL, settings } }];
    world.baselines.set(8, {
      kind: 'reference',
      madeAtMs: 77,
      counts: baselineCounts(),
      segments: new Map(),
      designEffects: [],
    });
    const [found] = (await evaluate()).evaluated;
    expect(found!.totals.bins.map(({ feature }) => feature)).toEqual(features);
  });
});

describe('one version that fails', () => {
  test('is named, keeps its last report, is tried again, and stops no other', async () => {
    const { world, errors, health, evaluate, arrive } = setUp();
    arrive(one, 5);
    await evaluate();
    world.versions = world.versions.map((version, i) => (i === 0 ? { ...version, baselineId: 99 } : version));
    expect((await evaluate(NOW + MINUTE_MS)).ids).toEqual([2]);
    expect(errors).toEqual([[1, new Error('no baseline 99')]]);
    expect(health.reports.get(1)?.report.evaluatedAtMs).toBe(NOW);
    world.baselines.set(99, {
      kind: 'reference',
      madeAtMs: 1,
      counts: baselineCounts(),
      segments: new Map(),
      designEffects: [],
    });
    expect((await evaluate(NOW + MINUTE_MS + 15_000)).ids).toEqual([1]);
  });

  test('a check that throws is known by its name', async () => {
    const { world, errors, evaluate } = setUp();
    const broken = { ...MODEL.settings, minimumSamples: undefined as never };
    world.versions = [{ target: one, baselineId: null, model: { ...MODEL, settings: broken } }, world.versions[1]!];
    expect((await evaluate()).ids).toEqual([2]);
    expect(errors[0]![1]).toBeInstanceOf(CheckFailed);
    expect(errors[0]![1]).toMatchObject({ check: 'performance' });
  });
});
