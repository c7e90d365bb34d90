import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeNdjson } from './ndjson.ts';
import { toPrediction } from './prediction-event.ts';

const decode = (text: string | Buffer) => decodeNdjson(Buffer.from(text), toPrediction);
const models = (text: string) => decode(text).rows.map(({ index, model }) => [index, model]);

describe('application/x-ndjson', () => {
  test.each([
    ['lines', '{"model":"a"}\n{"model":"b"}\n'],
    ['no line break at the end', '{"model":"a"}\n{"model":"b"}'],
    ['CRLF', '{"model":"a"}\r\n{"model":"b"}\r\n'],
    ['empty lines', '\n\n{"model":"a"}\n  \n\r\n{"model":"b"}\n\n'],
    ['white space around', '  {"model":"a"}\t\n {"model":"b"} \n'],
    ['a byte order mark', '\ufeff{"model":"a"}\n{"model":"b"}'],
  ])('%s', (_name, text) => {
    expect(models(text)).toEqual([
      [0, 'a'],
      [1, 'b'],
    ]);
    expect(decode(text).errors).toEqual([]);
  });

  test('nothing at all', () => expect(decode('')).toEqual({ rows: [], errors: [] }));

  test('a bad line is an error of that row alone', () => {
    const text = '{"model":"a"}\n{"model":\n\n{"score":NaN}\n[1]\n{"model":"b"}\u0000\n{"model":"c"}';
    expect(models(text)).toEqual([
      [0, 'a'],
      [5, 'c'],
    ]);
    expect(decode(text).errors).toEqual([
      { index: 1, pointer: '', detail: 'the line is not JSON: it ends too early or is malformed' },
      { index: 2, pointer: '', detail: 'the line is not JSON: NaN is not JSON, send null instead (position 8)' },
      { index: 3, pointer: '', detail: 'a prediction must be an object' },
      { index: 4, pointer: '', detail: 'the line is not JSON: unexpected character at position 13' },
    ]);
  });

  test('a line separator of Unicode within text does not end the line', () => {
    expect(models('{"model":"a\u2028b\u2029c\u0085d"}')).toEqual([[0, 'a\u2028b\u2029c\u0085d']]);
  });

  test('good lines among arbitrary bytes are all read, in order', () => {
    const junk = fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x0a)))
      .map((line) => ({ good: false, line }));
    const good = fc.nat().map((n) => ({ good: true, line: Buffer.from(JSON.stringify({ model: `m${n}` })) }));
    fc.assert(
      fc.property(fc.array(fc.oneof(junk, good)), (lines) => {
        const { rows, errors } = decode(Buffer.concat(lines.flatMap(({ line }) => [line, Buffer.from('\n')])));
        const expected = lines.filter((one) => one.good).map(({ line }) => JSON.parse(line.toString()).model);
        expect(rows.map(({ model }) => model).filter((model) => model !== undefined)).toEqual(expected);
        expect([...rows, ...errors].map(({ index }) => index).sort((a, b) => a - b)).toEqual(
          Array.from({ length: rows.length + errors.length }, (_, i) => i),
        );
      }),
    );
  });

  test('events come back as they were, whatever their values', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (values) => {
        const text = values.map((value) => JSON.stringify({ model: value })).join('\n');
        expect(decode(text).rows.map(({ model }) => model)).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });
});
