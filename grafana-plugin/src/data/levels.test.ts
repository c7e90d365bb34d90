import { createTheme, FieldType, getDisplayProcessor, ThresholdsMode } from '@grafana/data';
import { formatAge, parseDuration } from './duration';
import { chooseLayout, columnsOf } from './layout';
import { colorOf, DEFAULT_STEPS, levelOf } from './levels';
import { scoreText } from './score-text';

const thresholds = (...values: number[]) => ({
  mode: ThresholdsMode.Absolute,
  steps: [-Infinity, ...values].map((value, i) => ({ value, color: `c${i}` })),
});

test.each([
  ['no score', null, undefined, 'unknown'],
  ['NaN', NaN, undefined, 'unknown'],
  ['zero', 0, undefined, 'poor'],
  ['below a bound', 89.99, undefined, 'good'],
  ['at a bound', 90, undefined, 'excellent'],
  ['two steps', 60, thresholds(50), 'excellent'],
  ['three steps, middle', 60, thresholds(50, 80), 'good'],
  ['five steps, second', 25, thresholds(20, 40, 60, 80), 'poor'],
])('the level of %s', (_, score, config, level) => expect(levelOf(score, config)).toBe(level));

test('colours are those of the thresholds', () => {
  expect(colorOf('fair', undefined)).toBe('orange');
  expect(colorOf('excellent', thresholds(50))).toBe('c1');
  expect(colorOf('fair', thresholds(50))).toBeNull();
});

test.each([
  ['a plain score', 72.4, {}, '72'],
  ['no rounding into the next level', 69.7, {}, '69'],
  ['the same with decimals', 89.97, { decimals: 1 }, '89.9'],
  ['rounding within a level', 66.7, {}, '67'],
  ['zero', 0, {}, '0'],
  ['no score', null, {}, '–'],
  ['no score, with a word for it', null, { noValue: 'none' }, 'none'],
  ['a unit', 72.4, { unit: 'percent' }, '72%'],
])('the text of %s', (_, score, more, text) => {
  const config = { thresholds: { mode: ThresholdsMode.Absolute, steps: DEFAULT_STEPS }, ...more };
  const display = getDisplayProcessor({ field: { type: FieldType.number, config }, theme: createTheme() });
  expect(scoreText(score, display, config)).toBe(text);
});

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  ['', null],
  ['soon', null],
  ['5', null],
  ['1h x', null],
])('the duration %p', (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each([
  [0, '0 s'],
  [59_000, '59 s'],
  [61_000, '1 min'],
  [7_200_000, '2 h'],
  [259_200_000, '3 d'],
  [-5, '0 s'],
])('an age of %p ms', (ms, text) => expect(formatAge(ms)).toBe(text));

test.each([
  ['one model in a tiny panel', 1, 140, 80, 'compact'],
  ['six models in a tiny panel', 6, 140, 80, 'grid'],
  ['a few in a usual panel', 8, 1000, 480, 'cards'],
  ['forty', 40, 1000, 480, 'compact'],
  ['a thousand', 1000, 1000, 480, 'grid'],
  ['no room at all', 1, 20, 10, 'grid'],
])('the layout of %s', (_, models, width, height, layout) =>
  expect(chooseLayout(models, width, height, 240)).toBe(layout)
);

test('a single model does not grow over the whole width', () => {
  expect(columnsOf(1, 1000, { minWidth: 240, maxWidth: 480, gap: 8 })).toEqual({ columns: 1, cellWidth: 480 });
  expect(columnsOf(9, 1000, { minWidth: 240, maxWidth: 480, gap: 8 }).columns).toBe(4);
});
