import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ServiceError } from '../../domain/service-error.ts';
import { isObject, jsonProblem, parseJson } from './parse-json.ts';

function problemOf(text: string): string {
  try {
    parseJson(text);
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code: 'invalid', cause: expect.any(SyntaxError) });
    return (error as Error).message;
  }
  return 'none';
}

describe('parseJson', () => {
  test('reads what JSON.parse reads', () => {
    fc.assert(fc.property(fc.json(), (text) => expect(parseJson(text)).toEqual(JSON.parse(text))));
  });

  test.each([
    ['empty', '', 'The body is not JSON: it is empty'],
    ['white space', ' \n\t', 'The body is not JSON: it is empty'],
    ["Python's NaN", '{"score":NaN}', 'The body is not JSON: NaN is not JSON, send null instead (position 8)'],
    [
      'infinity in a list',
      '[1, -Infinity]',
      'The body is not JSON: -Infinity is not JSON, send null instead (position 2)',
    ],
    ['a missing quote', '{model":1}', 'The body is not JSON: unexpected character at position 1'],
    ['cut off', '{"a":1', 'The body is not JSON: unexpected character at position 6'],
    ['a trailing comma', '[1,]', 'The body is not JSON: it ends too early or is malformed'],
  ])('%s', (_name, text, problem) => expect(problemOf(text)).toBe(problem));

  test('NaN within text is no fault', () => expect(parseJson('{"a":": NaN"}')).toEqual({ a: ': NaN' }));

  test('the body is never quoted', () => {
    for (const text of ['{"income": hunter2}', 'hunter2', `["hunter2", ${'x'.repeat(200)}]`, '{"a":"hunter2\n"}'])
      expect(problemOf(text)).not.toContain('hunter2');
  });

  test('arbitrary text is a value or ServiceError invalid', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.json().map((text) => text.slice(0, -1)),
        ),
        (text) => {
          expect(problemOf(text)).toMatch(/^(none|The body is not JSON: .{1,80})$/);
        },
      ),
    );
  });
});

test('jsonProblem knows a thrown value that is no Error', () => {
  expect(jsonProblem('x', 'odd')).toBe('it ends too early or is malformed');
});

test.each<readonly [unknown, boolean]>([
  [{}, true],
  [Object.create(null), true],
  [[], false],
  [null, false],
  ['{}', false],
  [undefined, false],
])('isObject(%p) is %p', (value, expected) => expect(isObject(value)).toBe(expected));
