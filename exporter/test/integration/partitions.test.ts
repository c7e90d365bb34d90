import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { dropBefore, ensureDay, existingDays } from '../../src/storage/partitions.ts';
import { createPool } from '../../src/storage/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { silentLog } from '../support/silent-log.ts';

const dayMs = 86_400_000;
const first = Date.UTC(2025, 0, 30);
const indexes = [
  'CREATE UNIQUE INDEX {leaf}_id ON {leaf} (pid, model_id)',
  'CREATE INDEX {leaf}_time ON {leaf} (model_id, ts)',
];

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createEmptyDatabase();
  pool = createPool(database.url, { max: 12, applicationName: 'partitions', log: silentLog });
});

beforeEach(async () => {
  await pool.query(
    `CREATE TABLE events (model_id int NOT NULL, ts timestamptz NOT NULL, pid uuid NOT NULL DEFAULT gen_random_uuid(), score float8 CHECK (score >= 0))
     PARTITION BY RANGE (ts)`,
  );
});

afterEach(async () => {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relname ~ '^events'`,
  );
  for (const { name } of rows) await pool.query(`DROP TABLE IF EXISTS ${name} CASCADE`);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

describe('ensureDay', () => {
  test('makes the leaf of a UTC day, with its indexes, defaults and constraints', async () => {
    expect(await ensureDay(pool, 'events', first, indexes)).toBe(true);
    expect(await ensureDay(pool, 'events', first, indexes)).toBe(false);
    expect(await existingDays(pool, 'events')).toEqual([first]);
    const { rows } = await pool.query(
      `SELECT indexdef FROM pg_indexes WHERE tablename = 'events_p20250130' ORDER BY indexname`,
    );
    expect(rows.map((row) => row.indexdef)).toEqual([
      expect.stringMatching(/UNIQUE INDEX events_p20250130_id .*\(pid, model_id\)/),
      expect.stringMatching(/INDEX events_p20250130_time .*\(model_id, ts\)/),
    ]);
    await pool.query(`INSERT INTO events (model_id, ts, score) VALUES (1, '2025-01-30 12:00+00', 1)`);
    await expect(
      pool.query(`INSERT INTO events (model_id, ts, score) VALUES (1, '2025-01-30 12:00+00', -1)`),
    ).rejects.toMatchObject({ code: '23514' });
  });

  test('the day is half-open in UTC, whatever the zone of the session', async () => {
    const elsewhere = createPool(
      `${database.url}${database.url.includes('?') ? '&' : '?'}options=-ctimezone%3DAsia/Kolkata`,
      {
        max: 1,
        applicationName: 'elsewhere',
        log: silentLog,
      },
    );
    await ensureDay(elsewhere, 'events', first, indexes).finally(() => elsewhere.end());
    await pool.query(
      `INSERT INTO events (model_id, ts) VALUES (1, '2025-01-30 00:00:00+00'), (1, '2025-01-30 23:59:59.999999+00')`,
    );
    for (const outside of ['2025-01-29 23:59:59.999999+00', '2025-01-31 00:00:00+00']) {
      await expect(pool.query('INSERT INTO events (model_id, ts) VALUES (1, $1)', [outside])).rejects.toMatchObject({
        code: '23514',
      });
    }
  });

  test('twelve processes at once for three days: each is made once', async () => {
    const made = await Promise.all(
      Array.from({ length: 12 }, (_, i) => ensureDay(pool, 'events', first + (i % 3) * dayMs, indexes)),
    );
    expect(made.filter(Boolean)).toHaveLength(3);
    expect(await existingDays(pool, 'events')).toEqual([first, first + dayMs, first + 2 * dayMs]);
  });

  test('does not wait for readers and writers of the parent, nor they for it', async () => {
    await ensureDay(pool, 'events', first, indexes);
    const [writer, reader] = [await pool.connect(), await pool.connect()];
    try {
      await writer.query('BEGIN');
      await writer.query(`INSERT INTO events (model_id, ts) VALUES (1, '2025-01-30 12:00+00')`);
      await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await reader.query('SELECT count(*) FROM events');
      // It ends while both hold on: it waits for neither.
      expect(await ensureDay(pool, 'events', first + dayMs, indexes)).toBe(true);
      await writer.query(`INSERT INTO events (model_id, ts) VALUES (1, '2025-01-31 12:00+00')`);
    } finally {
      for (const client of [writer, reader]) {
        await client.query('ROLLBACK');
        client.release();
      }
    }
  });

  test('a lock that is held for a while only delays it', async () => {
    const holder = await pool.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE');
    const making = ensureDay(pool, 'events', first, indexes);
    await pool.query('SELECT pg_sleep(2.5)');
    expect(await existingDays(pool, 'events')).toEqual([]);
    await holder.query('COMMIT');
    holder.release();
    expect(await making).toBe(true);
  });

  test('attaches again a leaf that was detached and not dropped, with its rows', async () => {
    await ensureDay(pool, 'events', first, indexes);
    await pool.query(`INSERT INTO events (model_id, ts) VALUES (7, '2025-01-30 12:00+00')`);
    await pool.query('ALTER TABLE events DETACH PARTITION events_p20250130 CONCURRENTLY');
    expect(await existingDays(pool, 'events')).toEqual([]);
    expect(await ensureDay(pool, 'events', first, indexes)).toBe(true);
    expect((await pool.query('SELECT model_id FROM events')).rows).toEqual([{ model_id: 7 }]);
  });

  test.each([
    ['not the start of a day', 'events', first + 1],
    ['not a number', 'events', Number.NaN],
    ['a name that needs quotes', 'Events; DROP TABLE events', first],
  ])('refuses %s', async (_name, parent, dayStartMs) => {
    await expect(ensureDay(pool, parent, dayStartMs, indexes)).rejects.toThrow(RangeError);
  });

  test('a wrong template is an error and leaves nothing', async () => {
    await expect(
      ensureDay(pool, 'events', first, ['CREATE INDEX {leaf}_x ON {leaf} (no_such_column)']),
    ).rejects.toMatchObject({ code: '42703' });
    expect((await pool.query(`SELECT to_regclass('events_p20250130') AS leaf`)).rows).toEqual([{ leaf: null }]);
  });
});

describe('dropBefore', () => {
  beforeEach(async () => {
    for (let i = 0; i < 4; i += 1) await ensureDay(pool, 'events', first + i * dayMs, indexes);
  });

  test('drops the days that end at or before the time, oldest first', async () => {
    expect(await dropBefore(pool, 'events', first + 2 * dayMs)).toEqual([first, first + dayMs]);
    expect(await existingDays(pool, 'events')).toEqual([first + 2 * dayMs, first + 3 * dayMs]);
    expect(await dropBefore(pool, 'events', first + 3 * dayMs - 1)).toEqual([]);
    expect((await pool.query(`SELECT to_regclass('events_p20250130') AS leaf`)).rows).toEqual([{ leaf: null }]);
  });

  test('drops what an interrupted call had detached already', async () => {
    await pool.query('ALTER TABLE events DETACH PARTITION events_p20250130 CONCURRENTLY');
    expect(await dropBefore(pool, 'events', first + dayMs)).toEqual([first]);
    expect((await pool.query(`SELECT to_regclass('events_p20250130') AS leaf`)).rows).toEqual([{ leaf: null }]);
  });

  test('finishes a detachment that was cancelled half-way', async () => {
    const reader = await pool.connect();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM events');
    const impatient = await pool.connect();
    await impatient.query(`SET lock_timeout = '100ms'`);
    await expect(
      impatient.query('ALTER TABLE events DETACH PARTITION events_p20250130 CONCURRENTLY'),
    ).rejects.toMatchObject({ code: '55P03' });
    impatient.release(true);
    await reader.query('COMMIT');
    reader.release();
    const { rows } = await pool.query('SELECT count(*)::int AS pending FROM pg_inherits WHERE inhdetachpending');
    expect(rows).toEqual([{ pending: 1 }]);
    expect(await dropBefore(pool, 'events', first + dayMs)).toEqual([first]);
    expect(await existingDays(pool, 'events')).toHaveLength(3);
  });

  test('writers go on while it waits for a reader', async () => {
    const reader = await pool.connect();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM events');
    const dropping = dropBefore(pool, 'events', first + dayMs);
    for (let i = 0; i < 20; i += 1) {
      // The reader holds on until after the last of them.
      await pool.query(`INSERT INTO events (model_id, ts) VALUES (1, '2025-02-01 12:00+00')`);
      await pool.query('SELECT pg_sleep(0.05)');
    }
    await reader.query('COMMIT');
    reader.release();
    expect(await dropping).toEqual([first]);
  });

  test('three at once do it once and all succeed', async () => {
    await Promise.all(Array.from({ length: 3 }, () => dropBefore(pool, 'events', first + 2 * dayMs)));
    expect(await existingDays(pool, 'events')).toEqual([first + 2 * dayMs, first + 3 * dayMs]);
  });

  test('with ensureDay on the same day at the same time, the day is there or gone, never half', async () => {
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([dropBefore(pool, 'events', first + dayMs), ensureDay(pool, 'events', first, indexes)]);
      const { rows } = await pool.query(
        `SELECT c.relname FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
         WHERE c.relname = 'events_p20250130' AND (i.inhrelid IS NULL OR i.inhdetachpending)`,
      );
      expect(rows).toEqual([]);
    }
  });
});
