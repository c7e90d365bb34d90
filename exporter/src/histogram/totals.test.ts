import { describe, expect, test } from '@jest/globals';

import { testTarget } from '../../test/support/model-target.ts';
import { buildNumericBins, MISSING, nextDown, NOT_FINITE, TYPE_ERROR } from './bin-scheme.ts';
import { anyCategory, OTHER } from './categories.ts';
import { ABSENT, CLASS_COLUMN, SCORE_COLUMN } from './model-columns.ts';
import { PerformanceCounts } from './performance-counts.ts';
import { CellMarks, cellSink, StatisticsTotals } from './totals.ts';
import type { StoredTotals } from './totals.ts';

const target = testTarget();
const [AGE, REGION, INCOME] = [2, 3, 4];
/** Ages 0 ... 99.9, valid from 10 to 80; outliers at or below -50 and above 150. */
const fences = [nextDown(-50), 150] as const;
const age = buildNumericBins(
  Float64Array.from({ length: 1_000 }, (_, i) => i / 10),
  { mustHaveEdges: [nextDown(10), 80, ...fences] },
);
const scheme = {
  ...target.scheme,
  features: [age, ...target.scheme.features.slice(1)],
  outlierFences: [fences, null, null],
};
const marks = new CellMarks(scheme, target.features, new Map([['age', { min: 10, max: 80 }]]));
const codeOf = (value: number) => age.edges.filter((edge) => edge < value).length;
const NOTHING = { values: 0, missing: 0, typeErrors: 0, outOfRange: 0, unseenCategories: 0, outliers: 0 };

describe('a cell of a feature counts as a value, and as the issue it has', () => {
  test.each([
    ['a usual value', AGE, codeOf(50), {}],
    ['missing', AGE, MISSING, { missing: 7 }],
    ['a wrong type', AGE, TYPE_ERROR, { typeErrors: 7 }],
    ['not finite', AGE, NOT_FINITE, { outOfRange: 7 }],
    ['the least valid value', AGE, codeOf(10), {}],
    ['below it', AGE, codeOf(9.9), { outOfRange: 7 }],
    ['the most', AGE, codeOf(80), {}],
    ['above it', AGE, codeOf(80.1), { outOfRange: 7 }],
    ['within the fences', AGE, codeOf(149), { outOfRange: 7 }],
    ['beyond the upper fence', AGE, codeOf(151), { outOfRange: 7, outliers: 7 }],
    ['beyond the lower fence', AGE, codeOf(-51), { outOfRange: 7, outliers: 7 }],
    ['a known category', REGION, 0, {}],
    ['an unseen category', REGION, OTHER, { unseenCategories: 7 }],
    ['a category that is missing', REGION, MISSING, { missing: 7 }],
    ['any number where nothing is declared', INCOME, 0, {}],
  ])('%s', (_name, column, code, issues) => {
    const totals = new StatisticsTotals();
    cellSink(totals, marks).count(column, code, 7);
    expect(totals.ofFeature(column - 2)).toEqual({ ...NOTHING, values: 7, ...issues });
    for (const other of [AGE, REGION, INCOME])
      if (other !== column) expect(totals.ofFeature(other - 2)).toEqual(NOTHING);
  });

  test('a row from before the feature was registered is no row of it', () => {
    const totals = new StatisticsTotals();
    totals.addCell(AGE, ABSENT, 7, marks);
    expect(totals.ofFeature(0)).toEqual(NOTHING);
  });

  test('counts add up', () => {
    const totals = new StatisticsTotals();
    totals.addCell(AGE, MISSING, 3, marks);
    totals.addCell(AGE, codeOf(50), 4, marks);
    totals.addCell(AGE, MISSING, 5, marks);
    expect(totals.ofFeature(0)).toEqual({ ...NOTHING, values: 12, missing: 8 });
  });

  test('before there is a baseline no category is unseen', () => {
    const unfrozen = new CellMarks({ ...scheme, features: [age, anyCategory()] }, target.features, new Map());
    const totals = new StatisticsTotals();
    totals.addCell(REGION, OTHER, 7, unfrozen);
    totals.addCell(INCOME, 0, 2, unfrozen);
    totals.addCell(INCOME, MISSING, 3, unfrozen);
    expect(totals.ofFeature(1)).toEqual({ ...NOTHING, values: 7 });
    expect(totals.ofFeature(2)).toEqual({ ...NOTHING, values: 5, missing: 3 });
  });
});

test('classes are counted by code, missing ones are not; scores are no features', () => {
  const totals = new StatisticsTotals();
  totals.addCell(CLASS_COLUMN, 0, 3, marks);
  totals.addCell(CLASS_COLUMN, OTHER, 2, marks);
  totals.addCell(CLASS_COLUMN, 0, 1, marks);
  totals.addCell(CLASS_COLUMN, MISSING, 9, marks);
  totals.addCell(SCORE_COLUMN, 17, 9, marks);
  expect(totals.classes).toEqual(
    new Map([
      [0, 4],
      [OTHER, 2],
    ]),
  );
  expect(totals.features).toEqual([]);
});

/** A model with some of everything. */
function filled(): StatisticsTotals {
  const totals = new StatisticsTotals();
  totals.traffic.addRow(0, 0.1);
  totals.traffic.addRow(1, 0.2);
  totals.traffic.addRow(255, NaN);
  totals.addCell(CLASS_COLUMN, 1, 2, marks);
  totals.addCell(REGION, OTHER, 2, marks);
  const labels = new PerformanceCounts();
  labels.labelled = 3;
  labels.confusion.set(256, 2).set(0, 1);
  labels.addDelay(60);
  labels.addDelay(3_600);
  totals.addLabels(labels, 5_000);
  totals.addLabels(labels, 4_000);
  totals.sawPrediction(9_000);
  totals.sawPrediction(8_000);
  return totals;
}

test('labels add up, and the newest times are kept', () => {
  const totals = filled();
  expect(totals.labels).toBe(6);
  expect(totals.confusion).toEqual(
    new Map([
      [256, 4],
      [0, 2],
    ]),
  );
  expect([...totals.delays.values()]).toEqual([2, 2]);
  expect(totals.delaySum).toBe(7_320);
  expect([totals.lastPredictionMs, totals.lastLabelMs]).toEqual([9_000, 5_000]);
});

describe('stored and read back', () => {
  const read = (totals: StatisticsTotals) => StatisticsTotals.fromJson(JSON.parse(totals.toJson()) as StoredTotals);

  test('nothing is lost', () => {
    const back = read(filled());
    const { traffic } = back;
    expect(back.toJson()).toBe(filled().toJson());
    expect([traffic.rows, traffic.latencyRows, traffic.errorRows]).toEqual([3, 2, 2]);
    expect(traffic.latencySum).toBeCloseTo(0.3, 12);
    expect([...traffic.errors]).toEqual([
      [1, 1],
      [255, 1],
    ]);
    expect(back.ofFeature(1)).toEqual({ ...NOTHING, values: 2, unseenCategories: 2 });
    expect([back.labels, back.delaySum, back.lastPredictionMs]).toEqual([6, 7_320, 9_000]);
    expect(back.confusion).toEqual(
      new Map([
        [256, 4],
        [0, 2],
      ]),
    );
  });

  test('a time that is not known stays so, and the next one is taken', () => {
    const back = read(new StatisticsTotals());
    expect([back.lastPredictionMs, back.lastLabelMs]).toEqual([NaN, NaN]);
    back.sawPrediction(5);
    expect(back.lastPredictionMs).toBe(5);
    back.sawPrediction(NaN);
    expect(back.lastPredictionMs).toBe(5);
  });

  test('goes on counting', () => {
    const back = read(filled());
    back.addCell(REGION, OTHER, 5, marks);
    expect(back.ofFeature(1).unseenCategories).toBe(7);
  });
});

describe('bins of the features', () => {
  const exposing = (id: number) => new CellMarks({ ...scheme, id }, target.features, new Map(), true);

  test('are counted by coarse cell, values only', () => {
    const totals = new StatisticsTotals();
    const sink = cellSink(totals, exposing(3));
    sink.count(AGE, codeOf(99), 4);
    sink.count(AGE, codeOf(98), 1);
    sink.count(AGE, MISSING, 5);
    sink.count(REGION, 1, 2);
    sink.count(REGION, OTHER, 6);
    expect([...totals.bins]).toEqual([
      [9, 5],
      [(1 << 8) | 1, 2],
      [(1 << 8) | 2, 6],
    ]);
    expect(StatisticsTotals.fromJson(JSON.parse(totals.toJson()) as StoredTotals)).toEqual(totals);
  });

  test('are not counted, nor stored, unless the model exposes them', () => {
    const totals = new StatisticsTotals();
    cellSink(totals, marks).count(AGE, codeOf(50), 4);
    expect(totals.bins.size).toBe(0);
    expect(totals.toJson()).not.toContain('bins');
  });

  test('begin again with a new scheme, and a late delta of the old one does not count', () => {
    const totals = new StatisticsTotals();
    cellSink(totals, exposing(3)).count(REGION, 0, 4);
    cellSink(totals, exposing(5)).count(REGION, 1, 2);
    cellSink(totals, exposing(3)).count(REGION, 0, 1);
    expect([...totals.bins]).toEqual([[(1 << 8) | 1, 2]]);
    expect(totals.binScheme).toBe(5);
  });
});
