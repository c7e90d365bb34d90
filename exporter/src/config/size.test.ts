import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { formatSize, parseSize } from './size.ts';

describe('parseSize', () => {
  test.each([
    ['16MiB', 16_777_216],
    ['80GiB', 85_899_345_920],
    ['1KiB', 1024],
    ['2TiB', 2_199_023_255_552],
    ['512 MB', 512_000_000],
    ['3kB', 3000],
    ['17B', 17],
    ['0B', 0],
  ])('%s', (text, expected) => {
    expect(parseSize(text)).toBe(expected);
  });

  test.each([
    ['empty', ''],
    ['no unit', '16'],
    ['wrong case, which could mean bits', '16Mb'],
    ['bare letter', '16M'],
    ['fraction', '1.5GiB'],
    ['sign', '-1MiB'],
    ['two spaces', '1  MiB'],
    ['beyond 2^53', '9007199254740992B'],
    ['infinite', `${'9'.repeat(400)}B`],
  ])('refuses %s', (_name, text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

describe('formatSize', () => {
  test.each([
    [0, '0B'],
    [1000, '1000B'],
    [1536, '1536B'],
    [4096, '4KiB'],
    [4_294_967_296, '4GiB'],
  ])('%d bytes', (bytes, expected) => {
    expect(formatSize(bytes)).toBe(expected);
  });

  test('is read back as the same', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.maxSafeNat(),
          fc.nat(1e6).map((mebibytes) => mebibytes * 2 ** 20),
        ),
        (bytes) => {
          expect(parseSize(formatSize(bytes))).toBe(bytes);
        },
      ),
    );
  });
});
