import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CODES } from './bin-scheme.ts';
import { FeatureCounts } from './counts.ts';
import { addRestingFeatures, restFeatures } from './resting-features.ts';

const COLUMNS = 3;
/** Of one byte and of several, up to the most that a cell holds. */
const count = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 32 - 1 }));
/** Few occupied codes, and all of the first. */
const cells = fc.oneof(
  fc.array(fc.tuple(fc.nat(COLUMNS - 1), fc.nat(CODES - 1), count), { maxLength: 30 }),
  fc.array(count, { maxLength: CODES }).map((all) => all.map((rows, code) => [1, code, rows] as const)),
);

function countsOf(of: readonly (readonly [number, number, number])[], rows: number): FeatureCounts {
  const features = new FeatureCounts(COLUMNS);
  for (const [column, code, n] of of) {
    features.column(column)[code] = n;
    features.positives[code] = n;
    features.addTail(column, code, n / 7);
  }
  features.rows = rows;
  features.scoreSum = rows / 3;
  features.confidenceRows = rows;
  features.confidenceSum = rows / 9;
  return features;
}

const facts = ({ rows, counts, tails, positives, scoreSum, confidenceRows, confidenceSum }: FeatureCounts) => ({
  ...{ rows, counts: [...counts], tails, positives: [...positives], scoreSum, confidenceRows, confidenceSum },
});

test('property: what rested is added as it was', () => {
  fc.assert(
    fc.property(cells, fc.nat(1_000_000), (of, rows) => {
      const features = countsOf(of, rows);
      const into = new FeatureCounts(0);
      addRestingFeatures(restFeatures(features), into);
      expect(facts(into)).toEqual(facts(features));
    }),
  );
});

test('beside what is there, and to columns that it has no counts of', () => {
  const features = countsOf([[1, 5, 300]], 300);
  const into = new FeatureCounts(COLUMNS + 1);
  addRestingFeatures(restFeatures(features), into);
  addRestingFeatures(restFeatures(features), into);
  expect([into.rows, into.column(1)[5], into.column(COLUMNS)[5], into.positives[5]]).toEqual([600, 600, 0, 600]);
});

test('only to cells that hold any count', () => {
  expect(() => {
    addRestingFeatures(restFeatures(new FeatureCounts(1)), new FeatureCounts(1, 0));
  }).toThrow(/32 bits/);
});

test('a byte a bin, and less where few are occupied', () => {
  const wide = new FeatureCounts(1);
  wide.column(0).fill(200, 0, 250);
  const narrow = new FeatureCounts(1);
  narrow.column(0).set([70_000, 80_000]);
  narrow.column(0)[CODES - 1] = 3;
  const bytes = (of: FeatureCounts) => restFeatures(of).length - restFeatures(new FeatureCounts(1)).length;
  expect([bytes(wide), bytes(narrow)]).toEqual([251, 10]);
});

test('every code of many columns, more of each than three bytes of a varint hold', () => {
  const features = new FeatureCounts(14);
  features.counts.fill(2 ** 22);
  features.positives.fill(2 ** 22);
  const into = new FeatureCounts(0);
  addRestingFeatures(restFeatures(features), into);
  expect(facts(into)).toEqual(facts(features));
});
