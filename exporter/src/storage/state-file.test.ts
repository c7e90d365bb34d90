import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { END_OF_ROWS, endLine, headerLine, StateReader, tableLine } from './state-file.ts';
import type { TableHeader } from './state-file.ts';

const HEADER = {
  schema: { number: 1, name: '0001_first', sha256: 'x' },
  exportedAt: '2026-11-24T12:00:00Z',
  newestPrediction: null,
};

async function* cut(text: string, sizes: readonly number[]): AsyncGenerator<Buffer> {
  await Promise.resolve();
  const bytes = Buffer.from(text);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

interface Read {
  readonly header: TableHeader;
  readonly rows: string;
}

async function readAll(text: string, sizes: readonly number[] = [text.length]): Promise<Read[]> {
  const reader = new StateReader(cut(text, sizes));
  await reader.header();
  const counts: Record<string, number> = {};
  const tables: Read[] = [];
  for (let header = await reader.table(counts); header !== null; header = await reader.table(counts)) {
    const pieces: Buffer[] = [];
    for await (const piece of reader.rows()) pieces.push(Buffer.from(piece));
    const rows = Buffer.concat(pieces).toString();
    counts[header.table] = rows.split('\n').length - 1;
    tables.push({ header, rows });
  }
  return tables;
}

const file = (tables: readonly Read[]) =>
  [
    headerLine(HEADER),
    ...tables.flatMap(({ header, rows }) => [tableLine(header), rows, END_OF_ROWS]),
    endLine(Object.fromEntries(tables.map(({ header, rows }) => [header.table, rows.split('\n').length - 1]))),
  ].join('');

// As COPY writes them: no backslash that stands alone.
const row = fc
  .array(fc.constantFrom('a', 'ü', '"', '.', '\t', '\\\\', '\\N', '\\n', '{"end":true}'), { maxLength: 6 })
  .map((parts) => `${parts.join('')}\n`);

describe('a file of the state', () => {
  test('reads the same, wherever its bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { maxLength: 5 }), { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
        async (tables, sizes) => {
          const told = tables.map((rows, i) => ({
            header: { table: `t${i}`, columns: ['a', 'b_1'], ...(i === 1 ? { days: [0, 86_400_000] } : {}) },
            rows: rows.join(''),
          }));
          expect(await readAll(file(told), sizes)).toEqual(told);
        },
      ),
      { numRuns: 300 },
    );
  });

  const good = file([{ header: { table: 'models', columns: ['id'] }, rows: '1\n2\n' }]);
  test.each([
    ['is empty', '', /not a file that/],
    ['is JSON of somebody else', '{"a":1}\n', /not a file that/],
    ['has no line end in its first megabyte', 'x'.repeat(2 ** 21), /not a file that/],
    ['is of another format', good.replace('"version":2', '"version":1'), /format 1, this version knows 2/],
    ['ends within the rows', good.slice(0, good.indexOf('2\n')), /cut off/],
    ['ends after the rows', good.slice(0, good.indexOf('{"end"')), /cut off/],
    ['ends within its last line', good.slice(0, -3), /cut off/],
    ['lost a row', good.replace('\n2\n', '\n'), /cut off or damaged/],
    ['has columns that are no names', good.replace('["id"]', '["id); DROP TABLE models; --"]'), /damaged/],
    ['has days that are none', good.replace('["id"]', '["id"],"days":[1]'), /damaged/],
    ['has days that are no list', good.replace('["id"]', '["id"],"days":0'), /damaged/],
    ['has null for a table', good.replace('{"table":"models","columns":["id"]}', 'null'), /damaged/],
  ])('that %s is refused', async (_, text, message) => {
    await expect(readAll(text)).rejects.toThrow(message);
  });
});
