import { buildNumericBins } from '../../src/histogram/bin-scheme.ts';
import { buildCategoryBins } from '../../src/histogram/categories.ts';
import { FIRST_FEATURE_COLUMN } from '../../src/histogram/model-columns.ts';
import type { FeatureColumn, FeatureKind } from '../../src/histogram/model-columns.ts';
import type { ModelTarget } from '../../src/histogram/model-target.ts';
import { unbinned } from '../../src/histogram/bin-scheme.ts';

/** A model version for unit tests: two numeric features and one categorical, with or without a baseline. */
export function testTarget(overrides: Partial<ModelTarget> = {}, withBaseline = true): ModelTarget {
  const kinds: readonly (readonly [string, FeatureKind])[] = [
    ['age', 'numeric'],
    ['region', 'categorical'],
    ['income', 'numeric'],
  ];
  let numbers = 0;
  let texts = 0;
  const features: FeatureColumn[] = kinds.map(([name, kind], order) => ({
    name,
    kind,
    position: kind === 'numeric' ? numbers++ : texts++,
    column: FIRST_FEATURE_COLUMN + order,
  }));
  const spread = Float64Array.from({ length: 1_000 }, (_, i) => i / 10);
  return {
    modelId: 1,
    versionId: 1,
    model: 'churn',
    version: '1',
    task: 'binary',
    classCodes: new Map([
      ['no', 0],
      ['yes', 1],
    ]),
    onlyConfigured: new Set(),
    positiveClass: 1,
    errorCodes: new Map([['timeout', 1]]),
    featureSetId: 1,
    features,
    featureByName: new Map(features.map((feature) => [feature.name, feature])),
    numericCount: numbers,
    categoricalCount: texts,
    scheme: {
      id: 1,
      score: withBaseline ? buildNumericBins(spread.map((x) => x / 100)) : unbinned(),
      features: withBaseline
        ? [
            buildNumericBins(spread),
            buildCategoryBins(
              new Map([
                ['north', 5],
                ['south', 3],
              ]),
            ),
            buildNumericBins(spread.map((x) => x * x)),
          ]
        : [],
      outlierFences: withBaseline ? [null, null, null] : [],
    },
    countedFromMs: -Infinity,
    bucketMinutes: 60,
    segments: new Map(),
    rawSample: 1,
    declaredCategorical: new Set(),
    ...overrides,
  };
}
