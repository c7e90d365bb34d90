// Durable intake over HTTP against the ceiling of PostgreSQL itself: server-side COPY ... FROM file (FORMAT binary) of the same rows into
// a table with the same indexes. Targets: a third of the ceiling at 500 events a request and 40,000 events/s; 5,000/s at one event a
// request; p99 under 100 ms at 100 a request. Client, exporter and PostgreSQL share the machine.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clusterUrl } from '../src/storage/embedded/cluster.ts';
import { createPool } from '../src/storage/pool.ts';
import { bodyOf, load, PLACEHOLDER_ID } from './support/event-load.ts';
import type { LoadResult } from './support/event-load.ts';
import { startExporter } from './support/running-exporter.ts';

const NUMERIC = 15;
const CATEGORICAL = 5;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 8);
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function event(): unknown {
  const features: Record<string, unknown> = {};
  for (let i = 0; i < NUMERIC; i++)
    features[`feature_num_${i}`] = i < 6 ? Math.floor(Math.random() * 1_000) : Math.round(Math.random() * 1e6) / 100;
  for (let i = 0; i < CATEGORICAL; i++)
    features[`feature_cat_${i}`] = `value_${Math.floor(Math.random() * (3 + 8 * i))}`;
  const score = Math.random();
  return {
    model: 'bench',
    version: '1',
    prediction_id: PLACEHOLDER_ID,
    timestamp: new Date(Date.now() - Math.random() * 60_000).toISOString(),
    features,
    prediction: score > 0.5 ? 'yes' : 'no',
    score,
    latency_ms: Math.round(Math.exp(2 + Math.random()) * 100) / 100,
    error: Math.random() < 0.01 ? 'timeout' : null,
  };
}

/** `events` a request, `connections` at once. */
function send(url: URL, events: number, connections: number): Promise<LoadResult> {
  const bodies = Array.from({ length: connections }, () =>
    bodyOf(Buffer.from(JSON.stringify(Array.from({ length: events }, event)))),
  );
  return load(url, bodies, { connections, seconds: SECONDS });
}

/** A baseline counts the stored rows again: once in a model's life, and no part of steady intake. */
async function baselineMade(url: URL): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline;) {
    const exposition = await (await fetch(new URL('/metrics', url))).text();
    if (/^ml_model_info\{model="bench".*baseline="captured"/m.test(exposition)) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('the first predictions did not become the baseline within a minute');
}

/** Rows a second of PostgreSQL alone, from a file of rows that the exporter stored. */
async function ceiling(
  databaseUrl: string,
): Promise<{ readonly rowsPerSecond: number; readonly rows: number; readonly bytesPerRow: number }> {
  const pool = createPool(databaseUrl, { max: 1, applicationName: 'bench', log: quiet, statementTimeoutMs: 0 });
  const folder = mkdtempSync(path.join(tmpdir(), 'mh-bench-'));
  chmodSync(folder, 0o777);
  const file = path.join(folder, 'rows');
  try {
    const leaf = await pool.query<{ name: string }>(
      "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'predictions'::regclass ORDER BY pg_relation_size(inhrelid) DESC LIMIT 1",
    );
    const { name } = leaf.rows[0]!;
    await pool.query(`COPY (SELECT * FROM ${name} LIMIT 300000) TO '${file}' (FORMAT binary)`);
    const rates: number[] = [];
    let rows = 0;
    for (let run = 0; run < 3; run++) {
      await pool.query(`CREATE TABLE ceiling (LIKE ${name} INCLUDING ALL)`);
      const began = performance.now();
      const copied = await pool.query(`COPY ceiling FROM '${file}' (FORMAT binary)`);
      rows = copied.rowCount ?? 0;
      rates.push(rows / ((performance.now() - began) / 1_000));
      await pool.query('DROP TABLE ceiling');
    }
    const size = await pool.query<{ per_row: number }>(
      `SELECT pg_total_relation_size('${name}')::float8 / greatest(1, (SELECT count(*) FROM ${name})) AS per_row`,
    );
    return { rowsPerSecond: rates.sort((a, b) => a - b)[1]!, rows, bytesPerRow: size.rows[0]!.per_row };
  } finally {
    await pool.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

function row(what: string, value: string, target = ''): void {
  console.log(`${what.padEnd(46)} ${value.padStart(30)}   ${target}`);
}

const exporter = await startExporter();
const databaseUrl = clusterUrl(path.join(exporter.dataPath, 'run'));
try {
  // The first requests make the model and its features; at the next tick they are its baseline, and counted again under its bins.
  await send(exporter.url, 200, 2);
  await baselineMade(exporter.url);
  const batch = await send(exporter.url, 500, 8);
  const hundred = await send(exporter.url, 100, 4);
  const single = await send(exporter.url, 1, 32);
  const limit = await ceiling(databaseUrl);
  const share = batch.eventsPerSecond / limit.rowsPerSecond;
  row(
    'server-side COPY FROM file, binary (ceiling)',
    `${Math.round(limit.rowsPerSecond).toLocaleString('en')} rows/s`,
    `${limit.rows.toLocaleString('en')} rows, same indexes`,
  );
  row(
    'durable HTTP intake, 500 events a request',
    `${Math.round(batch.eventsPerSecond).toLocaleString('en')} events/s`,
    'target 40,000',
  );
  row('  share of the ceiling', share.toFixed(3), 'target 0.333');
  row('  p50, p99', `${batch.p50Ms.toFixed(1)}, ${batch.p99Ms.toFixed(1)} ms`, '');
  row(
    '100 events a request',
    `${Math.round(hundred.eventsPerSecond).toLocaleString('en')} events/s, p99 ${hundred.p99Ms.toFixed(1)} ms`,
    'target p99 100 ms',
  );
  row(
    '1 event a request',
    `${Math.round(single.eventsPerSecond).toLocaleString('en')} events/s, p99 ${single.p99Ms.toFixed(1)} ms`,
    'target 5,000',
  );
  row('on disk, indexes included', `${Math.round(limit.bytesPerRow)} B a prediction`, 'target 450');
} finally {
  await exporter.stop();
}
