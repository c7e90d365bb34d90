import { describe, expect, test } from '@jest/globals';

import { defaultPositiveClass, inferTask, MAX_INTEGER_CLASSES } from './task.ts';

const integers = (n: number) => Array.from({ length: n }, (_, i) => String(i));

describe('inferTask', () => {
  test.each([
    ['nothing seen', [], false, false, 'unknown'],
    ['scores alone', [], true, false, 'binary'],
    ['one class', ['yes'], true, false, 'binary'],
    ['two classes', ['yes', 'no'], true, false, 'binary'],
    ['three classes', ['a', 'b', 'c'], true, false, 'multiclass'],
    ['integers 0 and 1', ['0', '1'], false, false, 'binary'],
    ['20 integers', integers(MAX_INTEGER_CLASSES), false, false, 'multiclass'],
    ['21 integers', integers(MAX_INTEGER_CLASSES + 1), false, false, 'regression'],
    ['21 names', integers(MAX_INTEGER_CLASSES + 1), true, false, 'multiclass'],
    ['a fraction', ['1'], false, true, 'regression'],
    ['only fractions', [], false, true, 'regression'],
    ['integers with scores, and a fraction', ['1', '2', '3'], true, true, 'multiclass'],
  ] as const)('%s', (_name, classes, named, fractional, task) => {
    expect(inferTask({ classes, named, fractional })).toBe(task);
  });
});

describe('defaultPositiveClass', () => {
  test.each([
    ['none', [], undefined],
    ['1', ['1', '0'], '1'],
    ['a conventional name, whatever its case', ['NO', 'Yes'], 'Yes'],
    ['true', ['true', 'unsure'], 'true'],
    ['positive', ['positive', 'untested'], 'positive'],
    ['else the last in order', ['move', 'stay', 'later'], 'stay'],
  ] as const)('%s', (_name, classes, expected) => {
    expect(defaultPositiveClass(classes)).toBe(expected);
  });

  test('does not change what it is given', () => {
    const classes = ['b', 'a'];
    expect(defaultPositiveClass(classes)).toBe('b');
    expect(classes).toEqual(['b', 'a']);
  });
});
