import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { migrate } from '../../src/storage/migrate.ts';
import { createPool } from '../../src/storage/pool.ts';
import { openCore } from '../support/core.ts';
import { makeEvents } from '../support/load.ts';
import { compareWithRawRows } from '../support/recount.ts';
import { silentLog } from '../support/silent-log.ts';
import { startOwnServer } from '../support/test-server.ts';

/** Where Debian 12 puts it; every other test runs on the bundled 18. */
const BINARIES = '/usr/lib/postgresql/15/bin';
const HOUR = 3_600_000;
/** npm test installs it where it may, and says where it may not. */
const onPostgres15 = existsSync(path.join(BINARIES, 'postgres')) ? test : test.skip;

onPostgres15(
  'on PostgreSQL 15: migrations, COPY, retries, labels, a switch, a fold, and a recount without a difference',
  async () => {
    const server = await startOwnServer({ binDirs: [BINARIES] });
    try {
      const pool = createPool(server.url, { max: 1, applicationName: 'test', log: silentLog });
      const version = await pool.query<{ server_version: string }>('SHOW server_version');
      expect(version.rows[0]!.server_version).toMatch(/^15\./);
      await migrate(pool, path.resolve(__dirname, '..', '..', 'migrations')).finally(() => pool.end());
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
      } finally {
        await core.close();
      }
    } finally {
      await server.stop();
    }
  },
  120_000,
);
