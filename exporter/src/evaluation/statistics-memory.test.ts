import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { labelDelta, predictionDelta, unmatchedDelta } from '../../test/support/deltas.ts';
import { testTarget } from '../../test/support/model-target.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { HOUR_MS, MINUTE_MS } from '../histogram/time-bucket.ts';
import { StatisticsTotals } from '../histogram/totals.ts';
import type { StoredTotals } from '../histogram/totals.ts';
import { StatisticsMemory } from './statistics-memory.ts';
import type { SchemeLookup } from './statistics-memory.ts';

const NOW = Date.UTC(2026, 10, 24, 12, 30);
const DAY = 24 * HOUR_MS;
const one = testTarget();
const two = testTarget({ versionId: 2, scheme: { ...one.scheme, id: 2 } });

function lookup(...targets: readonly ModelTarget[]): SchemeLookup {
  return {
    current: (versionId) => targets.find((target) => target.versionId === versionId),
    loadedScheme: (schemeId) => targets.find(({ scheme }) => scheme.id === schemeId)?.scheme,
    settingsOf: () => DEFAULT_SETTINGS.defaults,
    positiveClass: (versionId) => targets.find((target) => target.versionId === versionId)?.positiveClass ?? -1,
  };
}

let nextId = 1;
const delta = (payload: Buffer, recount = false) => ({ id: nextId++, recount, payload });
const predictions = (n: number, target = one, atMs = NOW) =>
  predictionDelta(
    target,
    Array.from({ length: n }, () => atMs),
  );
const inWindow = (memory: StatisticsMemory, target = one) => {
  const { features, traffic, performance } = memory.window(target, NOW, DAY);
  return { rows: features.rows, requests: traffic.rows, labelled: performance.labelled };
};

describe('apply', () => {
  test('predictions are in windows and totals, and touch their version', () => {
    const memory = new StatisticsMemory(lookup(one, two));
    expect(memory.apply(delta(predictions(3)))).toBe(3);
    expect(inWindow(memory)).toEqual({ rows: 3, requests: 3, labelled: 0 });
    expect(inWindow(memory, two)).toEqual({ rows: 0, requests: 0, labelled: 0 });
    const totals = memory.totalsOf(1);
    expect(totals.traffic.rows).toBe(3);
    expect(totals.classes).toEqual(new Map([[1, 3]]));
    expect(totals.ofFeature(0)).toMatchObject({ values: 3, missing: 0 });
    expect(totals.lastPredictionMs).toBe(NOW);
    expect(memory.totalsOf(2).traffic.rows).toBe(0);
    expect(memory.takeTouched()).toEqual(new Set([1]));
    expect(memory.takeTouched()).toEqual(new Set());
  });

  test('twice is an error, and counts once', () => {
    const memory = new StatisticsMemory(lookup(one));
    const twice = delta(predictions(2));
    memory.apply(twice);
    expect(() => memory.apply(twice)).toThrow(`statistics delta ${twice.id} applied twice`);
    expect(inWindow(memory).rows).toBe(2);
  });

  test('a recount is for windows: totals have its rows already', () => {
    const memory = new StatisticsMemory(lookup(one));
    memory.apply(delta(predictions(4), true));
    memory.apply(delta(labelDelta(one, NOW, 2), true));
    expect(inWindow(memory)).toEqual({ rows: 4, requests: 4, labelled: 2 });
    expect(memory.totalsOf(1)).toMatchObject({ labels: 0, lastPredictionMs: NaN });
    expect(memory.totalsOf(1).traffic.rows).toBe(0);
    expect(memory.beginFold().totals).toEqual([]);
  });

  test('a corrected label takes the old one out of the window; the totals counted it once', () => {
    const memory = new StatisticsMemory(lookup(one));
    memory.apply(delta(labelDelta(one, NOW, 5, 'new')));
    memory.apply(delta(labelDelta(one, NOW, 2, 'removed')));
    expect(inWindow(memory).labelled).toBe(3);
    memory.apply(delta(labelDelta(one, NOW, 2, 'corrected')));
    expect(inWindow(memory).labelled).toBe(5);
    expect(memory.totalsOf(1)).toMatchObject({ labels: 5, lastLabelMs: NOW + 1_000 });
    expect(memory.totalsOf(1).confusion).toEqual(new Map([[257, 5]]));
  });

  test('labels without a prediction belong to the model', () => {
    const memory = new StatisticsMemory(lookup(one));
    memory.loadUnmatched(1, 10);
    memory.apply(delta(unmatchedDelta(1, 3)));
    expect(memory.unmatchedOf(1)).toBe(13);
    expect(memory.unmatchedOf(9)).toBe(0);
    expect(memory.beginFold().totals).toEqual([{ modelId: 1, versionId: 0, json: '{"unmatched":13}' }]);
  });

  test('a version that was deleted is skipped, the rest of the delta is not', () => {
    const memory = new StatisticsMemory(lookup(two));
    memory.apply(delta(predictions(3, one)));
    memory.apply(delta(labelDelta(one, NOW, 3)));
    memory.apply(delta(predictions(2, two)));
    expect(memory.takeTouched()).toEqual(new Set([2]));
    const work = memory.beginFold();
    expect(work.deltaIds).toHaveLength(3);
    expect(work.buckets.map(({ key }) => key.versionId)).toEqual([2]);
  });

  test('a scheme that was not loaded is an error, not a guess', () => {
    const memory = new StatisticsMemory({ ...lookup(one), loadedScheme: () => undefined });
    expect(() => memory.apply(delta(predictions(1)))).toThrow('bin scheme 1 is not loaded');
  });

  test('a feature that joins later is counted from then on', () => {
    const narrow = testTarget({ features: one.features.slice(0, 1) });
    let current = narrow;
    const memory = new StatisticsMemory({ ...lookup(one), current: () => current });
    memory.apply(delta(predictions(2, narrow)));
    current = one;
    memory.apply(delta(predictions(5, one)));
    expect(memory.totalsOf(1).ofFeature(0).values).toBe(7);
    expect(memory.totalsOf(1).ofFeature(1).values).toBe(5);
    expect(inWindow(memory).rows).toBe(7);
  });
});

describe('fold', () => {
  test('covers what was applied, and everything that it changed', () => {
    const memory = new StatisticsMemory(lookup(one, two));
    const applied = [delta(predictions(3)), delta(predictions(2, two)), delta(predictions(1, one, NOW - DAY))];
    for (const each of applied) memory.apply(each);
    const work = memory.beginFold();
    expect(work.deltaIds).toEqual(applied.map(({ id }) => id));
    expect(work.buckets).toHaveLength(3);
    expect(work.totals.map(({ modelId, versionId }) => [modelId, versionId])).toEqual([
      [1, 1],
      [1, 2],
    ]);
    expect(JSON.parse(work.totals[0]!.json)).toMatchObject({ rows: 4 });
    memory.endFold(work);
    expect(memory.applied.size).toBe(0);
    expect(memory.beginFold()).toEqual({ deltaIds: [], buckets: [], totals: [] });
  });

  test('what arrives while it is stored is left for the next one', async () => {
    const memory = new StatisticsMemory(lookup(one));
    memory.apply(delta(predictions(3)));
    const first = memory.beginFold();
    const late = delta(predictions(2));
    memory.apply(late);
    memory.endFold(first);
    await memory.settle(NOW / MINUTE_MS + 600, 0);
    const second = memory.beginFold();
    expect(second.deltaIds).toEqual([late.id]);
    expect(second.buckets).toHaveLength(1);
    expect(JSON.parse(second.totals[0]!.json)).toMatchObject({ rows: 5 });
  });

  test('settle forgets schemes without buckets', async () => {
    const memory = new StatisticsMemory(lookup(one));
    const old = NOW - 2 * DAY;
    memory.apply(delta(predictions(1, one, old)));
    memory.endFold(memory.beginFold());
    const key = {
      versionId: 1,
      schemeId: 1,
      segmentId: 0,
      bucketStart: Math.floor(old / HOUR_MS) * 60,
      bucketMinutes: 60,
    };
    expect(memory.isWhole(key)).toBe(true);
    await memory.settle(NOW / MINUTE_MS, NOW / MINUTE_MS - 1_440);
    expect(memory.isWhole(key)).toBeUndefined();
  });

  test('clear forgets everything', () => {
    const memory = new StatisticsMemory(lookup(one));
    memory.loadUnmatched(1, 3);
    memory.apply(delta(predictions(3)));
    memory.clear();
    expect(inWindow(memory).rows).toBe(0);
    expect([memory.applied.size, memory.unmatchedOf(1), memory.totalsOf(1).traffic.rows]).toEqual([0, 0, 0]);
    expect(memory.takeTouched().size).toBe(0);
    expect(memory.beginFold()).toEqual({ deltaIds: [], buckets: [], totals: [] });
  });
});

test('property: folded and read back anywhere, in any order, nothing is lost or counted twice', () => {
  const batch = fc.record({
    rows: fc.integer({ min: 1, max: 120 }),
    hoursAgo: fc.integer({ min: 0, max: 40 }),
    restart: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 12 }), (batches) => {
      const schemes = lookup(one);
      let memory = new StatisticsMemory(schemes);
      const stored = new Map<number, Parameters<StatisticsMemory['loadBucket']>>();
      let totals: string | undefined;
      for (const { rows, hoursAgo, restart } of batches) {
        memory.apply(delta(predictions(rows, one, NOW - hoursAgo * HOUR_MS)));
        if (!restart) continue;
        const work = memory.beginFold();
        for (const { key, bytes } of work.buckets) stored.set(key.bucketStart, [key, bytes]);
        totals = work.totals.find(({ versionId }) => versionId === 1)?.json ?? totals;
        memory = new StatisticsMemory(schemes);
        for (const bucket of stored.values()) memory.loadBucket(...bucket);
        if (totals !== undefined) memory.loadTotals(1, StatisticsTotals.fromJson(JSON.parse(totals) as StoredTotals));
      }
      const sum = (most: number) => batches.reduce((all, { rows, hoursAgo }) => all + (hoursAgo <= most ? rows : 0), 0);
      expect(inWindow(memory)).toMatchObject({ rows: sum(24), requests: sum(24) });
      expect(memory.totalsOf(1).traffic.rows).toBe(sum(40));
    }),
    { numRuns: 50 },
  );
});
