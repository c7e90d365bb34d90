import { describe, expect, test } from '@jest/globals';
import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { referenceTable, tableFile } from '../../../test/support/reference-table.ts';
import type { BaselineRow } from '../../domain/baseline.ts';
import { readArrow } from './arrow.ts';
import { readColumnMap } from './column-roles.ts';

async function read(...pieces: readonly Uint8Array[]): Promise<BaselineRow[]> {
  const rows: BaselineRow[] = [];
  for await (const row of readArrow(Readable.from(pieces.map((piece) => Buffer.from(piece))), readColumnMap('')))
    rows.push(row);
  return rows;
}
const refusal = (...pieces: readonly Uint8Array[]): Promise<unknown> =>
  read(...pieces).catch((error: unknown) => error);
const flat = ({ features, prediction, score }: BaselineRow) => ({ ...features, prediction, score });
const stream = tableFile('stream.arrows');

describe('readArrow', () => {
  test('a stream of pyarrow, in batches, with a dictionary', async () => {
    expect((await read(stream)).map(flat)).toEqual(referenceTable());
  });

  test('however the bytes are cut', async () => {
    const cuts = fc.array(fc.nat(stream.length), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, async (some) => {
        const at = [0, ...some.sort((x, y) => x - y), stream.length];
        const pieces = at.slice(1).map((to, i) => stream.subarray(at[i], to));
        expect((await read(...pieces)).map(flat)).toEqual(referenceTable());
      }),
      { numRuns: 20 },
    );
  });

  test('a stream without its end mark is whole', async () => {
    expect(await read(stream.subarray(0, stream.length - 8))).toHaveLength(40);
  });

  test.each<readonly [string, Uint8Array, RegExp]>([
    ['an empty body', Buffer.alloc(0), /cut off/],
    ['a CSV', Buffer.from('age,region\n34,north\n'), /no Arrow IPC stream/],
    ['an end mark alone', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), /no schema/],
    ['a file instead of a stream', tableFile('file.arrow'), /must be written as a stream/],
    ['a stream that was cut off', stream.subarray(0, stream.length - 500), /cut off in the middle of a message/],
    [
      'a stream that was cut off in a length',
      stream.subarray(0, stream.length - 6),
      /cut off in the middle of a message/,
    ],
    ['compressed batches', tableFile('compressed.arrows'), /write it without compression/],
    ['a nested column', tableFile('nested.arrows'), /column "b" is nested; leave it out/],
    ['metadata of 1 GB', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x40]), /no Arrow IPC stream/],
  ])('%s is refused', async (_name, bytes, message) => {
    expect(await refusal(bytes)).toMatchObject({
      name: 'ServiceError',
      code: 'invalid',
      message: expect.stringMatching(message),
    });
  });

  test('a failing body fails the reading with its own error', async () => {
    const body = new PassThrough();
    const cut = Object.assign(new Error('cut off'), { code: 'ECONNRESET' });
    const rows = readArrow(body, readColumnMap(''));
    body.write(stream.subarray(0, 3_000));
    setImmediate(() => body.destroy(cut));
    await expect(rows.next()).rejects.toBe(cut);
  });

  test('a stream that was altered anywhere is rows or ServiceError invalid', async () => {
    const change = fc.tuple(fc.nat(stream.length - 1), fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const copy = Buffer.from(stream);
        for (const [at, byte] of changes) copy[at] = byte;
        const result = await refusal(copy);
        if (!Array.isArray(result)) expect(result).toMatchObject({ name: 'ServiceError', code: 'invalid' });
      }),
      { numRuns: 400 },
    );
  });
});
