import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { crc32Append, crc32Shift } from './crc32-combine.ts';

describe('crc32Append', () => {
  test('is the CRC of the concatenation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), fc.uint8Array({ maxLength: 3_000 }), (a, b) => {
        const combined = crc32Append(crc32(a), crc32(b), crc32Shift(b.length));
        expect(combined).toBe(crc32(Buffer.concat([a, b])));
      }),
    );
  });

  test.each([1, 255, 65_536, 1_000_003, 2 ** 24 + 1])('appends %d bytes', (length) => {
    const a = Buffer.from('a first part');
    const b = Buffer.alloc(length, 'of some text');
    expect(crc32Append(crc32(a), crc32(b), crc32Shift(length))).toBe(crc32(Buffer.concat([a, b])));
  });

  test('appends beyond 4 GiB, where exponents wrap', () => {
    // (x^a)(x^b) = x^(a+b): appending twice half is appending the whole.
    const half = crc32Shift(3 * 2 ** 31);
    expect(crc32Append(crc32Append(123_456_789, 0, half), 0, half)).toBe(
      crc32Append(123_456_789, 0, crc32Shift(3 * 2 ** 32)),
    );
  });
});
