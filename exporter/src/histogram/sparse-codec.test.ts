import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addBucketFeatures,
  addBucketOutcomes,
  decodeBucket,
  emptyBucket,
  encodeBucket,
  withoutMinutes,
} from './bucket-codec.ts';
import type { BucketCounts } from './bucket-codec.ts';
import { FeatureCounts } from './counts.ts';
import { PerformanceCounts } from './performance-counts.ts';
import { Traffic } from './traffic.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });
const cells = fc.array(fc.tuple(fc.nat(4), fc.nat(255), fc.integer({ min: 1, max: 2 ** 31 })), { maxLength: 60 });

const bucket: fc.Arbitrary<BucketCounts> = fc
  .record({
    cells,
    tails: fc.array(fc.tuple(fc.nat(4), fc.nat(255), finite), { maxLength: 5 }),
    minutes: fc.array(
      fc.tuple(
        fc.nat(59),
        fc.array(fc.tuple(fc.nat(255), fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1000, noNaN: true }))), {
          minLength: 1,
          maxLength: 5,
        }),
      ),
      { maxLength: 4 },
    ),
    labels: fc.array(fc.tuple(fc.nat(1), fc.nat(1), finite), { maxLength: 10 }),
  })
  .map(({ cells, tails, minutes, labels }) => {
    const made = emptyBucket(5);
    for (const [column, code, count] of cells) made.features.counts[column * 256 + code] = count;
    for (const [column, code, value] of tails) made.features.addTail(column, code, value);
    for (const [, code, count] of cells) made.features.positives[code] = count;
    made.features.rows = cells.length;
    made.features.scoreSum = labels.length / 3;
    for (const [minute, rows] of minutes) {
      const traffic = made.minutes.get(minute) ?? new Traffic();
      made.minutes.set(minute, traffic);
      for (const [error, latency] of rows) traffic.addRow(error, latency);
    }
    for (const [predicted, actual, score] of labels) {
      made.performance.labelled++;
      made.performance.confusion.set(
        predicted * 256 + actual,
        (made.performance.confusion.get(predicted * 256 + actual) ?? 0) + 1,
      );
      made.performance.decisions.set(actual, predicted + 1);
      made.performance.scored++;
      made.performance.scoreSum += score;
      made.performance.addDelay(Math.abs(score));
    }
    return made;
  });

/** Everything that a bucket says, in one comparable value. */
function facts(of: BucketCounts) {
  const sorted = <T>(pairs: Iterable<readonly [number, T]>) => [...pairs].sort(([a], [b]) => a - b);
  return {
    rows: of.features.rows,
    counts: [...of.features.counts],
    positives: [...of.features.positives],
    tails: sorted(of.features.tails),
    scoreSum: of.features.scoreSum,
    minutes: sorted(of.minutes).map(([minute, traffic]) => {
      const { errors, latency, ...sums } = traffic;
      return [minute, { ...sums, errors: sorted(errors), latency: sorted(latency) }];
    }),
    performance: {
      ...(of.performance as object),
      confusion: sorted(of.performance.confusion),
      scores: sorted(of.performance.scores),
      delays: sorted(of.performance.delays),
      decisions: sorted(of.performance.decisions),
    },
  };
}

describe('bucket codec', () => {
  test('what is decoded is what was encoded', () => {
    fc.assert(fc.property(bucket, (of) => expect(facts(decodeBucket(encodeBucket(of)))).toEqual(facts(of))));
  });

  test('reading the features of several buckets adds them up, in any order', () => {
    fc.assert(
      fc.property(bucket, bucket, (a, b) => {
        const forth = new FeatureCounts(0);
        const back = new FeatureCounts(0);
        for (const one of [a, b]) addBucketFeatures(encodeBucket(one), forth);
        for (const one of [b, a]) addBucketFeatures(encodeBucket(one), back);
        const whole = new FeatureCounts(5);
        whole.add(a.features);
        whole.add(b.features);
        expect([...forth.counts]).toEqual([...whole.counts]);
        expect([...back.counts]).toEqual([...whole.counts]);
        expect(forth.rows).toBe(a.features.rows + b.features.rows);
      }),
    );
  });

  test('outcomes of a span are those of its minutes', () => {
    fc.assert(
      fc.property(bucket, fc.nat(60), fc.nat(60), (of, from, length) => {
        const traffic = new Traffic();
        const performance = new PerformanceCounts();
        addBucketOutcomes(
          encodeBucket(of),
          1_000,
          { from: 1_000 + from, to: 1_000 + from + length },
          traffic,
          performance,
        );
        let rows = 0;
        for (const [minute, { rows: some }] of of.minutes) if (minute >= from && minute < from + length) rows += some;
        expect(traffic.rows).toBe(rows);
        expect(performance.labelled).toBe(of.performance.labelled);
      }),
    );
  });

  test('truncated bytes are refused, never counted as zeros', () => {
    fc.assert(
      fc.property(bucket, fc.double({ min: 0, max: 0.999, noNaN: true }), (of, share) => {
        const bytes = encodeBucket(of);
        expect(() => decodeBucket(bytes.subarray(0, Math.floor(bytes.length * share)))).toThrow();
      }),
    );
  });

  test('without its minutes a bucket counts the same', () => {
    fc.assert(
      fc.property(bucket, (of) => {
        const bytes = withoutMinutes(encodeBucket(of));
        const without = decodeBucket(bytes);
        expect({ ...facts(without), minutes: [] }).toEqual({ ...facts(of), minutes: [] });
        const rows = (minutes: ReadonlyMap<number, Traffic>) => [...minutes.values()].map((traffic) => traffic.rows);
        const all = rows(of.minutes).reduce((sum, n) => sum + n, 0);
        expect(rows(without.minutes)).toEqual(all === 0 ? [] : [all]);
      }),
    );
  });

  test('what release 0.1 stored (format 3) is read as it was meant', () => {
    const stored =
      '0301090201030101000000000000e03fef39fafe422ee6bf8ec582ffbdbfde3f000000000000e03f01e0030101018102010000000000000000000000' +
      '00000007030000000000020301c50106000104020102c80000000000002940000000000000f83f000000000000000000';
    const meant = emptyBucket(3);
    meant.features.rows = 7;
    meant.features.column(2)[3] = 1;
    meant.features.column(2)[200] = 6;
    meant.features.positives[4] = 2;
    meant.features.addTail(2, 200, 12.5);
    meant.features.scoreSum = 1.5;
    const traffic = new Traffic();
    traffic.addRow(0, 0.5);
    traffic.addRow(3, NaN);
    meant.minutes.set(9, traffic);
    meant.performance.labelled = 1;
    meant.performance.confusion.set(257, 1);
    expect(facts(decodeBucket(Buffer.from(stored, 'hex')))).toEqual(facts(meant));
  });

  test('bytes after the end, and another format, are refused', () => {
    const bytes = encodeBucket(emptyBucket(3));
    expect(() => decodeBucket(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(/after its end/);
    expect(() => decodeBucket(Buffer.concat([Buffer.from([9]), bytes.subarray(1)]))).toThrow(/format 9/);
  });
});

describe('performance counts', () => {
  test('taking out what was added leaves what was there, moments included', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });
    const ofValues = (xs: readonly number[]) => {
      const counts = new PerformanceCounts();
      for (const x of xs) {
        const one = new PerformanceCounts();
        one.labelled = 1;
        one.numeric = 1;
        one.labelMean = x;
        counts.merge(one, 1);
      }
      return counts;
    };
    fc.assert(
      fc.property(values, values, (kept, removed) => {
        const counts = ofValues([...kept, ...removed]);
        counts.merge(ofValues(removed), -1);
        const want = ofValues(kept);
        const scale = 1 + Math.max(...[...kept, ...removed].map(Math.abs));
        expect(counts.numeric).toBe(want.numeric);
        expect(Math.abs(counts.labelMean - want.labelMean)).toBeLessThan(1e-9 * scale * kept.length * 10);
        expect(Math.abs(counts.labelM2 - want.labelM2)).toBeLessThan(
          1e-8 * scale * scale * (kept.length + removed.length),
        );
      }),
    );
  });
});
