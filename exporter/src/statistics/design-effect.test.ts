import { describe, expect, test } from '@jest/globals';
import { Random } from '../../test/support/random.ts';
import { designEffect } from './design-effect.ts';

const CELLS = 10;

interface Stretches {
  readonly blocks: number;
  readonly rows: number;
  /** Rows by the same cell in a row, all of one block; Poisson with this mean. 0: independent rows. */
  readonly visits?: number;
  /** Mean cell of a block moves so far from the first to the last. */
  readonly trend?: number;
}

function counts(seed: number, { blocks, rows, visits = 0, trend = 0 }: Stretches): Uint32Array[] {
  const random = new Random(seed);
  const cell = (block: number) =>
    Math.min(CELLS - 1, Math.floor(CELLS * random.uniform() ** (1 + (trend * block) / blocks)));
  return Array.from({ length: blocks }, (_, block) => {
    const of = new Uint32Array(CELLS);
    const users = visits === 0 ? [] : Array.from({ length: Math.round(rows / visits) }, () => cell(block));
    for (let i = 0; i < rows; i++)
      of[visits === 0 ? cell(block) : users[Math.floor(random.uniform() * users.length)]!]!++;
    return of;
  });
}

const over = (of: Stretches, seeds = 50) =>
  Array.from({ length: seeds }, (_, seed) => designEffect(counts(seed, of), CELLS));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('designEffect', () => {
  // NumPy: mean over the pairs of sum((a/n - b/m)**2 / p) / (1/n + 1/m), by K - 1.
  test('of a few counts, by hand', () => {
    const blocks = [
      [50, 50],
      [100, 0],
      [0, 100],
      [50, 50],
    ];
    expect(designEffect(blocks, 2).estimate).toBeCloseTo(100, 9);
    expect(designEffect(blocks, 2).bound).toBeGreaterThan(100);
  });

  test.each([2, 5, 20])('users seen %i times, each of whom says one thing: 1 + visits', (visits) => {
    const found = over({ blocks: 7, rows: 1_000, visits });
    expect(mean(found.map(({ estimate }) => estimate)) / (1 + visits)).toBeCloseTo(1, 1);
    // The bound is below the truth in a tenth of the cases.
    expect(found.filter(({ bound }) => bound < 0.9 * (1 + visits)).length).toBeLessThanOrEqual(7);
  });

  test('independent rows: 1, and their p is uniform', () => {
    const found = over({ blocks: 7, rows: 1_000 }, 400);
    expect(mean(found.map(({ estimate }) => estimate))).toBeCloseTo(1, 1);
    for (const level of [0.5, 0.1, 0.01])
      expect(found.filter(({ pValue }) => pValue < level).length / 400 / level).toBeLessThan(1.6);
  });

  test('a slow change is none of repetition', () => {
    const drifting = over({ blocks: 28, rows: 1_000, trend: 1 });
    expect(drifting.filter(({ pValue }) => pValue < 0.001).length).toBeLessThanOrEqual(1);
  });

  test('few rows in many cells: small ones count together', () => {
    const found = over({ blocks: 14, rows: 30 }, 200);
    expect(found.filter(({ pValue }) => pValue < 0.01).length).toBeLessThanOrEqual(4);
  });

  test('a night without traffic is left out, with what would be compared with it', () => {
    const [a, b, c, d, e, f] = counts(3, { blocks: 6, rows: 500, visits: 5 });
    const night = new Uint32Array(CELLS).fill(1);
    const { estimate } = designEffect([a!, b!, c!, night, d!, e!, f!, night], CELLS);
    const pairs = [designEffect([a!, b!, c!, night, d!, e!, f!], CELLS).estimate];
    expect(estimate).toBeCloseTo(pairs[0]!, 9);
  });

  test.each<readonly [string, readonly (readonly number[])[]]>([
    ['nothing', []],
    [
      'no rows',
      [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ],
    [
      'one value',
      [
        [9, 0],
        [9, 0],
        [9, 0],
        [9, 0],
      ],
    ],
    [
      'too few stretches',
      [
        [5, 5],
        [5, 5],
        [5, 5],
      ],
    ],
  ])('%s: not known', (_name, blocks) => {
    expect(designEffect(blocks, 2)).toEqual({ estimate: NaN, bound: NaN, pValue: NaN });
  });
});
