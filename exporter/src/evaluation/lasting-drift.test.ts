import { describe, expect, test } from '@jest/globals';
import { LastingDrift } from './lasting-drift.ts';

const DAY_MS = 86_400_000;
const at = (day: number, ...significant: string[]) => ({ atMs: day * DAY_MS, significant });

describe('LastingDrift', () => {
  test.each([
    ['no past', [], {}],
    ['since it began', [at(1), at(2, 'age'), at(4, 'age', 'income')], { age: 3, income: 1 }],
    ['a break begins anew', [at(0, 'age'), at(2), at(4, 'age')], { age: 1 }],
    ['over', [at(0, 'age'), at(4)], {}],
  ])('%s', (_name, past, days) => {
    expect(Object.fromEntries(new LastingDrift(past).days(5 * DAY_MS))).toEqual(days);
  });
});
