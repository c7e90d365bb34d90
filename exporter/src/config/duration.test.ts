import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { formatDuration, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  test.each([
    ['15s', 15_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['90d', 7_776_000_000],
    ['2w', 1_209_600_000],
    ['1y', 31_536_000_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['0s', 0],
    ['100ms', 100],
  ])('%s', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each([
    ['empty', ''],
    ['no unit', '15'],
    ['unknown unit', '15sec'],
    ['fraction', '1.5h'],
    ['sign', '-5m'],
    ['space', '5 m'],
    ['units out of order', '30m1h'],
    ['unit twice', '1h1h'],
    ['line end', '5m\n'],
    ['beyond 2^53', '999999999y'],
    ['infinite', `${'9'.repeat(400)}y`],
  ])('refuses %s', (_name, text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [250, '250ms'],
    [15_000, '15s'],
    [90_000, '1m30s'],
    [3_600_000, '1h'],
    [86_400_000, '24h'],
    [90_000_000, '1d1h'],
    [172_800_000, '2d'],
    [604_800_000, '7d'],
    [31_536_000_000, '1y'],
    [34_560_000_000, '400d'],
  ])('%d ms', (durationMs, expected) => {
    expect(formatDuration(durationMs)).toBe(expected);
  });

  test('is read back as the same', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.maxSafeNat(),
          fc.nat(1e7),
          fc.nat(1e6).map((days) => days * 86_400_000),
        ),
        (durationMs) => {
          expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
        },
      ),
    );
  });
});
