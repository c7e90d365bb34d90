import { describe, expect, test } from '@jest/globals';
import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import type { BaselineRow } from '../../domain/baseline.ts';
import { readColumnMap } from './column-roles.ts';
import { readNdjson } from './ndjson.ts';

async function read(...pieces: (string | Uint8Array)[]): Promise<BaselineRow[]> {
  const rows: BaselineRow[] = [];
  const body = Readable.from(pieces.map((piece) => Buffer.from(piece)));
  for await (const row of readNdjson(body, readColumnMap(''))) rows.push(row);
  return rows;
}

describe('readNdjson', () => {
  test.each([
    ['lines', '{"age":1}\n{"age":2}\n'],
    ['no line break at the end', '{"age":1}\n{"age":2}'],
    ['CRLF and empty lines', '\r\n{"age":1}\r\n \r\n{"age":2}\r\n'],
  ])('%s', async (_name, text) => {
    expect((await read(text)).map(({ features }) => features.age)).toEqual([1, 2]);
  });

  test('a flat object is columns by role', async () => {
    const line = { age: 34, prediction: 1, score_yes: 0.8, label: null, latency_ms: 3, features: 'text' };
    expect(await read(JSON.stringify(line))).toMatchObject([
      { features: { age: 34, features: 'text' }, prediction: 1, scores: { yes: 0.8 }, label: null, latencyMs: 3 },
    ]);
  });

  test('an object of features makes it a prediction event', async () => {
    const event = { features: { age: 34 }, prediction: 'yes', score: 0.8, scores: { yes: 0.8 }, label: 1, error: 'e' };
    expect(await read(JSON.stringify({ ...event, latency_ms: 3, model: 'm', prediction_id: 'a' }))).toEqual([
      { ...event, latencyMs: 3 },
    ]);
    expect(await read('{"features":{},"scores":7}')).toMatchObject([{ features: {}, scores: undefined }]);
  });

  test.each<readonly [string, string, RegExp]>([
    ['no JSON', '{"a":1}\n\n{"a":\n', /^Line 3 is not JSON\.$/],
    ['a list', '[1]', /^Line 1 is not an object\.$/],
    ['null', 'null', /^Line 1 is not an object\.$/],
    ["Python's NaN", '{"a":NaN}', /^Line 1 is not JSON\.$/],
    ['a long line', `{"a":"${'x'.repeat(1_000_000)}"}\n`, /^Line 1 has more than 1000000 characters\.$/],
  ])('%s is refused', async (_name, text, message) => {
    const invalid = { name: 'ServiceError', code: 'invalid', message: expect.stringMatching(message) };
    await expect(read(text)).rejects.toMatchObject(invalid);
  });

  test('a line without end is refused before it fills the memory', async () => {
    let sent = 0;
    function* endless(): Generator<Buffer> {
      for (; sent < 500; sent++) yield Buffer.alloc(65_536, 'x');
    }
    const rows = readNdjson(Readable.from(endless()), readColumnMap(''));
    await expect(rows.next()).rejects.toMatchObject({ code: 'invalid' });
    expect(sent).toBeLessThan(50);
  });

  test('a failing body fails the reading with its own error', async () => {
    const body = new PassThrough();
    const cut = new Error('cut off');
    const rows = readNdjson(body, readColumnMap(''));
    body.write('{"a":1}\n{"a":2');
    expect((await rows.next()).value).toMatchObject({ features: { a: 1 } });
    body.destroy(cut);
    await expect(rows.next()).rejects.toBe(cut);
  });

  test('the same rows come out however the bytes are cut', async () => {
    const name = fc.string({ unit: 'grapheme' }).map((text) => `f${text}`);
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\u2028', '\u0085', '\r'), fc.integer());
    const line = fc.dictionary(name, value).map((object) => JSON.stringify(object));
    const cuts = fc.array(fc.nat(300), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(line), cuts, fc.constantFrom('\n', '\r\n'), async (lines, some, end) => {
        const bytes = Buffer.from(lines.join(end));
        const at = [0, ...some.sort((x, y) => x - y), bytes.length];
        const rows = await read(...at.slice(1).map((to, i) => bytes.subarray(at[i], to)));
        expect(rows.map(({ features }) => ({ ...features }))).toEqual(lines.map((text) => JSON.parse(text)));
      }),
    );
  });

  test('bytes of any kind are rows or ServiceError invalid', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.json())), async (pieces) => {
        const result = await read(...pieces).catch((error: unknown) => error);
        if (!Array.isArray(result)) expect(result).toMatchObject({ name: 'ServiceError', code: 'invalid' });
      }),
    );
  });
});
