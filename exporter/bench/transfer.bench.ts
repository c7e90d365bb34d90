// What moving and ageing cost: export and import of a state (1,000 models of 20 features with 30 days of hours of 100 predictions each),
// export of 1,000,000 raw rows as Parquet and NDJSON, each with the memory of the process that does it, against PostgreSQL's own
// COPY TO file (binary) of the same rows; and the merge of a day's hours of 1,000 and 10,000 models.
// BENCH_MODELS, BENCH_DAYS and BENCH_ROWS choose other sizes.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { DAY_MINUTES, MINUTE_MS } from '../src/histogram/time-bucket.ts';
import { resolveDatabase } from '../src/storage/embedded/resolve-database.ts';
import { takeLease } from '../src/storage/leases.ts';
import { createPool } from '../src/storage/pool.ts';
import { EVALUATOR_LEASE, StatisticsStore } from '../src/storage/statistics-store.ts';
import { post, startExporter } from './support/running-exporter.ts';

const MODELS = Number(process.env.BENCH_MODELS ?? 1_000);
const DAYS = Number(process.env.BENCH_DAYS ?? 30);
const RAW_ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000);
const MERGED = [1_000, 10_000];
const FEATURES = 20;
const BATCH = 500;
/** As many as become a baseline, and hours under its bins: enough of them, one after the other, that gzip finds none twice. */
const FIRST_ROWS = 1_000;
const HOURS = 24;
const HOUR_ROWS = 100;
const MAIN = path.join(import.meta.dirname, '..', 'src', 'main.js');
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const LEASE_MS = 60_000;

const event = (model: string, timeMs: number) => ({
  model,
  version: '1',
  timestamp: timeMs,
  features: Object.fromEntries(
    Array.from({ length: FEATURES }, (_, i) => [`feature_${i}`, Math.round(Math.random() * 1e6) / 100]),
  ),
  prediction: Math.random() > 0.5 ? 'yes' : 'no',
  score: Math.random(),
  latency_ms: 5 + Math.random() * 20,
});

function row(what: string, value: string, note = ''): void {
  console.log(`${what.padEnd(52)} ${value.padStart(34)}   ${note}`);
}
const count = (n: number) => Math.round(n).toLocaleString('en');

/** One model with a baseline and an hour of predictions, the others registered; in the database that is left behind. */
async function seed(): Promise<{ readonly dataPath: string; readonly remove: () => void }> {
  const exporter = await startExporter();
  const agent = new http.Agent({ keepAlive: true });
  const send = async (events: readonly unknown[]) => {
    for (let at = 0; at < events.length; at += BATCH) {
      const body = Buffer.from(JSON.stringify(events.slice(at, at + BATCH)));
      const status = await post(
        exporter.url,
        agent,
        '/api/ml/predictions',
        { 'content-type': 'application/json' },
        body,
      );
      if (status !== 200) throw new Error(`the exporter answered ${status}`);
    }
  };
  const lastHour = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 1_800_000;
  await send(Array.from({ length: FIRST_ROWS }, () => event('bench', lastHour)));
  for (const deadline = Date.now() + 120_000; ;) {
    await sleep(500);
    const text = await (await fetch(new URL('/metrics', exporter.url))).text();
    if (/^ml_model_info\{model="bench".*baseline="captured"/m.test(text)) break;
    if (Date.now() > deadline) throw new Error('the first predictions did not become the baseline');
  }
  await send(
    Array.from({ length: HOURS * HOUR_ROWS }, (_, i) =>
      event('bench', lastHour - (1 + (i % HOURS)) * 3_600_000 + Math.floor(i / HOURS) * 10_000),
    ),
  );
  await send(Array.from({ length: MODELS - 1 }, (_, i) => event(`model_${i}`, lastHour)));
  agent.destroy();
  await sleep(20_000);
  // Whatever it has counted is folded when it ends; its data stays.
  const kept = mkdtempSync(path.join(tmpdir(), 'mh-bench-'));
  chmodSync(kept, 0o755);
  await exporter.stop((dataPath) => spawnDone('cp', ['-a', `${dataPath}/.`, kept]));
  return {
    dataPath: kept,
    remove: () => {
      rmSync(kept, { recursive: true, force: true });
    },
  };
}

async function spawnDone(program: string, words: readonly string[]): Promise<void> {
  const code = await new Promise((resolve) => spawn(program, words, { stdio: 'inherit' }).once('exit', resolve));
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
}

/** The hours of that day. */
const DAY = `SELECT row_number() OVER (ORDER BY b.bucket_start) - 1 AS hour, b.scheme_id, b.fence, b.payload
  FROM statistics_bucket b JOIN model_versions v ON v.id = b.version_id JOIN models m ON m.id = v.model_id
  WHERE m.name = 'bench' AND b.segment_id = 0 AND b.bucket_minutes = 60 ORDER BY b.bucket_start LIMIT ${HOURS}`;

/** That day again and again, for every model; and the raw rows again with new ids. */
async function fill(pool: Pool): Promise<void> {
  await pool.query(`CREATE TABLE bench_day AS ${DAY}`);
  // Before the hours that are there.
  const from = Math.floor(Date.now() / MINUTE_MS / DAY_MINUTES - 2) * DAY_MINUTES;
  await pool.query(
    `INSERT INTO statistics_bucket (version_id, scheme_id, segment_id, bucket_start, bucket_minutes, fence, payload)
     SELECT v.id, d.scheme_id, 0, $2 - ${DAY_MINUTES} * day + 60 * d.hour, 60, d.fence, d.payload
     FROM bench_day d, model_versions v, generate_series(1, $1) AS day ORDER BY day, v.id, d.hour`,
    [DAYS, from],
  );
  const { rows } = await pool.query<{ columns: string }>(
    `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns FROM pg_attribute
     WHERE attrelid = 'predictions'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'pid'`,
  );
  const { columns } = rows[0]!;
  const have = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM predictions');
  const times = Math.ceil(RAW_ROWS / have.rows[0]!.n) - 1;
  await pool.query(
    `INSERT INTO predictions (pid, ${columns}) SELECT gen_random_uuid(), ${columns} FROM predictions, generate_series(1, ${times})`,
  );
  await pool.query('ANALYZE');
}

async function mergeDays(pool: Pool): Promise<void> {
  const store = new StatisticsStore(pool);
  const token = await takeLease(pool, EVALUATOR_LEASE, 'bench', LEASE_MS);
  if (token === 0) throw new Error('somebody else holds the lease');
  const lease = { holder: 'bench', token, ttlMs: LEASE_MS };
  // A year before: of none of the days that are exported.
  const day = Math.floor(Date.now() / MINUTE_MS / DAY_MINUTES - 365) * DAY_MINUTES;
  for (const models of MERGED) {
    await pool.query(
      `INSERT INTO statistics_bucket (version_id, scheme_id, segment_id, bucket_start, bucket_minutes, fence, payload)
       SELECT version, scheme_id, 0, $2 + 60 * hour, 60, fence, payload FROM bench_day, generate_series(1, $1) AS version`,
      [models, day],
    );
    await pool.query('ANALYZE statistics_bucket');
    const cpu = process.cpuUsage();
    const began = performance.now();
    let merged = 0;
    let longest = 0;
    for (;;) {
      const from = performance.now();
      const some = await store.mergeDay(lease, day);
      longest = Math.max(longest, performance.now() - from);
      if (some === 0) break;
      merged += some;
    }
    const { user, system } = process.cpuUsage(cpu);
    row(
      `hours into one day, ${count(models)} models`,
      `${((performance.now() - began) / 1_000).toFixed(1)} s, own CPU ${((user + system) / 1e6).toFixed(1)} s`,
      `${count(merged)} hours; longest step ${(longest / 1_000).toFixed(1)} s`,
    );
    await pool.query('DELETE FROM statistics_bucket WHERE bucket_start >= $1 AND bucket_start < $2', [
      day,
      day + DAY_MINUTES,
    ]);
  }
}

/** Seconds of PostgreSQL's own copy to a file. */
async function ceiling(pool: Pool, tables: string, folder: string): Promise<number> {
  const began = performance.now();
  await pool.query(`COPY ${tables} TO '${path.join(folder, 'ceiling')}' (FORMAT binary)`);
  return (performance.now() - began) / 1_000;
}

/** The command as its users run it: seconds, with the start of its database, and the most that its own process held. */
async function command(...words: readonly string[]): Promise<{ readonly seconds: number; readonly megabytes: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (said += piece));
  let kilobytes = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      kilobytes = Math.max(kilobytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // Just ended.
    }
  }, 50);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${String(code)}: ${said}`);
  return { seconds: (performance.now() - began) / 1_000, megabytes: kilobytes / 1_024 };
}

const { dataPath, remove } = await seed();
const folder = mkdtempSync(path.join(tmpdir(), 'mh-bench-'));
chmodSync(folder, 0o777);
try {
  const database = await resolveDatabase({ dataPath, log: quiet });
  const pool = createPool(database.url, { max: 2, applicationName: 'bench', log: quiet, statementTimeoutMs: 0 });
  let [buckets, rows, ofBuckets, ofRows] = [0, 0, 0, 0];
  try {
    await fill(pool);
    const sizes = await pool.query<{ buckets: number; bytes: number; rows: number }>(
      `SELECT (SELECT count(*)::int FROM statistics_bucket) AS buckets, (SELECT avg(length(payload))::float8 FROM statistics_bucket) AS bytes,
         (SELECT count(*)::int FROM predictions) AS rows`,
    );
    ({ buckets, rows } = sizes.rows[0]!);
    row(
      'statistics',
      `${count(buckets)} hours`,
      `of ${count(sizes.rows[0]!.bytes)} B each, of ${count(MODELS)} models`,
    );
    await mergeDays(pool);
    await pool.query('DROP TABLE bench_day');
    ofBuckets = await ceiling(pool, 'statistics_bucket', folder);
    row('COPY TO file of the statistics (ceiling)', `${ofBuckets.toFixed(1)} s`);
    ofRows = await ceiling(pool, '(SELECT * FROM predictions)', folder);
    row('COPY TO file of the raw rows (ceiling)', `${ofRows.toFixed(1)} s`, `${count(rows)} rows`);
  } finally {
    await pool.end();
    await database.stop();
  }
  const at = `--data.path=${dataPath}`;
  const told = (
    what: string,
    file: string,
    result: Awaited<ReturnType<typeof command>>,
    of: number,
    unit: string,
    against: number,
  ) =>
    row(
      what,
      `${result.seconds.toFixed(1)} s, ${count(of / result.seconds)} ${unit}/s`,
      `peak ${count(result.megabytes)} MB; ${(statSync(file).size / 1e6).toFixed(0)} MB file; ${(result.seconds / against).toFixed(1)} times COPY`,
    );
  const state = path.join(folder, 'state.gz');
  told('export of the state', state, await command('export', at, `--output=${state}`), buckets, 'hours', ofBuckets);
  const elsewhere = path.join(folder, 'elsewhere');
  mkdirSync(elsewhere, { mode: 0o755 });
  const imported = await command('import', `--data.path=${elsewhere}`, `--input=${state}`);
  told('import of the state', state, imported, buckets, 'hours', ofBuckets);
  for (const name of ['rows.parquet', 'rows.ndjson.gz', 'rows.ndjson']) {
    const file = path.join(folder, name);
    told(`export of raw rows, ${name}`, file, await command('export', at, `--raw=${file}`), rows, 'rows', ofRows);
    rmSync(file);
  }
} finally {
  remove();
  rmSync(folder, { recursive: true, force: true });
}
