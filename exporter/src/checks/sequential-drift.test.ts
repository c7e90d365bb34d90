import { describe, expect, test } from '@jest/globals';
import { addCode, AGE, addValues, baselineOf, emptyCounts, testContext } from '../../test/support/model-counts.ts';
import { Random } from '../../test/support/random.ts';
import { buildNumericBins, unbinned } from '../histogram/bin-scheme.ts';
import type { NumericBins } from '../histogram/bin-scheme.ts';
import { binInto } from '../histogram/binner.ts';
import type { FeatureColumn } from '../histogram/model-columns.ts';
import { largestValidStream } from '../statistics/sequential.ts';
import { dataDrift } from './data-drift.ts';
import { sequentialDrift } from './sequential-drift.ts';

const FEATURES = 5;
const BASELINE = 2_000;
const STREAM = largestValidStream(BASELINE);
const DAY = 86_400_000;

const columns: FeatureColumn[] = Array.from({ length: FEATURES }, (_, i) => ({
  name: `f${i}`,
  kind: 'numeric',
  position: i,
  column: AGE + i,
}));

/** A baseline of its own for each stream: what one sample of it does not know is part of the error. */
function setUp(random: Random) {
  const samples = columns.map(() => Float64Array.from({ length: BASELINE }, () => random.normal()));
  const features = samples.map((values) => buildNumericBins(values));
  const counts = emptyCounts(BASELINE, AGE + FEATURES);
  columns.forEach(({ column }, i) => {
    for (const value of samples[i]!) addCode(counts.features, column, binInto(features[i]!.prepared, value), 1);
  });
  const scheme = { id: 1, score: unbinned(), features, outlierFences: features.map(() => null) };
  return testContext({ columns, scheme, baseline: baselineOf(counts) });
}

/** After how many predictions a stream that is looked at after every tenth reaches the limit; Infinity: never. */
function walk(seed: number, shift: number, limit: number, visits = 1, designEffect = 1): { readonly alarmAt: number } {
  const random = new Random(seed);
  const byColumn = new Array<number>(AGE + FEATURES).fill(designEffect);
  const context = { ...setUp(random), designEffects: [{ windowMs: DAY, byColumn }] };
  const stream = { sinceMs: 0, features: emptyCounts(0, AGE + FEATURES).features };
  let of: readonly number[] = [];
  for (let n = 1; n <= STREAM; n++) {
    stream.features.rows = n;
    if (n % visits === 0 || n === 1) of = columns.map((_, i) => random.normal() + (i === 0 ? shift : 0));
    columns.forEach(({ column }, i) =>
      addCode(stream.features, column, binInto((context.scheme.features[i] as NumericBins).prepared, of[i]!), 1),
    );
    if (n % 10 === 0 && sequentialDrift({ ...context, stream }, DAY)!.logEValue >= limit) return { alarmAt: n };
  }
  return { alarmAt: Infinity };
}

describe('a stream of a tenth of its baseline, five features, looked at after every tenth prediction', () => {
  test('without drift at most alpha of the streams ever alarm', () => {
    const alpha = 0.05;
    const streams = 200;
    const alarms = Array.from({ length: streams }, (_, i) => walk(i, 0, Math.log(1 / alpha))).filter(
      ({ alarmAt }) => alarmAt < Infinity,
    ).length;
    expect(alarms / streams).toBeLessThanOrEqual(alpha);
  });

  test('users who say the same five times alarm, and do not where the baseline told how often they come', () => {
    const share = (designEffect: number) =>
      Array.from({ length: 50 }, (_, i) => walk(i, 0, Math.log(1_000), 5, designEffect)).filter(
        ({ alarmAt }) => alarmAt < Infinity,
      ).length / 50;
    expect(share(1)).toBeGreaterThan(0.5);
    expect(share(5)).toBe(0);
  });

  test('a shift of one standard deviation in one of the features is found, at the alpha in use', () => {
    const late = Array.from({ length: 20 }, (_, seed) => ({ seed, ...walk(1_000 + seed, 1, Math.log(1_000)) })).filter(
      ({ alarmAt }) => alarmAt > STREAM,
    );
    expect(late).toEqual([]);
  });
});

describe('in the report of data drift', () => {
  const random = new Random(3);
  const context = setUp(random);
  const stream = (shift: number) => {
    const { features } = emptyCounts(STREAM, AGE + FEATURES);
    columns.forEach(({ column }, i) =>
      addValues(
        features,
        column,
        context.scheme.features[i] as never,
        Array.from({ length: STREAM }, () => random.normal() + (i === 2 ? shift : 0)),
      ),
    );
    return { sinceMs: 7, features };
  };

  test('not asked for: null', () => {
    expect(dataDrift.evaluate(context, context.baseline!, DAY).sequential).toBeNull();
  });

  test('no drift: below the alarm, and the state is what the window says', () => {
    const found = dataDrift.evaluate({ ...context, stream: stream(0) }, context.baseline!, DAY);
    expect(found.sequential).toMatchObject({ sinceMs: 7, samples: STREAM, alarm: false });
    expect(found).toMatchObject({ state: 'ok', reason: null });
  });

  test('drift that the window does not show yet: a warning, with the feature that moved', () => {
    const found = dataDrift.evaluate({ ...context, stream: stream(1) }, context.baseline!, DAY);
    expect(found.sequential).toMatchObject({ alarm: true, feature: 'f2' });
    expect(found.sequential!.logEValue).toBeGreaterThan(found.sequential!.logEValueAlarm);
    expect(found).toMatchObject({ state: 'warning', score: 100 });
    expect(found.reason).toContain('f2');
  });

  test('no rows yet: no evidence', () => {
    const none = { sinceMs: 0, features: emptyCounts(0, 2).features };
    expect(dataDrift.evaluate({ ...context, stream: none }, context.baseline!, DAY).sequential).toMatchObject({
      samples: 0,
      logEValue: 0,
      alarm: false,
    });
  });
});
