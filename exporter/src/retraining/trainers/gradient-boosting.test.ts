import { describe, expect, test } from '@jest/globals';
import { predictBoostedTrees, trainBoostedTrees } from './gradient-boosting.ts';

/** Mulberry32: small, seeded, good enough for test data. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function uniform(n: number, columns: number, seed: number): Float64Array[] {
  const next = random(seed);
  return Array.from({ length: columns }, () => Float64Array.from({ length: n }, next));
}

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

describe('boosted trees', () => {
  test('regression finds a surface with an interaction, which no sum over single features has', () => {
    const surface = ([x, y]: readonly Float64Array[]) =>
      Float64Array.from(x!, (value, i) => (value > 0.5 === y![i]! > 0.3 ? 10 : -10));
    const train = uniform(4_000, 3, 1);
    const fresh = uniform(1_000, 3, 2);
    const model = trainBoostedTrees(train, surface(train), { objective: 'regression', rounds: 60 });
    const [predicted] = predictBoostedTrees(model, fresh);
    const truth = surface(fresh);
    const error = mean(predicted!.map((value, i) => (value - truth[i]!) ** 2));
    // The variance of the target is 100 less its squared mean.
    expect(error).toBeLessThan(4);
  });

  test('binary scores are probabilities that come true', () => {
    const next = random(5);
    const probability = ([x]: readonly Float64Array[]) => x!.map((value) => 0.1 + 0.6 * value);
    const train = uniform(20_000, 2, 3);
    const model = trainBoostedTrees(
      train,
      probability(train).map((p) => Number(next() < p)),
      { objective: 'binary', rounds: 30, minimumRowsPerLeaf: 200 },
    );
    const fresh = uniform(5_000, 2, 4);
    const [scores] = predictBoostedTrees(model, fresh);
    const truth = probability(fresh);
    expect(Math.max(...scores!)).toBeLessThan(1);
    expect(Math.min(...scores!)).toBeGreaterThan(0);
    expect(mean(scores!.map((score, i) => Math.abs(score - truth[i]!)))).toBeLessThan(0.05);
    expect(mean(scores!) - mean(truth)).toBeCloseTo(0, 1);
  });

  test('multiclass probabilities sum to one and choose the class', () => {
    const classes = ([x]: readonly Float64Array[]) => x!.map((value) => Math.floor(value * 3));
    const train = uniform(3_000, 2, 6);
    const model = trainBoostedTrees(train, classes(train), { objective: 'multiclass', classes: 3, rounds: 20 });
    const fresh = uniform(500, 2, 7);
    const probabilities = predictBoostedTrees(model, fresh);
    const truth = classes(fresh);
    let right = 0;
    for (let i = 0; i < 500; i++) {
      const row = probabilities.map((column) => column[i]!);
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
      if (row.indexOf(Math.max(...row)) === truth[i]) right++;
    }
    expect(right / 500).toBeGreaterThan(0.97);
  });

  test('every round brings it nearer, and the mean is kept', () => {
    const columns = uniform(2_000, 4, 8);
    const target = columns[0]!.map((value, i) => value * 3 + columns[1]![i]!);
    const model = trainBoostedTrees(columns, target, { objective: 'regression', rounds: 10, depth: 3 });
    const [ten] = predictBoostedTrees(model, columns);
    const five = { ...model, rounds: model.rounds.slice(0, 5) };
    const squared = (predicted: Float64Array) => mean(predicted.map((value, i) => (value - target[i]!) ** 2));
    expect(squared(ten!)).toBeLessThan(squared(predictBoostedTrees(five, columns)[0]!));
    expect(mean(ten!)).toBeCloseTo(mean(target), 2);
  });

  test('is deterministic and survives JSON', () => {
    const columns = uniform(1_000, 2, 9);
    const target = columns[0]!.map((value) => Number(value > 0.4));
    const train = () => trainBoostedTrees(columns, target, { objective: 'binary', rounds: 5 });
    expect(train()).toEqual(train());
    const copy = JSON.parse(JSON.stringify(train())) as ReturnType<typeof train>;
    expect(predictBoostedTrees(copy, columns)).toEqual(predictBoostedTrees(train(), columns));
  });

  test('missing values go their own way', () => {
    const [x] = uniform(4_000, 1, 10);
    const holes = x!.map((value, i) => (i % 2 === 0 ? NaN : 0.5 + value / 2));
    const target = holes.map((value) => (Number.isNaN(value) ? 1 : 0));
    const model = trainBoostedTrees([holes], target, { objective: 'binary', rounds: 20 });
    const [scores] = predictBoostedTrees(model, [Float64Array.of(NaN, 0.9)]);
    expect(scores![0]).toBeGreaterThan(0.9);
    expect(scores![1]).toBeLessThan(0.1);
  });

  test('a constant column, and one class only, are no reason to fail', () => {
    const columns = [new Float64Array(300).fill(7)];
    const model = trainBoostedTrees(columns, new Float64Array(300).fill(1), { objective: 'binary', rounds: 3 });
    const [scores] = predictBoostedTrees(model, columns);
    expect(scores![0]).toBeGreaterThan(0.99);
  });

  test.each([
    ['no rows', [new Float64Array(0)], [], {}, /rows and columns/],
    ['columns of other length', [new Float64Array(2)], [0], {}, /as many rows/],
    ['a class out of range', [new Float64Array(2)], [0, 2], {}, /row 1: 2 is not a target of binary/],
    ['an infinite value', [new Float64Array(1)], [Infinity], { objective: 'regression' as const }, /row 0/],
    ['one class', [new Float64Array(1)], [0], { objective: 'multiclass' as const, classes: 1 }, /two classes/],
  ])('refuses %s', (_name, columns, target, options, message) => {
    expect(() => trainBoostedTrees(columns, Float64Array.from(target), { objective: 'binary', ...options })).toThrow(
      message,
    );
  });
});
