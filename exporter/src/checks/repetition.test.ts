import { describe, expect, test } from '@jest/globals';
import {
  addValues,
  AGE,
  ageBins,
  emptyCounts,
  HOUR,
  SPREAD,
  testContext,
  usualCounts,
} from '../../test/support/model-counts.ts';
import { kolmogorovSf } from '../statistics/kolmogorov-smirnov.ts';
import { chi2Sf } from '../statistics/chi-square.ts';
import { dataDrift } from './data-drift.ts';
import type { ColumnDrift } from './feature-drift.ts';
import { predictionDrift } from './prediction-drift.ts';
import { designEffectOf, repetitionOf, tooRepetitive } from './repetition.ts';

const DAY = 24 * HOUR;

describe('designEffectOf', () => {
  const known = [HOUR, DAY].map((windowMs) => ({ windowMs, byColumn: [windowMs / HOUR, NaN] }));

  test.each<readonly [string, typeof known | undefined, number, number]>([
    ['nothing known', undefined, DAY, NaN],
    ['none of any length', [], DAY, NaN],
    ['that of the length', known, DAY, 24],
    ['the shortest that is as long', known, 2 * HOUR, 24],
    ['shorter than all', known, HOUR / 2, 1],
    ['longer than all: the longest', known, 7 * DAY, 24],
  ])('%s', (_name, of, windowMs, expected) => {
    expect(designEffectOf(of, 0, windowMs)).toBe(expected);
  });

  test('a column that joined later, or had no values: not known', () => {
    expect(designEffectOf(known, 1, DAY)).toBeNaN();
    expect(designEffectOf(known, 9, DAY)).toBeNaN();
  });
});

describe('repetitionOf', () => {
  const drift = (of: Partial<ColumnDrift>) =>
    ({ samples: 1_000, baselineSamples: 7_000, designEffect: 21, cells: 10, cramersV: NaN, ...of }) as ColumnDrift;

  test('the floors are what so few independent values exceed once in ten thousand, over all comparisons', () => {
    const { effectiveSamples, ksNoiseFloor, klNoiseFloor } = repetitionOf(drift({}), 5);
    expect(effectiveSamples).toBeCloseTo(1_000 / 21, 9);
    const size = 875 / 21;
    expect(kolmogorovSf(ksNoiseFloor * Math.sqrt(size)) * 5).toBeCloseTo(1e-4, 8);
    expect(chi2Sf(2 * size * klNoiseFloor, 9) * 5).toBeCloseTo(1e-4, 8);
    const { ksNoiseFloor: ofShares } = repetitionOf(drift({ cramersV: 0.1 }), 5);
    expect(chi2Sf(4 * size * ofShares ** 2, 9) * 5).toBeCloseTo(1e-4, 8);
  });

  test.each([
    ['independent', { designEffect: 1 }, 1_000],
    ['not known', { designEffect: NaN }, NaN],
    ['one cell', { cells: 1 }, 1_000 / 21],
  ])('%s: no floor', (_name, of, effectiveSamples) => {
    expect(repetitionOf(drift(of), 5)).toMatchObject({ effectiveSamples, ksNoiseFloor: 0, klNoiseFloor: 0 });
  });

  test('fewer than 20 independent values are too few, and the reason says so', () => {
    expect(tooRepetitive({ samples: 1_000, designEffect: 50 })).toBeNull();
    expect(tooRepetitive({ samples: 10, designEffect: NaN })).toBeNull();
    expect(tooRepetitive({ samples: 10, designEffect: 1 })).toBeNull();
    expect(tooRepetitive({ samples: 1_000, designEffect: 51 })).toMatch(/^1000 predictions .* 19 independent/);
  });
});

describe('in the checks', () => {
  const repeating = (effect: number) => ({
    designEffects: [{ windowMs: DAY, byColumn: [effect, effect, effect, effect, effect] }],
  });
  const context = (effect: number) => testContext(repeating(effect));
  /** Ages, and scores, without the lowest tenths. */
  const without = (tenths: number) => {
    const window = usualCounts();
    const kept = SPREAD.filter((x) => x >= 10 * tenths);
    const features = emptyCounts(kept.length).features;
    addValues(features, AGE, ageBins, kept);
    addValues(
      features,
      0,
      testContext().scheme.score,
      kept.map((x) => x / 100),
    );
    return { ...window, features };
  };
  const ageOf = (tenths: number, effect: number) =>
    dataDrift.evaluate(context(effect), without(tenths), DAY).features.find(({ feature }) => feature === 'age')!;

  test('rows that repeat: another p, a floor, and a verdict that waits for more', () => {
    const [independent, repeated] = [ageOf(2, 1), ageOf(2, 20)];
    expect(independent.verdict).not.toBe('none');
    expect(repeated.ksStatistic).toBe(independent.ksStatistic);
    expect(repeated.pValue).toBeGreaterThan(independent.pValue);
    expect(repeated).toMatchObject({ verdict: 'none', repetition: { designEffect: 20, effectiveSamples: 40 } });
    expect(repeated.repetition.ksNoiseFloor).toBeGreaterThan(repeated.ksStatistic);
  });

  test('a change beyond the floor is found', () => {
    expect(ageOf(8, 5).verdict).toBe('significant');
  });

  test('predictions: likewise', () => {
    const state = (tenths: number, effect: number) =>
      predictionDrift.evaluate(context(effect), without(tenths), DAY).state;
    expect([state(2, 1), state(2, 20), state(8, 5)]).toEqual(['alert', 'ok', 'warning']);
  });

  test('nothing to judge by: insufficient data, with the reason', () => {
    const data = dataDrift.evaluate(context(60), without(2), DAY);
    const prediction = predictionDrift.evaluate(context(60), without(2), DAY);
    for (const { state, reason } of [data, prediction]) {
      expect(state).toBe('insufficient_data');
      expect(reason).toContain('800 predictions repeat themselves');
    }
  });
});
