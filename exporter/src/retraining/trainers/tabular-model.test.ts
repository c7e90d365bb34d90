import { describe, expect, test } from '@jest/globals';
import { predictTabular, tabularLoss, trainTabular } from './tabular-model.ts';
import type { LabelledFeatures, TabularOptions } from './tabular-model.ts';

const FEATURES = [
  { name: 'age', kind: 'numeric' },
  { name: 'region', kind: 'categorical' },
] as const;
const OPTIONS: TabularOptions = {
  task: 'binary',
  positiveClass: 'yes',
  classes: ['no', 'yes'],
  features: FEATURES,
  seed: 1,
  cvFolds: 3,
  tuningBudget: 3,
};

function rows(n: number, label: (age: number, region: string) => string | number): LabelledFeatures[] {
  return Array.from({ length: n }, (_, i) => {
    const age = (i * 37) % 90;
    const region = ['north', 'south', 'east'][i % 3]!;
    return { features: { age: i % 17 === 0 ? null : age, region }, label: label(age, region) };
  });
}

const binary = rows(1_500, (age, region) => (age > 40 && region !== 'east' ? 'yes' : 'no'));

describe('trainTabular', () => {
  test('learns from numbers and categories, and answers missing and unknown values', () => {
    const { model } = trainTabular(binary, OPTIONS);
    expect(model.classes).toEqual(['no', 'yes']);
    expect(tabularLoss(model, binary)).toBeLessThan(0.2);
    const [yes, no, unknown, empty] = predictTabular(model, [
      { age: 60, region: 'north' },
      { age: 60, region: 'east' },
      { age: 60, region: 'west' },
      {},
    ]);
    expect(yes).toMatchObject({ prediction: 'yes' });
    expect(no).toMatchObject({ prediction: 'no' });
    for (const one of [unknown!, empty!]) expect(one.score).toBeGreaterThanOrEqual(0);
  });

  test('the same rows and seed give the same model, also by way of JSON', () => {
    const first = trainTabular(binary, OPTIONS);
    expect(JSON.stringify(trainTabular(binary, OPTIONS))).toBe(JSON.stringify(first));
    const stored = JSON.parse(JSON.stringify(first.model)) as typeof first.model;
    const asked = binary.slice(0, 50).map(({ features }) => features);
    expect(predictTabular(stored, asked)).toEqual(predictTabular(first.model, asked));
  });

  test('a category that is named like a member of every object is an ordinary one', () => {
    const named = binary.map((row, i) => ({
      ...row,
      features: { ...row.features, region: i % 2 === 0 ? '__proto__' : 'constructor' },
    }));
    const { model } = trainTabular(named, { ...OPTIONS, tuningBudget: 1 });
    expect(predictTabular(model, [{ age: 1, region: 'toString' }])[0]!.score).not.toBeNaN();
  });

  test('several classes', () => {
    const data = rows(1_500, (age) => (age < 30 ? 'young' : age < 60 ? 'middle' : 'old'));
    const { model } = trainTabular(data, {
      ...OPTIONS,
      task: 'multiclass',
      positiveClass: null,
      classes: ['middle', 'old', 'young'],
      tuningBudget: 1,
    });
    expect(predictTabular(model, [{ age: 10 }, { age: 45 }, { age: 80 }]).map(({ prediction }) => prediction)).toEqual([
      'young',
      'middle',
      'old',
    ]);
  });

  test('a regression', () => {
    const data = rows(1_500, (age, region) => age + (region === 'south' ? 100 : 0));
    const { model } = trainTabular(data, {
      ...OPTIONS,
      task: 'regression',
      positiveClass: null,
      classes: [],
      tuningBudget: 1,
    });
    expect(predictTabular(model, [{ age: 50, region: 'south' }])[0]!.prediction).toBeGreaterThan(100);
    expect(tabularLoss(model, data)).toBeLessThan(12);
  });

  test('no rows are a mistake', () => {
    expect(() => trainTabular([], OPTIONS)).toThrow(RangeError);
  });
});
