import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { ModelSettings, Overrides } from '../../src/domain/settings.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/histogram/time-bucket.ts';
import { writeIdKey } from '../../src/intake/prediction-id.ts';
import { ErasureStore } from '../../src/storage/erasure-store.ts';
import { ModelStore } from '../../src/storage/model-store.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { eventually } from '../support/exporter-process.ts';
import { compareWithRawRows } from '../support/recount.ts';

/** Any number that nothing else locks. */
const GATE = 20_778;
/** The model begins with the first scheme of the database. */
const SECOND_SCHEME = 2;
const EQUAL = { differences: [], recounting: 0 };

describe('a recount that is held before its end', () => {
  const overrides = new Map<string, Overrides<ModelSettings>>();
  let now: number;
  let database: TestDatabase;
  let core: Core;
  let gate: PoolClient;

  beforeEach(async () => {
    now = Date.UTC(2026, 10, 24, 12, 30);
    overrides.clear();
    database = await createTestDatabase();
    core = await openCore(database.url, { now: () => now, settings: () => ({ ...DEFAULT_SETTINGS, overrides }) });
    // Two days back is as far as a switch reaches: a third of the rows are in its first hour, which a switch of a later hour does not reach.
    const events = Array.from({ length: 60 }, (_, i) => ({
      model: 'shop',
      prediction_id: `p${i}`,
      timestamp: now - (i < 20 ? 2 * DAY_MS - i * MINUTE_MS : i * MINUTE_MS),
      features: { age: i % 40 },
      prediction: i % 3 === 0 ? 'yes' : 'no',
      score: ((7 * i) % 60) / 60,
      segment: { channel: `c${i % 3}` },
    }));
    await core.predict(events);
    await core.pool.query(`
      CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF EXISTS (SELECT FROM recounts WHERE scheme_id = ${SECOND_SCHEME}) THEN PERFORM pg_advisory_xact_lock_shared(${GATE}, 1); END IF;
          RETURN new;
        END $$;
      CREATE TRIGGER gate BEFORE INSERT ON statistics_delta FOR EACH ROW WHEN (new.recount) EXECUTE FUNCTION wait_at_gate()`);
    gate = await core.pool.connect();
    await gate.query('SELECT pg_advisory_lock($1, $2)', [GATE, 1]);
  });
  afterEach(async () => {
    gate.release(true);
    await core.close();
    await database.drop();
  });

  const open = () => gate.query('SELECT pg_advisory_unlock($1, $2)', [GATE, 1]);
  const waitingFor = (key: number) =>
    eventually(async () => {
      const { rows } = await core.pool.query<{ pid: number }>(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = $1",
        [key],
      );
      if (rows[0] === undefined) throw new Error(`nobody waits for the advisory lock ${key}`);
      return rows.map(({ pid }) => pid);
    });
  const capture = async () => {
    await core.evaluator.catchUp();
    return core.capture('shop', '', { fromMs: now - 3 * DAY_MS, toMs: now + 1, limit: Infinity });
  };
  const configure = async (settings: Overrides<ModelSettings>) => {
    overrides.set('shop', settings);
    await core.catalog.load();
  };
  const erase = (id: string) => {
    const key = Buffer.alloc(16);
    writeIdKey(id, key, 0);
    return new ErasureStore(core.pool, core.catalog).erase('shop', key.toString('hex'));
  };
  const fold = async () => {
    await core.evaluator.catchUp();
    await core.evaluator.fold();
  };
  const compared = async () => {
    await fold();
    const { differences, recounting } = await compareWithRawRows(core.pool, core.catalog, 0);
    return { differences, recounting };
  };

  test('and dies with its process: whoever does it again, hours later, counts as far back as it would have', async () => {
    const died = expect(capture()).rejects.toMatchObject({ code: 'unavailable' });
    await gate.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [await waitingFor(GATE)]);
    await died;
    await open();
    now += 5 * HOUR_MS;
    expect(await core.baselines.resumeRecounts()).toBe(1);
    expect(await compared()).toEqual(EQUAL);
  });

  test('and overtaken by other settings, hours later, and by an erasure: what it counts at last is in force nowhere', async () => {
    const slow = capture();
    await waitingFor(GATE);
    now += 5 * HOUR_MS;
    await configure({ segments: ['channel'] });
    expect(await core.baselines.applySettings()).toBe(1);
    expect(await erase('p3')).toBe(1);
    await fold();
    await open();
    await slow;
    expect(await compared()).toEqual(EQUAL);
  });

  test('of a model that is deleted meanwhile: the baseline is refused', async () => {
    const slow = expect(capture()).rejects.toMatchObject({ code: 'conflict' });
    await waitingFor(GATE);
    await new ModelStore(core.pool, core.catalog).remove('shop');
    await open();
    await slow;
    expect(await compared()).toEqual(EQUAL);
  });

  test('of other settings, that a new baseline comes before: the bins stay the baseline’s', async () => {
    await open();
    const writer = await core.pool.connect();
    await writer.query('BEGIN');
    await writer.query('SELECT pg_advisory_xact_lock_shared(20611, 1)');
    const captured = capture();
    await waitingFor(20_611);
    await configure({ segments: ['channel'] });
    const applied = core.baselines.applySettings();
    await eventually(async () => {
      const pids = await waitingFor(20_611);
      if (pids.length < 2) throw new Error(`${pids.length} waits for the epoch, not 2`);
    });
    await writer.query('COMMIT');
    writer.release();
    await Promise.all([captured, applied]);
    const { rows } = await core.pool.query(
      'SELECT b.scheme_id = v.scheme_id AS its FROM model_versions v JOIN baselines b ON b.id = v.baseline_id',
    );
    expect(rows).toEqual([{ its: true }]);
    expect(core.catalog.find('shop', '')!.scheme.features).toHaveLength(1);
    expect(core.catalog.version(core.catalog.find('shop', '')!.versionId)!.countsAsWanted).toBe(true);
    expect(await compared()).toEqual(EQUAL);
  });

  test('by keys that no row was registered under: a label that is corrected before they are, is so in its segments', async () => {
    await open();
    await core.label(Array.from({ length: 60 }, (_, i) => ({ model: 'shop', prediction_id: `p${i}`, label: 'no' })));
    await capture();
    await core.pool.query(`
      CREATE FUNCTION wait_for_segments() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}, 2); RETURN new; END $$;
      CREATE TRIGGER gate BEFORE INSERT ON segments FOR EACH ROW EXECUTE FUNCTION wait_for_segments()`);
    await gate.query('SELECT pg_advisory_lock($1, 2)', [GATE]);
    await configure({ segments: ['channel'] });
    const applied = core.baselines.applySettings();
    await waitingFor(GATE);
    const corrected = core.label([{ model: 'shop', prediction_id: 'p30', label: 'yes' }]);
    // Whoever registers waits, too.
    await Promise.race([corrected, sleep(1_000)]);
    await gate.query('SELECT pg_advisory_unlock($1, 2)', [GATE]);
    await Promise.all([applied, corrected]);
    expect(await compared()).toEqual(EQUAL);
  });
});
