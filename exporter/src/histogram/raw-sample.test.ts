import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { keepsFeatures } from './raw-sample.ts';

const ROWS = 100_000;

/** As a UUID of version 7: 48 bits of time first. */
function timed(i: number): Buffer {
  const id = randomBytes(16);
  id.writeUIntBE(1_800_000_000_000 + i, 0, 6);
  return id;
}
function counted(i: number): Buffer {
  const id = Buffer.alloc(16);
  id.writeUInt32BE(i, 12);
  return id;
}

describe('keepsFeatures', () => {
  test.each([
    ['random ids', () => randomBytes(16)],
    ['ids that begin with a time', timed],
    ['ids that are a running number', counted],
  ])('%s: as many as asked for, to five standard deviations', (_name, make) => {
    for (const share of [0.001, 0.1, 0.5, 0.9]) {
      let kept = 0;
      for (let i = 0; i < ROWS; i++) if (keepsFeatures(share, make(i), 0)) kept++;
      expect(Math.abs(kept - share * ROWS)).toBeLessThan(5 * Math.sqrt(share * (1 - share) * ROWS));
    }
  });

  test('none at 0, all at 1, and a larger share keeps what a smaller one keeps', () => {
    for (let i = 0; i < 10_000; i++) {
      const id = randomBytes(16);
      expect([keepsFeatures(0, id, 0), keepsFeatures(1, id, 0)]).toEqual([false, true]);
      if (keepsFeatures(0.2, id, 0)) expect(keepsFeatures(0.3, id, 0)).toBe(true);
    }
  });

  test('by the 16 bytes at the offset, the same every time', () => {
    const id = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const among = Buffer.concat([randomBytes(16), id, randomBytes(16)]);
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9])
      expect(keepsFeatures(share, among, 16)).toBe(keepsFeatures(share, id, 0));
  });
});
