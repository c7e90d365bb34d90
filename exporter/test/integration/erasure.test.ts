import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeIdKey } from '../../src/intake/prediction-id.ts';
import { ErasureStore } from '../../src/storage/erasure-store.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { eventually } from '../support/exporter-process.ts';
import { makeEvents } from '../support/load.ts';
import { compareWithRawRows } from '../support/recount.ts';

const HOUR = 3_600_000;
const keyOf = (id: string) => {
  const key = Buffer.alloc(16);
  writeIdKey(id, key, 0);
  return key.toString('hex');
};

describe('erasure of single predictions', () => {
  const now = Date.now();
  let database: TestDatabase;
  let core: Core;
  let erasures: ErasureStore;
  const events = makeEvents(300, 2).map((event, i) => ({
    ...event,
    prediction_id: i < 20 ? `text id ${i}` : event.prediction_id,
  }));
  beforeAll(async () => {
    database = await createTestDatabase();
    core = await openCore(database.url, { now: () => now });
    erasures = new ErasureStore(core.pool, core.catalog);
    await core.predict(events);
    await core.label(
      events
        .slice(0, 150)
        .map(({ model, prediction_id }, i) => ({ model, prediction_id, label: i % 3 === 0 ? 'yes' : 'no' })),
    );
  }, 60_000);
  afterAll(async () => {
    await core.close();
    await database.drop();
  });

  /** Folded first: the recount reads what adds, and an erasure takes away. */
  async function expectExact(rows: number): Promise<void> {
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const compared = await compareWithRawRows(core.pool, core.catalog, 0);
    expect(compared.differences).toEqual([]);
    expect([compared.rows, compared.counted]).toEqual([rows, rows]);
  }
  const erase = ({ model, prediction_id }: (typeof events)[number]) => erasures.erase(model, keyOf(prediction_id));

  test('before the fold: labelled or not, by uuid or by text; twice it is gone', async () => {
    expect(await erase(events[0]!)).toBe(2);
    expect(await erase(events[200]!)).toBe(1);
    expect(await erase(events[0]!)).toBe(0);
    await expectExact(298);
  });

  test('after the fold, many at once', async () => {
    await Promise.all(events.slice(100, 160).map(erase));
    await expectExact(238);
  });

  test('after a switch of the baseline the counts under the new scheme are corrected', async () => {
    await core.capture('model_0', '1', { fromMs: now - 5 * HOUR, toMs: now, limit: 1_000 });
    await Promise.all(events.slice(20, 60).map(erase));
    await expectExact(198);
  });

  test('counters do not fall', () => {
    const rows = core.catalog
      .versions()
      .map(({ target }) => core.evaluator.memory.totalsOf(target.versionId).traffic.rows);
    expect(rows.reduce((a, b) => a + b, 0)).toBe(300);
  });

  test('a prediction of the same id that is stored meanwhile stays, and counts', async () => {
    const [first] = events.slice(60);
    // Where the erasure has found what it erases, and is about to erase it.
    await core.pool.query(`
      CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared(20779); RETURN new; END $$;
      CREATE TRIGGER gate BEFORE INSERT ON statistics_delta FOR EACH ROW WHEN (new.erased) EXECUTE FUNCTION wait_at_gate()`);
    const gate = await core.pool.connect();
    try {
      await gate.query('SELECT pg_advisory_lock(20779)');
      const erased = erase(first!);
      await eventually(async () => {
        const { rows } = await core.pool.query(
          "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 20779 AND NOT granted",
        );
        if (rows.length === 0) throw new Error('the erasure has not come to its delta');
      });
      // On another day it is another prediction.
      await core.predict([{ ...first!, timestamp: now - 30 * HOUR }]);
      await gate.query('SELECT pg_advisory_unlock(20779)');
      expect(await erased).toBeGreaterThan(0);
    } finally {
      gate.release(true);
    }
    await core.pool.query('DROP TRIGGER gate ON statistics_delta');
    await expectExact(198);
    expect(await erase(first!)).toBe(1);
    await expectExact(197);
  });

  test('all of them: nothing is left', async () => {
    await Promise.all(events.map(erase));
    await expectExact(0);
    const { rows } = await core.pool.query('SELECT FROM ground_truth');
    expect(rows).toHaveLength(0);
  });

  test('a model that is not there', async () => {
    await expect(erasures.erase('nobody', keyOf('x'))).rejects.toMatchObject({ code: 'not_found' });
  });
});
