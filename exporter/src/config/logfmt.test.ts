import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { encodeLogfmt } from './logfmt.ts';

/** A reader of logfmt by its grammar: bare or JSON-quoted values. Throws where a line is not well formed. */
function decode(line: string): [string, string][] {
  const pairs: [string, string][] = [];
  const pair = /([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s="]*)(?: |$)/y;
  while (pair.lastIndex < line.length) {
    const match = pair.exec(line);
    if (match === null) throw new Error(`not logfmt: ${line}`);
    const value = match[2]!;
    pairs.push([match[1]!, value.startsWith('"') ? (JSON.parse(value) as string) : value]);
  }
  return pairs;
}

describe('encodeLogfmt', () => {
  test.each([
    ['nothing', {}, ''],
    [
      'words and numbers',
      { level: 'info', port: 9477, ratio: 0.5, up: true },
      'level=info port=9477 ratio=0.5 up=true',
    ],
    ['spaces', { msg: 'listening on' }, 'msg="listening on"'],
    ['empty text', { msg: '' }, 'msg=""'],
    ['null', { model: null }, 'model=null'],
    ['undefined is left out', { a: undefined, b: 1 }, 'b=1'],
    ['quotes and backslashes', { path: 'C:\\x', say: 'a"b' }, 'path="C:\\\\x" say="a\\"b"'],
    ['equals signs', { query: 'a=b' }, 'query="a=b"'],
    ['line ends and tabs', { stack: 'a\r\n\tb' }, 'stack="a\\r\\n\\tb"'],
    ['escape sequences of terminals', { name: '\u001b[31m' }, 'name="\\u001b[31m"'],
    ['separators that some readers end lines at', { name: 'a\u2028b\u0085' }, 'name="a\\u2028b\\u0085"'],
    ['letters of any alphabet', { name: 'größe', other: '模型' }, 'name=größe other=模型'],
    ['nested fields', { err: { code: 'E1', cause: { message: 'deep' } } }, 'err.code=E1 err.cause.message=deep'],
    ['lists', { ids: [1, 'a b'] }, 'ids="[1,\\"a b\\"]"'],
    ['keys that would end early', { 'a b="c"': 1, '': 2 }, 'a_b__c_=1 _=2'],
  ])('%s', (_name, fields, expected) => {
    expect(encodeLogfmt(fields)).toBe(expected);
  });

  test('is one line that reads back as the same values', () => {
    const key = fc.stringMatching(/^[a-z_.]{1,8}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(key, fc.string({ unit: 'binary' })), { selector: ([name]) => name }),
        (pairs) => {
          const line = encodeLogfmt(Object.fromEntries(pairs));
          expect(line).not.toMatch(/[\n\r\u0085\u2028\u2029]/);
          expect(decode(line)).toEqual(Object.entries(Object.fromEntries(pairs)));
        },
      ),
    );
  });

  test('is one well-formed line for keys of any kind', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (fields) => {
        const line = encodeLogfmt(fields);
        expect(line).not.toMatch(/[\n\r\u0085\u2028\u2029]/);
        expect(() => decode(line)).not.toThrow();
      }),
    );
  });
});
