import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { HistoryStore } from '../../src/storage/history-store.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { createPool } from '../../src/storage/pool.ts';
import { ModelStore } from '../../src/storage/model-store.ts';
import { readRawRows } from '../../src/storage/raw-row-reader.ts';
import { exportState } from '../../src/storage/export-state.ts';
import { importState } from '../../src/storage/import-state.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { makeEvents } from '../support/load.ts';
import { compareWithRawRows } from '../support/recount.ts';
import { silentLog } from '../support/silent-log.ts';
import { databaseUrl, execute, startOwnServer } from '../support/test-server.ts';

/** Where Debian 12 puts it; every other test runs on the bundled 18. */
const BINARIES = '/usr/lib/postgresql/15/bin';
const HOUR = 3_600_000;
/** npm test installs it where it may, and says where it may not. */
const onPostgres15 = existsSync(path.join(BINARIES, 'postgres')) ? test : test.skip;

onPostgres15(
  'on PostgreSQL 15: migrations, COPY, retries, labels, a switch, a fold, a recount without a difference, export and import, retention, deletion',
  async () => {
    const server = await startOwnServer({ binDirs: [BINARIES] });
    try {
      const pool = createPool(server.url, { max: 1, applicationName: 'test', log: silentLog });
      const version = await pool.query<{ server_version: string }>('SHOW server_version');
      expect(version.rows[0]!.server_version).toMatch(/^15\./);
      await migrate(pool, MIGRATIONS).finally(() => pool.end());
      const now = Date.now();
      const core = await openCore(server.url, { now: () => now });
      try {
        const events = makeEvents(1_000, 2).map((event) => ({ ...event }));
        expect(await core.predict(events)).toMatchObject({ accepted: 1_000, rejected: 0 });
        expect(await core.predict(events.slice(0, 100))).toMatchObject({ accepted: 0, duplicates: 100 });
        const labels = events.slice(0, 400).map(({ model, prediction_id }) => ({ model, prediction_id, label: 'yes' }));
        expect(await core.label(labels)).toMatchObject({ joined: 400 });
        await core.capture('model_0', '1', { fromMs: now - 5 * HOUR, toMs: now, limit: 300 });
        await core.evaluator.catchUp();
        await core.evaluator.fold();
        const compared = await compareWithRawRows(core.pool, core.catalog, now - 24 * HOUR);
        expect(compared.differences).toEqual([]);
        expect([compared.rows, compared.counted, compared.labelled]).toEqual([1_000, 1_000, 400]);
        await moveAndAge(server.url, core);
      } finally {
        await core.close();
      }
    } finally {
      await server.stop();
    }
  },
  120_000,
);

const MIGRATIONS = path.resolve(__dirname, '..', '..', 'migrations');

/** Exports, imports elsewhere; then lets days go for their size, hours become days, and a model be deleted. */
async function moveAndAge(url: string, core: Core): Promise<void> {
  const pieces: Buffer[] = [];
  await exportState(
    core.pool,
    MIGRATIONS,
    Date.now(),
    (piece) => Promise.resolve(void pieces.push(Buffer.from(piece))),
    () => undefined,
  );
  await execute(url, 'CREATE DATABASE elsewhere');
  const elsewhere = createPool(databaseUrl(url, 'elsewhere'), { max: 3, applicationName: 'test', log: silentLog });
  const given = (async function* () {
    await Promise.resolve();
    yield* pieces;
  })();
  const counts = await importState(elsewhere, MIGRATIONS, given, () => undefined).finally(() => elsewhere.end());
  expect(counts.statistics_bucket).toBeGreaterThan(0);
  let raw = 0;
  await readRawRows(core.pool, { fromMs: -Infinity, toMs: Infinity, model: null }, (rows) =>
    Promise.resolve(void (raw += rows.length)),
  );
  expect(raw).toBe(1_000);

  const span = [Date.now() - 48 * HOUR, Date.now()] as const;
  const past = await new HistoryStore(core.pool).predictions(...span);
  expect(await core.days.dropBeyond(0, Date.now() + 48 * HOUR)).not.toBeNull();
  expect(await core.days.oldestMs()).toBeNull();
  expect(await core.groundTruth.deleteBefore(Date.now(), 0)).toBe(400);
  const { rows } = await core.pool.query<{ holder: string; token: string }>('SELECT holder, token FROM leases');
  const lease = { holder: rows[0]!.holder, token: Number(rows[0]!.token), ttlMs: 5_000 };
  for (
    let oldest = await core.statistics.oldestUnmerged();
    oldest !== null;
    oldest = await core.statistics.oldestUnmerged()
  )
    expect(await core.statistics.mergeDay(lease, oldest - (oldest % 1_440))).toBeGreaterThan(0);
  expect(await new HistoryStore(core.pool).predictions(...span)).toEqual(past);
  await new ModelStore(core.pool, core.catalog).remove('model_0');
  expect(await core.statistics.deleteBefore(Date.now() / 60_000 + 2_880)).toBeGreaterThan(0);
}
