import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { makeId, writeIdKey } from './prediction-id.ts';

function keyOf(id: string): { readonly key: string; readonly text: string | null } {
  const into = Buffer.alloc(16);
  const text = writeIdKey(id, into, 0);
  return { key: into.toString('hex'), text };
}

describe('writeIdKey', () => {
  test.each([
    ['a uuid', '9f1c2d3e-4a5b-6c7d-8e9f-0a1b2c3d4e5f'],
    ['in capitals', '9F1C2D3E-4A5B-6C7D-8E9F-0A1B2C3D4E5F'],
  ])('%s is its own key', (_name, id) => {
    expect(keyOf(id)).toEqual({ key: '9f1c2d3e4a5b6c7d8e9f0a1b2c3d4e5f', text: null });
  });

  test.each([
    ['a number', '42'],
    ['a uuid without hyphens', '9f1c2d3e4a5b6c7d8e9f0a1b2c3d4e5f'],
    ['a uuid with a foreign letter', '9f1c2d3e-4a5b-6c7d-8e9f-0a1b2c3d4e5g'],
    ['a uuid and a line break', '9f1c2d3e-4a5b-6c7d-8e9f-0a1b2c3d4e5f\n'],
    ['hyphens in the wrong places', '9f1c2d3e4-a5b-6c7d-8e9f-0a1b2c3d4e5f'],
    ['other alphabets', 'предсказание-7'],
  ])('%s is hashed, and kept as text', (_name, id) => {
    expect(keyOf(id)).toEqual({ key: createHash('sha256').update(id).digest('hex').slice(0, 32), text: id });
  });

  test('the same id gives the same key, another id another; the bytes around it are left alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.nat(20), (a, b, at) => {
        expect(keyOf(a)).toEqual(keyOf(a));
        if (a !== b) expect(keyOf(a).key).not.toBe(keyOf(b).key);
        const into = Buffer.alloc(40, 0xee);
        writeIdKey(a, into, at);
        expect(into.toString('hex', at, at + 16)).toBe(keyOf(a).key);
        expect(Buffer.concat([into.subarray(0, at), into.subarray(at + 16)])).toEqual(Buffer.alloc(24, 0xee));
      }),
    );
  });
});

test('made ids are uuids, each another', () => {
  const ids = Array.from({ length: 1_000 }, makeId);
  expect(new Set(ids).size).toBe(1_000);
  for (const id of ids) expect(keyOf(id)).toEqual({ key: id.replaceAll('-', ''), text: null });
});
