import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { testTarget } from '../../test/support/model-target.ts';
import { addPerformance, decodeBucket, emptyBucket, encodeBucket } from './bucket-codec.ts';
import type { BucketCounts } from './bucket-codec.ts';
import { countLabel } from './count-label.ts';
import { minuteOf } from './count-rows.ts';
import { FIRST_FEATURE_COLUMN } from './model-columns.ts';
import { PerformanceCounts } from './performance-counts.ts';
import { takeOut } from './take-out.ts';
import { Traffic } from './traffic.ts';

/**
 * Every state that is merged (bin counts with the sums of their tails, latency and errors, performance of each task with its moments):
 * in whichever order and grouping parts are added, they make the whole; what is taken out leaves the rest; bytes keep all of it.
 */
const targets = [
  testTarget({ task: 'binary' }),
  testTarget({ task: 'multiclass' }),
  testTarget({ task: 'regression' }),
] as const;

const row = fc.record({
  column: fc.nat(2),
  code: fc.nat(255),
  tail: fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { nil: null }),
  score: fc.double({ min: 0, max: 1, noNaN: true }),
  minute: fc.nat(59),
  error: fc.nat(3),
  latency: fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1_000, noNaN: true })),
  target: fc.constantFrom(...targets),
  predicted: fc.constantFrom('no', 'yes', 'maybe', null),
  label: fc.option(fc.constantFrom('no', 'yes', 'maybe'), { nil: null }),
  value: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
});
type Row = ReturnType<typeof row.generate>['value'];
const rows = fc.array(row, { maxLength: 25 });

function countInto(bucket: BucketCounts, { score, value, ...of }: Row): void {
  const { features } = bucket;
  features.rows++;
  features.column(of.column)[of.code]! += 1;
  if (of.tail !== null) features.addTail(of.column, of.code, of.tail);
  features.scoreSum += score;
  features.confidenceRows++;
  features.confidenceSum += score;
  features.countPositive(of.code, of.error === 0 ? 1 : 0, 1);
  minuteOf(bucket.minutes, of.minute).addRow(of.error, of.latency);
  if (of.label === null) return;
  const predicted = { prediction: value, className: of.predicted, score, scores: [1 - score, score] };
  countLabel(bucket.performance, of.target, predicted, { className: of.label, value: value / 2 }, Math.abs(value));
}

function stateOf(of: readonly Row[]): BucketCounts {
  const bucket = emptyBucket(FIRST_FEATURE_COLUMN + 3);
  for (const one of of) countInto(bucket, one);
  return bucket;
}

function sum(...parts: readonly BucketCounts[]): BucketCounts {
  const whole = emptyBucket(0);
  for (const part of parts) {
    whole.features.add(part.features);
    for (const [minute, traffic] of part.minutes) minuteOf(whole.minutes, minute).add(traffic);
    addPerformance(part, whole.performance);
  }
  return whole;
}

/** Name of a count or sum to its value; what is 0 or empty is left out. */
function facts({ features, minutes, performance }: BucketCounts): Map<string, number> {
  const found = new Map<string, number>();
  const put = (name: string, value: number) => value !== 0 && found.set(name, value);
  features.counts.forEach((count, cell) => put(`cell ${cell}`, count));
  features.positives.forEach((count, code) => put(`positive ${code}`, count));
  for (const [cell, of] of features.tails) put(`tail ${cell}`, of);
  for (const [minute, traffic] of minutes) putAll(put, `minute ${minute}`, traffic);
  const { rows, scoreSum, confidenceRows, confidenceSum } = features;
  putAll(put, 'features', { rows, scoreSum, confidenceRows, confidenceSum });
  putAll(put, 'performance', performance);
  return found;
}

function putAll(put: (name: string, value: number) => void, prefix: string, of: object): void {
  for (const [key, value] of Object.entries(of) as [string, unknown][]) {
    if (typeof value === 'number') put(`${prefix} ${key}`, value);
    else if (value instanceof Map)
      for (const [inner, count] of value as Map<number, number>) put(`${prefix} ${key} ${inner}`, count);
  }
}

const SUMMED = /tail|sum|mean|m2|max/i;

/** Counts exactly, sums of doubles to rounding: `scale` is of the largest that went into them. */
function expectSame(got: BucketCounts, want: BucketCounts, scale: number): void {
  const [a, b] = [facts(got), facts(want)];
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(name) ?? 0, b.get(name) ?? 0];
    const tolerance = SUMMED.test(name) ? 1e-9 * Math.max(1, /square|m2/i.test(name) ? scale * scale : scale) : 0;
    if (!(Math.abs(x - y) <= tolerance)) throw new Error(`${name}: ${x} is not ${y} (tolerance ${tolerance})`);
  }
}

const scaleOf = (...parts: readonly (readonly Row[])[]) =>
  parts.flat().reduce((sum, { value, tail }) => sum + Math.abs(value) + Math.abs(tail ?? 0), 1_000);

describe('property: states of counts', () => {
  test('add up to the whole, in any order and grouping', () => {
    fc.assert(
      fc.property(rows, rows, rows, (a, b, c) => {
        const [x, y, z] = [stateOf(a), stateOf(b), stateOf(c)];
        const whole = stateOf([...a, ...b, ...c]);
        const scale = scaleOf(a, b, c);
        expectSame(sum(x, y, z), whole, scale);
        expectSame(sum(z, y, x), whole, scale);
        expectSame(sum(sum(x, y), z), whole, scale);
        expectSame(sum(x, sum(y, z)), whole, scale);
        expectSame(sum(x, emptyBucket(0)), x, scale);
      }),
    );
  });

  test('keep the rest when a part is taken out', () => {
    fc.assert(
      fc.property(rows, rows, (kept, erased) => {
        const state = sum(stateOf(kept), stateOf(erased));
        const part = stateOf(erased);
        takeOut(state, part);
        (state.removed ??= new PerformanceCounts()).merge(part.performance, 1);
        const rest = sum(state);
        const want = stateOf(kept);
        // Nothing stored says which latency was the second largest.
        for (const { minutes } of [rest, want]) for (const traffic of minutes.values()) traffic.maxSeconds = 0;
        expectSame(rest, want, scaleOf(kept, erased));
      }),
    );
  });

  test('come back from their bytes, with what was taken out', () => {
    fc.assert(
      fc.property(rows, rows, (put, removed) => {
        const state = stateOf(put);
        if (removed.some(({ label }) => label !== null)) state.removed = stateOf(removed).performance;
        const read = decodeBucket(encodeBucket(state));
        expect(facts(read)).toEqual(facts(state));
        const [before, after] = [state, read].map((of) =>
          facts({ ...emptyBucket(0), performance: of.removed ?? new PerformanceCounts() }),
        );
        expect(after).toEqual(before);
      }),
    );
  });

  test('a label may be taken out before it is put in, and stored meanwhile', () => {
    fc.assert(
      fc.property(rows, rows, (kept, corrected) => {
        let state = emptyBucket(0);
        if (corrected.some(({ label }) => label !== null)) state.removed = stateOf(corrected).performance;
        state = decodeBucket(encodeBucket(state));
        state.performance.merge(stateOf([...kept, ...corrected]).performance, 1);
        state = decodeBucket(encodeBucket(state));
        const want = { ...emptyBucket(0), performance: stateOf(kept).performance };
        expectSame(sum(state), want, scaleOf(kept, corrected));
      }),
    );
  });

  test('traffic of no rows is the neutral element', () => {
    const traffic = new Traffic();
    traffic.addRow(1, 0.5);
    traffic.add(new Traffic());
    expect(traffic).toMatchObject({ rows: 1, latencyRows: 1, latencySum: 0.5 });
  });
});
