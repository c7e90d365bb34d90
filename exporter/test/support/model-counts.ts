import type { ModelBaseline, ModelContext, ModelCounts } from '../../src/checks/check.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { ModelSettings } from '../../src/domain/settings.ts';
import type { NumericBins } from '../../src/histogram/bin-scheme.ts';
import { FeatureCounts } from '../../src/histogram/counts.ts';
import { FIRST_FEATURE_COLUMN } from '../../src/histogram/model-columns.ts';
import { PerformanceCounts } from '../../src/histogram/performance-counts.ts';
import { Traffic } from '../../src/histogram/traffic.ts';
import { testTarget } from './model-target.ts';

/** Counts for checks, made cell by cell, without the code that bins and counts predictions. Features as in testTarget. */
export const AGE = FIRST_FEATURE_COLUMN;
export const REGION = FIRST_FEATURE_COLUMN + 1;
export const INCOME = FIRST_FEATURE_COLUMN + 2;
export const HOUR = 3_600_000;

export const target = testTarget();
export const ageBins = target.scheme.features[0] as NumericBins;
export const incomeBins = target.scheme.features[2] as NumericBins;
export const scoreBins = target.scheme.score;

/** What testTarget's bins were made of: 0, 0.1 ... 99.9; their squares are the incomes, a hundredth of them the scores. */
export const SPREAD: readonly number[] = Array.from({ length: 1_000 }, (_, i) => i / 10);

export function emptyCounts(rows = 0, columns = 5): ModelCounts {
  const features = new FeatureCounts(columns);
  features.rows = rows;
  const traffic = new Traffic();
  traffic.rows = rows;
  return { features, traffic, performance: new PerformanceCounts() };
}

/** Counts `times` rows of one code. */
export function addCode(into: FeatureCounts, column: number, code: number, times: number): void {
  into.column(column)[code]! += times;
}

/** Upper-inclusive bins, looked up one edge after the other. */
export function addValues(into: FeatureCounts, column: number, bins: NumericBins, values: readonly number[]): void {
  for (const value of values) addCode(into, column, bins.edges.filter((edge) => edge < value).length, 1);
}

/** A thousand rows as the bins expect them: uniform ages, half of them north, incomes, uniform scores, half of them of class 1. */
export function usualFeatures(): FeatureCounts {
  const features = new FeatureCounts(5);
  features.rows = 1_000;
  addValues(features, AGE, ageBins, SPREAD);
  addValues(
    features,
    INCOME,
    incomeBins,
    SPREAD.map((x) => x * x),
  );
  addCode(features, REGION, 0, 500);
  addCode(features, REGION, 1, 500);
  addValues(
    features,
    0,
    scoreBins,
    SPREAD.map((x) => x / 100),
  );
  features.scoreSum = 499.5;
  addCode(features, 1, 0, 500);
  addCode(features, 1, 1, 500);
  return features;
}

export function usualCounts(): ModelCounts {
  return { ...emptyCounts(1_000), features: usualFeatures() };
}

export function baselineOf(counts: ModelCounts): ModelBaseline {
  return { kind: 'reference', madeAtMs: 0, ...counts };
}

export function testContext(
  overrides: Partial<ModelContext> = {},
  settings: Partial<ModelSettings> = {},
): ModelContext {
  return {
    task: 'binary',
    classes: ['no', 'yes'],
    positiveClass: 1,
    errorReasons: ['timeout', 'schema'],
    columns: target.features,
    scheme: target.scheme,
    baseline: baselineOf(usualCounts()),
    settings: { ...DEFAULT_SETTINGS.defaults, ...settings },
    ...overrides,
  };
}
