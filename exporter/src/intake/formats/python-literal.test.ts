import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parsePythonLiteral } from './python-literal.ts';

describe('parsePythonLiteral', () => {
  test.each<readonly [string, unknown]>([
    [
      "{'a': 1, 'b': -2.5e-3, \"it's\": None, 'c': (True, False), 'd': []}",
      { a: 1, b: -0.0025, "it's": null, c: [true, false], d: [] },
    ],
    ["{'nan': nan, 'inf': -inf, 'x': 'a\\n\\x41\\u20ac\\'\\\\'}", { nan: null, inf: null, x: "a\nA€'\\" }],
    ['{}', {}],
    ["{'a': {'b': [1,],},}", { a: { b: [1] } }],
    ['hello', undefined],
    ["{'a': 1} x", undefined],
    ["{'a' 1}", undefined],
    ["{'a': <object at 0x7f>}", undefined],
    ["'open", undefined],
    ['', undefined],
    ['['.repeat(1000), undefined],
  ])('%s', (text, value) => {
    const parsed = parsePythonLiteral(text);
    expect(parsed === undefined ? undefined : JSON.parse(JSON.stringify(parsed))).toEqual(value);
  });

  test('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parsePythonLiteral(`{'a': ${text}`)));
  });
});
