import { describe, expect, test } from '@jest/globals';
import { boundText, escapeLabelValue, labelText, samplePrefix, valueText } from './sample-text.ts';

test.each([
  [0, '0'],
  [-0, '0'],
  [0.1 + 0.2, '0.30000000000000004'],
  [1e21, '1e+21'],
  [1e-9, '1e-9'],
  [123_456_789, '123456789'],
  [Infinity, '+Inf'],
  [-Infinity, '-Inf'],
  [NaN, 'NaN'],
])('valueText(%p) is %s', (value, text) => {
  expect(valueText(value)).toBe(text);
});

// Expected values: strconv.FormatFloat(x, 'g', -1, 64) of Go 1.19, with ".0" after a bare integer.
test.each([
  [1, '1.0'],
  [16, '16.0'],
  [0.25, '0.25'],
  [0.0009765625, '0.0009765625'],
  [0.00005, '5e-05'],
  [983_040, '983040.0'],
  [1_000_000, '1e+06'],
  [3_932_160, '3.93216e+06'],
  [Infinity, '+Inf'],
])('boundText(%p) is %s', (bound, text) => {
  expect(boundText(bound)).toBe(text);
});

describe('labels', () => {
  test.each([
    ['plain', 'plain'],
    ['a"b', 'a\\"b'],
    ['a\\b', 'a\\\\b'],
    ['a\nb', 'a\\nb'],
    ['\\n"', '\\\\n\\"'],
    ['tab\tü, {x="1"}', 'tab\tü, {x=\\"1\\"}'],
    ['', ''],
  ])('%j is escaped as %s', (value, escaped) => {
    expect(escapeLabelValue(value)).toBe(escaped);
  });

  test('are written in the order of the family', () => {
    expect(labelText(['model', 'version'], ['m', ''])).toBe('model="m",version=""');
    expect(samplePrefix('a', 'model="m"')).toBe('a{model="m"} ');
    expect(samplePrefix('a', labelText([], []))).toBe('a ');
  });
});
