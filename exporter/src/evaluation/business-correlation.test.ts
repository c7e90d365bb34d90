import { expect, test } from '@jest/globals';
import type { WeekFigures } from '../domain/weekly-report.ts';
import { WEEK_MS } from '../domain/week.ts';
import { correlateWithBusiness } from './business-correlation.ts';

const week = (i: number, figures: Partial<WeekFigures> = {}): WeekFigures => ({
  weekMs: i * WEEK_MS,
  healthScore: 50 + i,
  performance: 0.9 - 0.01 * i,
  drift: 0.1,
  ...figures,
});
const weeks = (count: number) => Array.from({ length: count }, (_, i) => week(i));
const rising = (count: number) => new Map(weeks(count).map(({ weekMs }, i) => [weekMs, 100 + i * i]));

test('health that rises with the figure, performance that falls, drift that stands still', () => {
  const [health, performance, drift] = correlateWithBusiness(weeks(12), rising(12));
  expect(health).toMatchObject({ figure: 'overall_health', weeks: 12, coefficient: 1, upper: 1, reason: null });
  expect(health!.lower).toBeGreaterThan(0.8);
  expect(performance).toMatchObject({ figure: 'performance', coefficient: -1, lower: -1, reason: null });
  expect(drift).toMatchObject({ weeks: 12, coefficient: NaN, reason: 'one of the figures was the same in all weeks' });
});

test.each([
  ['no weeks at all', [], new Map(), 0],
  ['seven of both', weeks(7), rising(7), 7],
  ['many, but few with the business figure', weeks(40), rising(3), 3],
  ['many business figures, but few reports', weeks(2), rising(40), 2],
  ['reports without a score', Array.from({ length: 20 }, (_, i) => week(i, { healthScore: NaN })), rising(20), 0],
] as const)('%s: too few, and no coefficient', (_name, figures, business, count) => {
  expect(correlateWithBusiness(figures, business)[0]).toEqual({
    figure: 'overall_health',
    weeks: count,
    coefficient: NaN,
    lower: NaN,
    upper: NaN,
    reason: `too few weeks: ${count} have both figures, 8 are needed`,
  });
});

test('an interval that holds zero says so', () => {
  const zigzag = new Map(weeks(10).map(({ weekMs }, i) => [weekMs, i % 2]));
  expect(correlateWithBusiness(weeks(10), zigzag)[0]).toMatchObject({
    weeks: 10,
    reason: 'the interval holds zero: these weeks show no connection',
  });
});
