import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { testTarget } from '../../test/support/model-target.ts';
import { binBatch } from './bin-batch.ts';
import { emptyBucket } from './bucket-codec.ts';
import type { BucketCounts } from './bucket-codec.ts';
import { countRow, tailsByRow } from './count-rows.ts';
import { applyDelta, encodeLabelDelta, encodePredictionDelta } from './delta-codec.ts';
import type { PerformanceGroup } from './delta-codec.ts';
import type { ModelTarget } from './model-target.ts';
import { PerformanceCounts } from './performance-counts.ts';
import type { BinnedBatch, PredictionBatch } from './prediction-batch.ts';
import { bucketStart, MINUTE_MS } from './time-bucket.ts';
import { Traffic } from './traffic.ts';

const targets = [
  testTarget(),
  testTarget({ versionId: 2, version: '2', bucketMinutes: 1 }),
  testTarget({ versionId: 3, version: '3' }, false),
];
const base = Date.UTC(2026, 10, 24);

const row = fc.record({
  target: fc.constantFrom(...targets),
  minutes: fc.double({ min: -3_000, max: 3_000, noNaN: true }),
  age: fc.oneof(fc.constant(NaN), fc.constant(Infinity), fc.double({ min: -50, max: 200, noNaN: true })),
  income: fc.oneof(fc.constant(NaN), fc.double({ min: -1e4, max: 1e5, noNaN: true })),
  region: fc.constantFrom('north', 'south', 'moon', null),
  score: fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1, noNaN: true })),
  latency: fc.oneof(fc.constant(NaN), fc.float({ min: 0, max: 1e4, noNaN: true })),
  predicted: fc.constantFrom('yes', 'no', 'maybe', null),
  error: fc.constantFrom(null, 'timeout', 'new reason'),
  invalid: fc.constantFrom(null, [2], [3, 4]),
});

function batchOf(rows: readonly (typeof row extends fc.Arbitrary<infer R> ? R : never)[]): PredictionBatch {
  return {
    rows: rows.length,
    targets: rows.map(({ target }) => target),
    index: new Int32Array(rows.length),
    timeMs: Float64Array.from(rows, ({ minutes }) => Math.round(base + minutes * MINUTE_MS)),
    ids: Buffer.alloc(rows.length * 16),
    idTexts: rows.map(() => null),
    stamped: new Uint8Array(rows.length),
    predictions: new Float64Array(rows.length).fill(NaN),
    classes: rows.map(({ predicted }) => predicted),
    scores: Float64Array.from(rows, ({ score }) => score),
    classScores: rows.map(() => null),
    latencyMs: Float32Array.from(rows, ({ latency }) => latency),
    errors: rows.map(({ error }) => error),
    segments: rows.map(() => null),
    numbers: Float64Array.from(rows.flatMap(({ age, income }) => [age, income])),
    numberAt: Int32Array.from({ length: rows.length + 1 }, (_, i) => 2 * i),
    texts: rows.map(({ region }) => region),
    textAt: Int32Array.from({ length: rows.length + 1 }, (_, i) => i),
    invalid: rows.map(({ invalid }) => invalid),
  };
}

type Buckets = Map<string, BucketCounts>;
const at = (buckets: Buckets, key: string): BucketCounts => {
  let bucket = buckets.get(key);
  if (bucket === undefined) buckets.set(key, (bucket = emptyBucket(5)));
  return bucket;
};

/** Row by row, without any encoding. */
function counted(batches: readonly BinnedBatch[], keep: (batch: number, row: number) => boolean): Buckets {
  const buckets: Buckets = new Map();
  batches.forEach((binned, b) => {
    const tails = tailsByRow(binned);
    for (let i = 0; i < binned.batch.rows; i++) {
      if (!keep(b, i)) continue;
      const target: ModelTarget = binned.batch.targets[i]!;
      const start = bucketStart(binned.batch.timeMs[i]!, target.bucketMinutes);
      const bucket = at(buckets, `${target.versionId}/${start}`);
      countRow(
        bucket.features,
        bucket.minutes,
        binned,
        i,
        Math.floor(binned.batch.timeMs[i]! / MINUTE_MS) - start,
        tails.get(i),
      );
    }
  });
  return buckets;
}

function applied(payload: Uint8Array): {
  readonly buckets: Buckets;
  readonly rows: number;
  readonly totalRows: number;
} {
  const buckets: Buckets = new Map();
  const traffic = new Traffic();
  let cells = 0;
  const rows = applyDelta(payload, {
    predictions: (key) => ({
      ...at(buckets, `${key.versionId}/${key.bucketStart}`),
      positiveClass: targets[0]!.positiveClass,
      totals: { traffic, cells: { count: (_column, _code, n) => (cells += n) } },
    }),
    performance: () => undefined,
    unmatched: () => undefined,
  });
  expect(cells).toBe(rows * 5);
  return { buckets, rows, totalRows: traffic.rows };
}

function comparable(buckets: Buckets) {
  return [...buckets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { features, minutes }]) => [
      key,
      features.rows,
      [...features.counts],
      [...features.tails].sort(([a], [b]) => a - b).map(([cell, sum]) => [cell, Math.round(sum * 1e6)]),
      [...features.positives],
      Math.round(features.scoreSum * 1e6),
      features.confidenceRows,
      [...minutes]
        .sort(([a], [b]) => a - b)
        .map(([minute, t]) => [
          minute,
          t.rows,
          [...t.errors].sort(([a], [b]) => a - b),
          [...t.latency].sort(([a], [b]) => a - b),
          Math.round(t.latencySum * 1e6),
        ]),
    ]);
}

describe('prediction deltas', () => {
  test('applying a delta counts what counting its rows one by one does, in both layouts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(row, { maxLength: 150 }), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (requests, some) => {
          const batches = requests.map((rows) => binBatch(batchOf(rows)));
          const stored = batches.map(({ batch }) =>
            some ? Uint8Array.from({ length: batch.rows }, (_, i) => (i % 3 === 0 ? 0 : 1)) : null,
          );
          const { buckets, rows, totalRows } = applied(encodePredictionDelta(batches, stored));
          const want = counted(batches, (b, i) => (stored[b]?.[i] ?? 1) === 1);
          expect(comparable(buckets)).toEqual(comparable(want));
          expect(rows).toBe([...want.values()].reduce((sum, { features }) => sum + features.rows, 0));
          expect(totalRows).toBe(rows);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('one delta of all requests counts what one delta each does', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), fc.array(row, { maxLength: 40 }), (a, b) => {
        const binned = [a, b].map((rows) => binBatch(batchOf(rows)));
        const together = applied(encodePredictionDelta(binned, [null, null])).buckets;
        const apart: Buckets = new Map();
        for (const one of binned)
          for (const [key, { features, minutes }] of applied(encodePredictionDelta([one], [null])).buckets) {
            at(apart, key).features.add(features);
            for (const [minute, traffic] of minutes) {
              const into = at(apart, key).minutes.get(minute) ?? new Traffic();
              into.add(traffic);
              at(apart, key).minutes.set(minute, into);
            }
          }
        expect(comparable(apart)).toEqual(comparable(together));
      }),
      { numRuns: 50 },
    );
  });

  test('rows count in their segments beside the whole, and the whole as without them', () => {
    const channels = new Map([
      [
        'channel',
        new Map([
          ['web', 4],
          ['shop', 5],
        ]),
      ],
    ]);
    const segmented = testTarget({ segments: channels });
    const channel = fc.constantFrom('web', 'shop', 'fax', null);
    fc.assert(
      fc.property(fc.array(fc.tuple(row, channel), { minLength: 1, maxLength: 250 }), (rows) => {
        const batch = batchOf(rows.map(([of]) => ({ ...of, target: segmented })));
        batch.segments.splice(0, batch.rows, ...rows.map(([, of]) => (of === null ? null : `{"channel":"${of}"}`)));
        const binned = binBatch(batch);
        const bySegment = new Map<number, number>();
        const whole = new Map<string, BucketCounts>();
        const counted = applyDelta(encodePredictionDelta([binned], [null]), {
          predictions: (key, n) => {
            bySegment.set(key.segmentId, (bySegment.get(key.segmentId) ?? 0) + n);
            const into = key.segmentId === 0 ? at(whole, `1/${key.bucketStart}`) : emptyBucket(5);
            return { ...into, positiveClass: 1, totals: null };
          },
          performance: () => undefined,
          unmatched: () => undefined,
        });
        expect(counted).toBe(rows.length);
        const of = (name: string) => rows.filter(([, value]) => value === name).length;
        expect([0, 4, 5].map((id) => bySegment.get(id) ?? 0)).toEqual([rows.length, of('web'), of('shop')]);
        const plain = encodePredictionDelta([{ ...binned, segmentIds: null }], [null]);
        expect(comparable(whole)).toEqual(comparable(applied(plain).buckets));
        // Rows by their codes are in older formats as they are now.
        if (rows.length < 30) {
          const older = Buffer.concat([Buffer.from([2]), plain.subarray(1)]);
          expect(comparable(applied(older).buckets)).toEqual(comparable(applied(plain).buckets));
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a delta without segments does not pay for them', () => {
    const binned = binBatch(batchOf(fc.sample(row, { numRuns: 20, seed: 9 })));
    expect(encodePredictionDelta([binned], [null])[0]).toBe(4);
    expect(binned.segmentIds).toBeNull();
  });

  test('a delta that is cut short, or of another format, throws', () => {
    const payload = encodePredictionDelta([binBatch(batchOf(fc.sample(row, { numRuns: 120, seed: 4 })))], [null]);
    for (let length = 0; length < payload.length; length += 7)
      expect(() => applied(payload.subarray(0, length))).toThrow();
    expect(() => applied(Buffer.concat([Buffer.from([6]), payload.subarray(1)]))).toThrow(/format 6/);
  });
});

describe('label deltas', () => {
  test('groups, kinds of change and unmatched labels come back', () => {
    const counts = new PerformanceCounts();
    counts.labelled = 3;
    counts.confusion.set(256, 2);
    counts.confusion.set(0, 1);
    const groups: PerformanceGroup[] = (['new', 'removed', 'corrected'] as const).map((change, i) => ({
      versionId: 7,
      schemeId: 9,
      segmentId: i,
      bucketStart: 29_000_000 - 60 * i,
      bucketMinutes: 60,
      change,
      newestLabelMs: base + i,
      counts,
    }));
    const seen: PerformanceGroup[] = [];
    const unmatched: [number, number][] = [];
    applyDelta(encodeLabelDelta({ groups, unmatched: new Map([[4, 2]]) }), {
      predictions: () => null,
      performance: (group) => seen.push(group),
      unmatched: (modelId, count) => unmatched.push([modelId, count]),
    });
    expect(seen).toEqual(groups);
    expect(unmatched).toEqual([[4, 2]]);
  });
});
