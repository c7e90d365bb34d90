import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { releaseLease, takeLease } from '../../src/storage/leases.ts';
import { createPool } from '../../src/storage/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { silentLog } from '../support/silent-log.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createEmptyDatabase();
  pool = createPool(database.url, { max: 10, applicationName: 'leases', log: silentLog });
  await pool.query(
    'CREATE TABLE leases (name text PRIMARY KEY, holder text NOT NULL, token bigint NOT NULL, expires_at timestamptz NOT NULL)',
  );
});

beforeEach(async () => {
  await pool.query('TRUNCATE leases');
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Lets the lease run out without waiting for it. */
async function expire(name: string): Promise<void> {
  await pool.query(`UPDATE leases SET expires_at = clock_timestamp() - interval '1 second' WHERE name = $1`, [name]);
}

describe('takeLease', () => {
  test('the first holder gets token 1, a renewal keeps it', async () => {
    expect(await takeLease(pool, 'evaluator', 'a', 10_000)).toBe(1);
    expect(await takeLease(pool, 'evaluator', 'a', 10_000)).toBe(1);
  });

  test('a renewal moves the end by the time of the database', async () => {
    await takeLease(pool, 'evaluator', 'a', 1_000);
    await takeLease(pool, 'evaluator', 'a', 60_000);
    const { rows } = await pool.query(
      'SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 AS seconds FROM leases',
    );
    expect(rows[0].seconds).toBeGreaterThan(55);
    expect(rows[0].seconds).toBeLessThanOrEqual(60);
  });

  test('another holder gets 0 while it runs, and a higher token when it has run out', async () => {
    await takeLease(pool, 'evaluator', 'a', 10_000);
    expect(await takeLease(pool, 'evaluator', 'b', 10_000)).toBe(0);
    await expire('evaluator');
    expect(await takeLease(pool, 'evaluator', 'b', 10_000)).toBe(2);
    expect(await takeLease(pool, 'evaluator', 'a', 10_000)).toBe(0);
  });

  test('a late renewal that nobody overtook keeps the token', async () => {
    await takeLease(pool, 'evaluator', 'a', 10_000);
    await expire('evaluator');
    expect(await takeLease(pool, 'evaluator', 'a', 10_000)).toBe(1);
  });

  test('a holder that was overtaken and comes back gets a token above the other', async () => {
    await takeLease(pool, 'evaluator', 'a', 10_000);
    await expire('evaluator');
    await takeLease(pool, 'evaluator', 'b', 10_000);
    await expire('evaluator');
    expect(await takeLease(pool, 'evaluator', 'a', 10_000)).toBe(3);
  });

  test('leases of different names do not meet', async () => {
    expect(await takeLease(pool, 'evaluator', 'a', 10_000)).toBe(1);
    expect(await takeLease(pool, 'retention', 'b', 10_000)).toBe(1);
  });

  test('of twenty contenders at once exactly one has it', async () => {
    for (const state of ['new', 'run out']) {
      const tokens = await Promise.all(
        Array.from({ length: 20 }, (_, i) => takeLease(pool, 'evaluator', `${state} ${i}`, 10_000)),
      );
      expect(tokens.filter((token) => token > 0)).toEqual([state === 'new' ? 1 : 2]);
      await expire('evaluator');
    }
  });
});

describe('releaseLease', () => {
  test('lets another take it at once, with a higher token', async () => {
    await takeLease(pool, 'evaluator', 'a', 60_000);
    expect(await releaseLease(pool, 'evaluator', 'a')).toBe(true);
    expect(await takeLease(pool, 'evaluator', 'b', 60_000)).toBe(2);
  });

  test('the same holder, too, gets a new token after it', async () => {
    await takeLease(pool, 'evaluator', 'a', 60_000);
    await releaseLease(pool, 'evaluator', 'a');
    expect(await takeLease(pool, 'evaluator', 'a', 60_000)).toBe(2);
  });

  test('of another holder changes nothing', async () => {
    await takeLease(pool, 'evaluator', 'a', 60_000);
    expect(await releaseLease(pool, 'evaluator', 'b')).toBe(false);
    expect(await releaseLease(pool, 'no such lease', 'b')).toBe(false);
    expect(await takeLease(pool, 'evaluator', 'b', 60_000)).toBe(0);
  });
});
