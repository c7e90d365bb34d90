import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import type { PageHeader, SchemaElement } from 'hyparquet';
import { readValues, zstd } from './parquet-page.ts';
import type { ColumnDecoder } from './parquet-page.ts';

type Encoding = 'PLAIN' | 'RLE_DICTIONARY' | 'DELTA_BYTE_ARRAY';

function column(
  type: ColumnDecoder['type'],
  codec: ColumnDecoder['codec'] = 'UNCOMPRESSED',
  repetition: SchemaElement['repetition_type'] = 'REQUIRED',
): ColumnDecoder {
  const element: SchemaElement = { name: 'a', type, repetition_type: repetition };
  const root = { element: { name: 'schema' }, children: [], count: 2, path: [] };
  const leaf = { element, children: [], count: 1, path: ['a'] };
  return {
    pathInSchema: ['a'],
    type,
    element,
    schemaPath: [root, leaf],
    codec,
    parsers: {} as ColumnDecoder['parsers'],
  };
}

const pageHeader = (values: number, encoding: Encoding, size: number): PageHeader => ({
  type: 'DATA_PAGE',
  uncompressed_page_size: size,
  compressed_page_size: size,
  data_page_header: {
    num_values: values,
    encoding,
    definition_level_encoding: 'RLE',
    repetition_level_encoding: 'RLE',
  },
});

/** LEB128. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

/** DELTA_BINARY_PACKED of `count` numbers that go up by `step` from 0, in one block. */
const rising = (count: number, step: number) => [
  ...varint(128),
  ...varint(4),
  ...varint(count),
  0,
  ...varint(2 * step),
  ...[0, 0, 0, 0],
];

describe('pages that say less than they hold', () => {
  test('a run of 2^30 indices in a page of eight values', () => {
    const page = Uint8Array.from([1, ...varint(2 ** 31 - 2), 1]);
    expect(() =>
      readValues(page, pageHeader(8, 'RLE_DICTIONARY', page.length), Int32Array.of(1, 2), column('INT32')),
    ).toThrow(/a run goes on beyond its page/);
  });

  test('a run of 2^30 where levels end before all are told', () => {
    const levels = [...varint(2), 1];
    const page = Uint8Array.from([levels.length, 0, 0, 0, ...levels, ...varint(2 ** 31 - 2), 1]);
    expect(() =>
      readValues(page, pageHeader(8, 'PLAIN', page.length), undefined, column('INT32', 'UNCOMPRESSED', 'OPTIONAL')),
    ).toThrow(/a run goes on beyond its page/);
  });

  test('a run of 2^30 indices of no bits, in a page of version 2', () => {
    const page = Uint8Array.from([0, ...varint(2 ** 31 - 2)]);
    const header: PageHeader = {
      type: 'DATA_PAGE_V2',
      uncompressed_page_size: page.length,
      compressed_page_size: page.length,
      data_page_header_v2: {
        num_values: 8,
        num_nulls: 0,
        num_rows: 8,
        encoding: 'RLE_DICTIONARY',
        definition_levels_byte_length: 0,
        repetition_levels_byte_length: 0,
        is_compressed: false,
      },
    };
    expect(() => readValues(page, header, Int32Array.of(1, 2), column('INT32'))).toThrow(
      /a run goes on beyond its page/,
    );
  });

  test('the same page with a run of eight is eight values', () => {
    const page = Uint8Array.from([1, ...varint(16), 1]);
    const header = pageHeader(8, 'RLE_DICTIONARY', page.length);
    expect([...Array.from(readValues(page, header, Int32Array.of(1, 2), column('INT32')))]).toEqual(
      new Array(8).fill(2),
    );
  });

  test('texts of which each begins with all of the one before', () => {
    const page = Uint8Array.from([...rising(128, 1_000_000), ...rising(128, 0)]);
    expect(() =>
      readValues(page, pageHeader(128, 'DELTA_BYTE_ARRAY', page.length), undefined, column('BYTE_ARRAY')),
    ).toThrow(/unfolds to more than 64 times its size/);
  });

  test.each<[string, Uint8Array, ColumnDecoder['codec']]>([
    ['gzip', gzipSync(Buffer.alloc(1_000_000)), 'GZIP'],
    // One frame of one raw block of 17 bytes, and of a block that repeats a byte 131,071 times (RFC 8878).
    ['zstd', Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 17, 0x89, 0, 0, ...new Array<number>(17).fill(0)]), 'ZSTD'],
    ['zstd, a run', Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 16, 0xfb, 0xff, 0x0f, 0]), 'ZSTD'],
  ])('a compressed page of more bytes than its header says: %s', async (_name, page, codec) => {
    await zstd.init();
    expect(() => readValues(page, pageHeader(4, 'PLAIN', 16), undefined, column('INT32', codec))).toThrow();
  });

  test('the same as long as it says, in zstd', async () => {
    await zstd.init();
    const page = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 16, 0x81, 0, 0, ...new Array<number>(16).fill(0)]);
    const values = readValues(page, pageHeader(4, 'PLAIN', 16), undefined, column('INT32', 'ZSTD'));
    expect(Array.from(values)).toEqual([0, 0, 0, 0]);
  });

  test('indices without a dictionary', () => {
    const page = Uint8Array.from([1, ...varint(16), 1]);
    expect(() => readValues(page, pageHeader(8, 'RLE_DICTIONARY', page.length), undefined, column('INT32'))).toThrow(
      /a dictionary that is not there/,
    );
  });
});
