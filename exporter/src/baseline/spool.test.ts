import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { countTurns } from '../../test/support/loop-turns.ts';
import { testTarget } from '../../test/support/model-target.ts';
import { layOut } from './reference-rows.ts';
import { Spool } from './spool.ts';
import type { ReferenceBatch } from './spool.ts';

const target = testTarget();
/** The temporary folder of this file alone: other tests spool, too. */
const temporary = mkdtempSync(path.join(os.tmpdir(), 'spool-test-'));
jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
afterAll(() => rmSync(temporary, { recursive: true }));
const folders = () => readdirSync(temporary);

/** `count` rows whose ages go on from `first`. */
function rows(first: number, count: number): ReferenceBatch {
  const scores = { yes: 0.25, no: NaN };
  const of = { score: NaN, scores, latencyMs: 3, error: undefined, prediction: 'yes' };
  return layOut(
    Array.from({ length: count }, (_, i) => ({ ...of, features: { age: first + i, region: `r${i}` }, label: i })),
    target,
    7,
  );
}

const full = rows(0, 100_000);

describe('Spool', () => {
  let spool: Spool;
  beforeEach(() => {
    spool = new Spool();
  });
  afterEach(() => spool.close());

  const read = async (by = target) => {
    const batches: ReferenceBatch[] = [];
    for await (const batch of spool.read(by)) batches.push(batch);
    return batches;
  };
  const ages = async () => (await read()).map(({ batch }) => [batch.numbers[0], batch.rows]);

  test('nothing in, nothing out', async () => {
    expect([spool.rows, await ages()]).toEqual([0, []]);
  });

  test('100,000 rows stay in memory, as they came, and can be read again', async () => {
    spool.add(full);
    expect([spool.rows, folders()]).toEqual([100_000, []]);
    for (const { batch } of [...(await read()), ...(await read())]) expect(batch.numbers).toBe(full.batch.numbers);
  });

  test('what goes to the file comes back exactly, NaN and text included', async () => {
    const more = rows(0, 50);
    spool.add(full);
    spool.add(more);
    const last = (await read())[1]!;
    expect(last.batch.numbers).not.toBe(more.batch.numbers);
    expect(Buffer.isBuffer(last.batch.ids)).toBe(true);
    expect(last).toEqual(more);
  });

  test('batches come in order of arrival, also a small one after those of the file', async () => {
    spool.add(rows(5, 10));
    spool.add(full);
    spool.add(rows(6, 20));
    spool.add(rows(7, 30));
    const expected = [
      [5, 10],
      [0, 100_000],
      [6, 20],
      [7, 30],
    ];
    expect(await ages()).toEqual(expected);
    expect(await ages()).toEqual(expected);
    expect(spool.rows).toBe(100_060);
  });

  test('the target of reading takes the place of the one of writing', async () => {
    spool.add(full);
    spool.add(rows(0, 3));
    const later = testTarget({ versionId: 2 });
    for (const { batch } of await read(later)) {
      expect(batch.targets).toHaveLength(batch.rows);
      expect(batch.targets.every((one) => one === later)).toBe(true);
    }
  });

  test('whatever else is due comes between two batches, those of the file, too', async () => {
    spool.add(rows(0, 10));
    spool.add(full);
    for (let i = 0; i < 3; i++) spool.add(rows(i, 10));
    const { turns, stop } = countTurns();
    const before: number[] = [];
    for await (const _batch of spool.read(target)) before.push(turns());
    stop();
    expect(before).toHaveLength(5);
    for (let i = 1; i < before.length; i++) expect(before[i]).toBeGreaterThan(before[i - 1]!);
  });

  test('the file has no name, so that nothing can be left behind; closing twice is harmless', async () => {
    spool.add(full);
    spool.add(rows(0, 3));
    expect(folders()).toEqual([]);
    expect(await read()).toHaveLength(2);
    spool.close();
    spool.close();
    expect(folders()).toEqual([]);
  });

  test('a file of more bytes than allowed is refused', () => {
    const small = new Spool(3_000);
    try {
      small.add(full);
      small.add(rows(0, 10));
      expect(() => small.add(rows(0, 40))).toThrow(
        /^The rows of the baseline take more than 3000 bytes of temporary disk, after 100050 rows; send fewer rows/,
      );
    } finally {
      small.close();
    }
  });
});
