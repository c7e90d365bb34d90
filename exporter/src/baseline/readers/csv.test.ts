import { describe, expect, test } from '@jest/globals';
import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import type { BaselineRow } from '../../domain/baseline.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { readColumnMap } from './column-roles.ts';
import { readCsv } from './csv.ts';

async function read(...pieces: (string | Uint8Array)[]): Promise<BaselineRow[]> {
  const rows: BaselineRow[] = [];
  const body = Readable.from(pieces.map((piece) => Buffer.from(piece)));
  for await (const row of readCsv(body, readColumnMap(''))) rows.push(row);
  return rows;
}
const features = async (text: string) => (await read(text)).map((row) => ({ ...row.features }));

describe('readCsv', () => {
  test.each([
    ['lines', 'age,region\n1,n\n2,s\n'],
    ['no line break at the end', 'age,region\n1,n\n2,s'],
    ['CRLF', 'age,region\r\n1,n\r\n2,s\r\n'],
    ['a byte order mark', '\ufeffage,region\n1,n\n2,s\n'],
    ['quotes', '"age","region"\n"1","n"\n"2","s"\n'],
    ['empty lines', 'age,region\n\n1,n\n\n2,s\n\n'],
  ])('%s', async (_name, text) => {
    expect(await features(text)).toEqual([
      { age: '1', region: 'n' },
      { age: '2', region: 's' },
    ]);
  });

  test('quoted commas, quotes and line breaks stay in their cell; an empty cell is empty', async () => {
    expect(await features('a,b\n"x, ""y""\r\nz",\n')).toEqual([{ a: 'x, "y"\r\nz', b: '' }]);
  });

  test('roles are read, and no text becomes a number', async () => {
    const [row] = await read('age,prediction,score_yes,label\n007,yes,0.80,NaN\n');
    expect(row).toMatchObject({ features: { age: '007' }, prediction: 'yes', scores: { yes: '0.80' }, label: 'NaN' });
  });

  test('an empty body, and a header alone, have no rows', async () => {
    expect(await read('')).toEqual([]);
    expect(await read('age,region\n')).toEqual([]);
  });

  test.each<readonly [string, string, RegExp]>([
    ['a cell too many', 'a,b\n1,2\n1,2,3\n', /^The CSV cannot be read: .*on line 3/],
    ['a cell too few', 'a,b\n1\n', /on line 2/],
    ['an open quote', 'a,b\n1,"2\n', /Quote Not Closed/],
    ['text after a quote', 'a,b\n"1"x,2\n', /line 2/],
    ['an unnamed column', 'a,,c\n1,2,3\n', /^The CSV has a column without a name in its first line\.$/],
    ['a column twice', 'a,b,a\n1,2,3\n', /^The CSV has two columns named "a"\.$/],
    ['__proto__', 'a,__proto__\n1,2\n', /^The CSV has a column named __proto__\.$/],
    ['a record without end', `a\n"${'x'.repeat(1_100_000)}"\n`, /Max Record Size/],
  ])('%s is refused', async (_name, text, message) => {
    const error: unknown = await read(text).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringMatching(message) });
    expect((error as Error).message.length).toBeLessThan(260);
  });

  test('a failing body fails the reading with its own error, after the rows before it', async () => {
    const body = new PassThrough();
    const rows: BaselineRow[] = [];
    const cut = new Error('cut off');
    const reading = (async () => {
      for await (const row of readCsv(body, readColumnMap(''))) rows.push(row);
    })();
    body.write('a\n1\n2\n3');
    setImmediate(() => body.destroy(cut));
    await expect(reading).rejects.toBe(cut);
    expect(rows.map((row) => row.features.a)).toEqual(['1', '2']);
  });

  test('cells of any text come back, however the bytes are cut', async () => {
    const cell = fc.string({ unit: 'grapheme' });
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(table, fc.array(fc.nat(200), { maxLength: 6 }), async (cells, cuts) => {
        const line = (row: readonly string[]) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(',');
        const bytes = Buffer.from(['a,b', ...cells.map(line)].join('\n'));
        const at = [0, ...cuts.sort((x, y) => x - y), bytes.length];
        const rows = await read(...at.slice(1).map((end, i) => bytes.subarray(at[i], end)));
        expect(rows.map((row) => [row.features.a, row.features.b])).toEqual(cells);
      }),
    );
  });

  test('bytes of any kind are rows or ServiceError invalid', async () => {
    const structural = fc.constantFrom('"', ',', '\n', '\r', 'a', '\ufeff', '\0').map((text) => [...Buffer.from(text)]);
    const piece = fc.oneof(
      structural,
      fc.uint8Array({ maxLength: 5 }).map((bytes) => [...bytes]),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
        const result = await read(Uint8Array.from(pieces.flat())).catch((error: unknown) => error);
        if (!Array.isArray(result)) expect(result).toMatchObject({ name: 'ServiceError', code: 'invalid' });
      }),
      { numRuns: 300 },
    );
  });
});
