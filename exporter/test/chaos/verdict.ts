import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { createPool } from '../../src/storage/pool.ts';
import { eventually, metric } from '../support/exporter-process.ts';
import { compareWhenCounted } from '../support/recount.ts';
import { silentLog } from '../support/silent-log.ts';
import type { OwnServer } from '../support/test-server.ts';
import type { PacedLoad } from './paced-load.ts';

/** Looks for everything that was acknowledged, once; counts the rows again; and asks the one exporter that shows models. true: all is right. */
export async function verdict(
  server: OwnServer,
  targets: () => readonly string[],
  load: PacedLoad,
  say: (text: string) => void,
): Promise<boolean> {
  const pool = createPool(server.url, { max: 2, applicationName: 'chaos', log: silentLog, statementTimeoutMs: 0 });
  try {
    const stored = await pool.query<{ pid: string; copies: string }>(
      'SELECT pid, count(*) AS copies FROM predictions GROUP BY pid',
    );
    const copies = new Map(stored.rows.map((row) => [row.pid, Number(row.copies)]));
    const lost = [...load.acknowledged].filter((id) => !copies.has(id)).length;
    const doubled = [...copies.values()].filter((count) => count !== 1).length;
    const labels = await pool.query<{ pid: string }>('SELECT pid FROM ground_truth');
    const known = new Set(labels.rows.map(({ pid }) => pid));
    const lostLabels = [...load.labelled].filter((id) => !known.has(id)).length;
    const shown = await eventually(async () => {
      const counts = await Promise.all(targets().map((base) => metric(base, 'ml_predictions_total')));
      const holders = counts.filter((count) => !Number.isNaN(count));
      if (holders.length !== 1 || holders[0] !== copies.size)
        throw new Error(`${holders.join(' and ')} counted of ${copies.size} stored`);
      return holders[0];
    }, 120_000);
    const catalog = new Catalog(pool, () => DEFAULT_SETTINGS, { now: () => Date.now() });
    await catalog.load();
    const compared = await compareWhenCounted(pool, catalog, Date.now() - 12 * 3_600_000);
    say(`acknowledged ${load.acknowledged.size} predictions and ${load.labelled.size} labels in this phase`);
    say(`stored ${copies.size} predictions, counter of the one exporter that shows models ${shown}`);
    say(`lost ${lost} predictions, ${lostLabels} labels; stored twice ${doubled}`);
    say(
      `statistics against a recount of ${compared.rows} rows, ${compared.labelled} labels: ${compared.differences.length} differences`,
    );
    for (const line of compared.differences.slice(0, 10)) say(`  ${line}`);
    return lost + lostLabels + doubled + compared.differences.length === 0;
  } finally {
    await pool.end();
  }
}
