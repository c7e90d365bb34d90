import type { Pool } from 'pg';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { createPool, transaction } from '../../src/storage/pool.ts';
import { batches } from '../support/batches.ts';
import { eventually, metric } from '../support/exporter-process.ts';
import { compareWhenCounted } from '../support/recount.ts';
import { silentLog } from '../support/silent-log.ts';
import type { Ledger } from './ledger.ts';

const SAY_EVERY_MS = 15_000;

/** Looks for everything that was acknowledged, once; counts the rows again; and asks the one exporter that shows models. true: all is right. */
export async function verdict(
  url: string,
  targets: () => readonly string[],
  ledger: Ledger,
  say: (text: string) => void,
): Promise<boolean> {
  const pool = createPool(url, { max: 2, applicationName: 'chaos', log: silentLog, statementTimeoutMs: 0 });
  try {
    await look(pool, ledger, progressOf(say));
    const { acknowledged, acknowledgedLabels, stored, lost, lostLabels, twice, strange } = ledger.tally();
    say(`acknowledged ${acknowledged} predictions and ${acknowledgedLabels} labels`);
    say(
      `stored ${stored} predictions; lost ${lost}, and ${lostLabels} labels; stored twice ${twice}, never sent ${strange}`,
    );
    const shown = await eventually(async () => {
      const counts = await Promise.all(targets().map((base) => metric(base, 'ml_predictions_total')));
      const holders = counts.filter((count) => !Number.isNaN(count));
      if (holders.length !== 1 || holders[0] !== stored)
        throw new Error(`${holders.join(' and ')} counted of ${stored} stored`);
      return holders[0];
    }, 120_000);
    say(`counter of the one exporter that shows models ${shown}`);
    const catalog = new Catalog(pool, () => DEFAULT_SETTINGS, { now: () => Date.now() });
    await catalog.load();
    const compared = await compareWhenCounted(pool, catalog, Date.now() - 12 * 3_600_000, progressOf(say));
    const { rows, labelled, differences } = compared;
    say(`statistics against a recount of ${rows} rows, ${labelled} labels: ${differences.length} differences`);
    for (const line of differences.slice(0, 10)) say(`  ${line}`);
    const { rss } = process.memoryUsage();
    say(`memory of this program, which sent and counted: ${Math.round(rss / 2 ** 20)} MB`);
    return lost + lostLabels + twice + strange + differences.length === 0 && rows === stored;
  } finally {
    await pool.end();
  }
}

/** Tells the ledger of all that is stored. */
function look(pool: Pool, ledger: Ledger, progress: (rows: number) => void): Promise<void> {
  return transaction(
    pool,
    async (client) => {
      let seen = 0;
      const idsOf = (table: string) => batches<{ pid: string }>(client, `SELECT pid FROM ${table}`);
      for await (const rows of idsOf('predictions')) {
        ledger.found(rows.map(({ pid }) => pid));
        progress((seen += rows.length));
      }
      for await (const rows of idsOf('ground_truth')) ledger.foundLabels(rows.map(({ pid }) => pid));
    },
    { isolation: 'repeatable read', readOnly: true },
  );
}

/** Says how far it is, a few times a minute. */
function progressOf(say: (text: string) => void): (rows: number) => void {
  let saidMs = performance.now();
  return (rows) => {
    if (performance.now() - saidMs < SAY_EVERY_MS) return;
    saidMs = performance.now();
    say(`  ${new Date().toISOString().slice(11, 19)} ${rows} rows looked at`);
  };
}
