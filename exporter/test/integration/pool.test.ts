import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import net from 'node:net';
import type { Pool } from 'pg';
import { isUnavailable } from '../../src/storage/database-errors.ts';
import { createPool, ping, transaction, withClient } from '../../src/storage/pool.ts';
import type { SeverablePool } from '../../src/storage/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { eventually } from '../support/exporter-process.ts';
import { silentLog } from '../support/silent-log.ts';

let database: TestDatabase;
let pool: Pool;
let admin: Pool;

beforeAll(async () => {
  database = await createEmptyDatabase();
  pool = createPool(database.url, {
    max: 4,
    applicationName: 'pool under test',
    log: silentLog,
    statementTimeoutMs: 2_000,
  });
  admin = createPool(database.url, { max: 1, applicationName: 'admin', log: silentLog });
  await pool.query('CREATE TABLE t (id int PRIMARY KEY, n int)');
});

beforeEach(async () => {
  await pool.query('TRUNCATE t');
});

afterAll(async () => {
  await Promise.all([pool.end(), admin.end()]);
  await database.drop();
});

async function terminateAll(): Promise<void> {
  await admin.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pool under test'`,
  );
}

async function ids(): Promise<readonly number[]> {
  const { rows } = await admin.query<{ id: number }>('SELECT id FROM t ORDER BY id');
  return rows.map(({ id }) => id);
}

describe('createPool', () => {
  test('idle connections that the server ends are replaced', async () => {
    await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 1')]);
    await terminateAll();
    // Both may still look whole to us.
    await eventually(async () => expect(await ping(pool)).toEqual({ ok: true, latencyMs: expect.any(Number) }));
  });

  test('a connection that breaks between two statements fails its transaction only', async () => {
    const broken = transaction(pool, async (client) => {
      await client.query('INSERT INTO t VALUES (1)');
      await terminateAll();
      await admin.query('SELECT pg_sleep(0.05)');
      await client.query('INSERT INTO t VALUES (2)');
    });
    await expect(broken).rejects.toThrow();
    expect(await ids()).toEqual([]);
    expect(await ping(pool)).toMatchObject({ ok: true });
  });

  test('a statement longer than the limit is cancelled', async () => {
    await expect(pool.query('SELECT pg_sleep(10)')).rejects.toMatchObject({ code: '57014' });
  });

  test('a server that is not there is a reason, not an exception', async () => {
    const nowhere = createPool('postgresql://me@127.0.0.1:1/none', {
      max: 1,
      applicationName: 'nowhere',
      log: silentLog,
    });
    expect(await ping(nowhere)).toEqual({ ok: false, reason: expect.stringContaining('ECONNREFUSED') });
    await nowhere.end();
  });
});

describe('sever', () => {
  const pools: SeverablePool[] = [];
  /** Nobody waits for a connection for so short that it would end by itself. */
  const patient = (url: string) => {
    const made = createPool(url, {
      max: 1,
      applicationName: 'severed',
      log: silentLog,
      statementTimeoutMs: 0,
      connectTimeoutMs: 3_600_000,
    });
    pools.push(made);
    return made;
  };
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((one) => one.end()));
  });

  test('ends what is under way, what waits for a connection, and what would begin; until it is mended', async () => {
    const severed = patient(database.url);
    const underWay = severed.query('SELECT pg_sleep(3600)');
    const waiting = [severed.query('SELECT 1'), withClient(severed, (client) => client.query('SELECT 1'))];
    await eventually(async () => {
      const { rows } = await admin.query(
        "SELECT FROM pg_stat_activity WHERE application_name = 'severed' AND wait_event = 'PgSleep'",
      );
      expect(rows).toHaveLength(1);
    });
    severed.sever();
    await expect(underWay).rejects.toThrow('terminated');
    for (const one of [...waiting, severed.query('SELECT 1'), severed.connect()])
      await expect(one).rejects.toMatchObject({ code: '08006' });
    severed.mend();
    expect(await ping(severed)).toMatchObject({ ok: true });
  });

  test('ends what waits for a server that accepts and says nothing', async () => {
    const accepted = new Set<net.Socket>();
    const mute = net.createServer((socket) => accepted.add(socket)).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => mute.once('listening', resolve));
      const severed = patient(`postgresql://me@127.0.0.1:${(mute.address() as net.AddressInfo).port}/none`);
      const asked = [severed.query('SELECT 1'), severed.query('SELECT 1')].map((one) =>
        one.catch((error: unknown) => error),
      );
      await eventually(() => {
        expect(accepted.size).toBe(1);
        return Promise.resolve();
      });
      severed.sever();
      expect((await Promise.all(asked)).every((error) => isUnavailable(error))).toBe(true);
    } finally {
      for (const socket of accepted) socket.destroy();
      mute.close();
    }
  });
});

describe('withClient', () => {
  test('gives the connection back also when the work throws', async () => {
    for (let i = 0; i < 10; i += 1)
      await expect(withClient(pool, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(await ping(pool)).toMatchObject({ ok: true });
  });
});

describe('transaction', () => {
  test('commits what the work did and returns its result', async () => {
    expect(
      await transaction(pool, async (client) => (await client.query('INSERT INTO t VALUES (1), (2)')).rowCount),
    ).toBe(2);
    expect(await ids()).toEqual([1, 2]);
  });

  test('rolls back when the work throws, with its error', async () => {
    const failed = transaction(pool, async (client) => {
      await client.query('INSERT INTO t VALUES (1)');
      throw new RangeError('mine');
    });
    await expect(failed).rejects.toThrow(RangeError);
    expect(await ids()).toEqual([]);
  });

  test('an error of a statement that the work swallows does not look like a commit', async () => {
    const failed = transaction(pool, async (client) => {
      await client.query('INSERT INTO t VALUES (1)');
      await client.query('INSERT INTO t VALUES (1)').catch(() => undefined);
    });
    await expect(failed).rejects.toMatchObject({ code: 'TRANSACTION_ROLLED_BACK' });
    expect(await ids()).toEqual([]);
  });

  test('isolation and read-only are as asked for', async () => {
    const asked = { isolation: 'repeatable read', readOnly: true } as const;
    const level = await transaction(
      pool,
      async (client) => (await client.query('SHOW transaction_isolation')).rows,
      asked,
    );
    expect(level).toEqual([{ transaction_isolation: 'repeatable read' }]);
    await expect(transaction(pool, (client) => client.query('INSERT INTO t VALUES (1)'), asked)).rejects.toMatchObject({
      code: '25006',
    });
  });

  test('of two that deadlock both succeed in the end', async () => {
    await pool.query('INSERT INTO t VALUES (1, 0), (2, 0)');
    let runs = 0;
    const cross = (first: number, second: number): Promise<void> =>
      transaction(
        pool,
        async (client) => {
          runs += 1;
          await client.query('UPDATE t SET n = n + 1 WHERE id = $1', [first]);
          await client.query('SELECT pg_sleep(0.1)');
          await client.query('UPDATE t SET n = n + 1 WHERE id = $1', [second]);
        },
        { attempts: 3 },
      );
    await Promise.all([cross(1, 2), cross(2, 1)]);
    expect(runs).toBe(3);
    expect((await pool.query('SELECT n FROM t ORDER BY id')).rows).toEqual([{ n: 2 }, { n: 2 }]);
  });
});
