import { describe, expect, test } from '@jest/globals';
import { testTarget } from '../../test/support/model-target.ts';
import type { BaselineDescription } from '../domain/baseline.ts';
import { CODES } from '../histogram/bin-scheme.ts';
import { emptyBucket } from '../histogram/bucket-codec.ts';
import { ABSENT, FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { FeatureColumn, FeatureKind } from '../histogram/model-columns.ts';
import { inheritBaseline } from './inherit-baseline.ts';

const source = testTarget({
  classCodes: new Map([
    ['no', 0],
    ['yes', 1],
  ]),
  positiveClass: 1,
});
const description = {
  id: 7,
  version: '1',
  kind: 'captured',
  madeAtMs: 5,
  rows: 30,
  features: ['age', 'region', 'income'].map((feature) => ({ feature })),
} as unknown as BaselineDescription;

/** Each column holds its own number in code 0; age has a tail. */
function counts() {
  const bucket = emptyBucket(5);
  for (let column = 0; column < 5; column++) bucket.features.column(column)[0] = column + 1;
  bucket.features.rows = 30;
  bucket.features.addTail(2, 9, 1.5);
  bucket.features.addTail(4, 3, 2.5);
  bucket.features.positives[4] = 11;
  bucket.performance.labelled = 12;
  return bucket;
}

function heirOf(names: readonly (readonly [string, FeatureKind])[]) {
  const features = names.map(([name, kind], i): FeatureColumn => ({
    name,
    kind,
    position: i,
    column: FIRST_FEATURE_COLUMN + i,
  }));
  return testTarget({
    versionId: 2,
    version: '2',
    features,
    featureByName: new Map(features.map((of) => [of.name, of])),
  });
}

describe('inheritBaseline', () => {
  test('features go by name, whatever the order in which each version registered them', () => {
    const heir = heirOf([
      ['income', 'numeric'],
      ['age', 'numeric'],
      ['region', 'categorical'],
    ]);
    const made = inheritBaseline(
      {
        target: source,
        description,
        captured: { fromMs: 1, toMs: 2 },
        counts: counts(),
        designEffects: [{ windowMs: 9, byColumn: [1, 2, 3, NaN, 5] }],
      },
      heir,
    );
    expect([0, 1, 2, 3, 4].map((column) => made.counts.features.column(column)[0])).toEqual([1, 2, 5, 3, 4]);
    expect([...made.counts.features.tails]).toEqual(
      expect.arrayContaining([
        [3 * CODES + 9, 1.5],
        [2 * CODES + 3, 2.5],
      ]),
    );
    expect(made.scheme.features).toEqual([2, 0, 1].map((i) => source.scheme.features[i]));
    expect(made.scheme.score).toBe(source.scheme.score);
    expect(made).toMatchObject({
      kind: 'captured',
      inheritedFrom: 7,
      madeAtMs: 5,
      rows: 30,
      captured: { fromMs: 1, toMs: 2 },
    });
    expect(made.designEffects).toEqual([{ windowMs: 9, byColumn: [1, 2, 5, 3, NaN] }]);
    expect(made.learnt).toMatchObject({ task: 'binary', positiveClass: 'yes' });
    expect([made.counts.features.rows, made.counts.performance.labelled, made.counts.features.positives[4]]).toEqual([
      30, 12, 11,
    ]);
  });

  test('what the source does not have, or has as another kind, is absent: neither a value nor missing', () => {
    const heir = heirOf([
      ['height', 'numeric'],
      ['region', 'numeric'],
      ['age', 'numeric'],
    ]);
    const made = inheritBaseline(
      { target: source, description, captured: null, counts: counts(), designEffects: [] },
      heir,
    );
    for (const column of [2, 3]) {
      expect(made.counts.features.column(column)[ABSENT]).toBe(30);
      expect([...made.counts.features.column(column)].reduce((sum, count) => sum + count, 0)).toBe(30);
    }
    expect(made.scheme.features.map(({ kind }) => kind)).toEqual(['numeric', 'numeric', 'numeric']);
    expect(made.scheme.outlierFences).toEqual([null, null, null]);
    expect(made.summaries.map(({ feature }) => feature)).toEqual(['region', 'age'].slice(1));
  });
});
