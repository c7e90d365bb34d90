import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { referenceTable, tableFile } from '../../../test/support/reference-table.ts';
import type { BaselineRow } from '../../domain/baseline.ts';
import { readColumnMap } from './column-roles.ts';
import { readParquet } from './parquet.ts';

const temporary = mkdtempSync(path.join(os.tmpdir(), 'parquet-test-'));
jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
afterAll(() => rmSync(temporary, { recursive: true }));

async function read(...pieces: readonly Uint8Array[]): Promise<BaselineRow[]> {
  const rows: BaselineRow[] = [];
  for await (const row of readParquet(Readable.from(pieces.map((piece) => Buffer.from(piece))), readColumnMap('')))
    rows.push(row);
  expect(readdirSync(temporary)).toEqual([]);
  return rows;
}
/** A file of one page of distinct numbers. */
function onePage(rows: number): Buffer {
  const data = Float64Array.from({ length: rows }, (_, i) => i);
  return Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'x', data }], rowGroupSize: rows, pageSize: Infinity }));
}
const refusal = (...pieces: readonly Uint8Array[]): Promise<unknown> =>
  read(...pieces).catch((error: unknown) => error);
const flat = ({ features, prediction, score }: BaselineRow) => ({ ...features, prediction, score });

describe('readParquet', () => {
  // By pyarrow: data pages of version 1 with dictionaries, or of version 2 without; columns whose pages do not end together.
  test.each(['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4', 'encodings'])('%s', async (name) => {
    expect((await read(tableFile(`${name}.parquet`))).map(flat)).toEqual(referenceTable());
  });

  test('as Polars writes it', async () => {
    expect((await read(tableFile('polars.parquet'))).map(flat)).toEqual(referenceTable());
  });

  test('however the bytes are cut', async () => {
    const file = tableFile('snappy.parquet');
    expect(await read(file.subarray(0, 1), file.subarray(1, 5_000), file.subarray(5_000))).toHaveLength(40);
  });

  test.each<readonly [string, Buffer, RegExp]>([
    ['an empty body', Buffer.alloc(0), /no Parquet file, or it was cut off/],
    ['a CSV', Buffer.from('age,region\n34,north\n'), /no Parquet file, or it was cut off/],
    ['a file that was cut off', tableFile('none.parquet').subarray(0, 5_000), /no Parquet file, or it was cut off/],
    ['a file whose beginning is lost', tableFile('none.parquet').subarray(3_000), /lies outside the file|page/],
    ['an encrypted footer', Buffer.from('PAR1....PARE'), /it is encrypted/],
    [
      'a footer longer than the file',
      Buffer.from([0xff, 0xff, 0, 0, 0x50, 0x41, 0x52, 0x31]),
      /65535 bytes of metadata/,
    ],
    ['a footer of 2 GB', Buffer.from([0xff, 0xff, 0xff, 0x7f, 0x50, 0x41, 0x52, 0x31]), /2147483647 bytes of metadata/],
    ['a page of 24 MB', onePage(3_000_000), /a page takes more than 64 MiB/],
    ['a nested column', tableFile('nested.parquet'), /column "b" is nested; leave it out/],
  ])('%s is refused', async (_name, file, message) => {
    const error = await refusal(file);
    expect(error).toMatchObject({ name: 'ServiceError', code: 'invalid', message: expect.stringMatching(message) });
    expect((error as Error).message).toMatch(/^The Parquet file cannot be read: /);
  });

  test('others have their turn after each page', async () => {
    const rows = readParquet(Readable.from([tableFile('none.parquet')]), readColumnMap(''));
    await rows.next();
    let turns = 0;
    const count = (): void => void (turns++, (next = setImmediate(count)));
    let next = setImmediate(count);
    for await (const row of rows) expect(row).toBeDefined();
    clearImmediate(next);
    expect(turns).toBeGreaterThan(1);
  });

  test('a failing body fails the reading with its own error and leaves no file', async () => {
    const body = new PassThrough();
    const cut = new Error('cut off');
    const reading = readParquet(body, readColumnMap('')).next();
    body.write('PAR1');
    setImmediate(() => body.destroy(cut));
    await expect(reading).rejects.toBe(cut);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('a caller that stops early leaves no file', async () => {
    const rows = readParquet(Readable.from([tableFile('none.parquet')]), readColumnMap(''));
    await rows.next();
    await rows.return(undefined);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('a file that was altered anywhere is rows or ServiceError invalid', async () => {
    const names = ['none', 'snappy', 'zstd', 'encodings', 'polars'];
    const change = fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.array(change, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (name, changes, inFooter) => {
          const copy = tableFile(`${name}.parquet`);
          const from = inFooter ? copy.length - 8 - copy.readUInt32LE(copy.length - 8) : 4;
          for (const [at, byte] of changes) copy[from + (at % (copy.length - 4 - from))] = byte;
          const result = await refusal(copy);
          if (!Array.isArray(result)) expect(result).toMatchObject({ name: 'ServiceError', code: 'invalid' });
        },
      ),
      { numRuns: 400 },
    );
  });
});
