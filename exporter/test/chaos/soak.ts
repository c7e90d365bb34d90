// `npm run chaos -- soak [minutes] [events/s]`: steady load on one exporter, and what it does to it: memory, delay of the event loop, open
// handles and descriptors, and the bloat of its tables. Figures are printed each minute; at the end all that was acknowledged is looked for.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { createPool } from '../../src/storage/pool.ts';
import { embeddedUrl, startExporter, valueIn } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { silentLog } from '../support/silent-log.ts';
import { temporaryFolder } from '../support/test-server.ts';
import { Ledger } from './ledger.ts';
import { PacedLoad } from './paced-load.ts';
import { verdict } from './verdict.ts';

const [minutes = 20, rate = 5_000] = process.argv.slice(3).map(Number);
const EVERY_MS = 60_000;
const say = (text: string) => process.stdout.write(`${text}\n`);
const HEADINGS = [
  'minute',
  'events/s',
  'p99 ms',
  'RSS MB',
  'heap MB',
  'loop p99 ms',
  'handles',
  'descriptors',
  'CPU %',
  'delta kB',
  'bucket kB',
  'dead rows %',
] as const;

async function main(): Promise<void> {
  const dataPath = temporaryFolder();
  const exporter = await startExporter({
    dataPath,
    flags: [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`],
  });
  const pool = createPool(embeddedUrl(dataPath), { max: 1, applicationName: 'soak', log: silentLog });
  const ledger = new Ledger();
  const load = new PacedLoad({
    targets: () => [exporter.baseUrl],
    senders: 4,
    batch: 500,
    perSecond: rate,
    ledger,
  });
  const began = performance.now();
  let before = 0;
  line(HEADINGS);
  line(HEADINGS.map((heading) => '-'.repeat(heading.length)));
  try {
    for (let minute = 1; minute * EVERY_MS <= minutes * 60_000; minute++) {
      await sleep(began + minute * EVERY_MS - performance.now());
      const sent = load.count;
      const latencies = load.latenciesMs.splice(0).sort((a, b) => a - b);
      const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? NaN;
      line([
        minute,
        (sent - before) / (EVERY_MS / 1000),
        p99,
        ...(await processFigures(exporter)),
        ...(await tableFigures(pool)),
      ]);
      before = sent;
    }
    await load.finish();
    say(`not acknowledged at once: ${[...load.refusals].flat().join(' ') || 'none'}`);
    process.exitCode = (await verdict(embeddedUrl(dataPath), () => [exporter.baseUrl], ledger, say)) ? 0 : 1;
  } finally {
    await pool.end();
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  }
}

function line(cells: readonly (string | number)[]): void {
  const texts = cells.map((cell, i) =>
    (typeof cell === 'number' ? String(Math.round(cell * 10) / 10) : cell).padStart(HEADINGS[i]!.length),
  );
  say(`| ${texts.join(' | ')} |`);
}

let cpuBefore = 0;

/** RSS and heap in MB, delay of the event loop in ms, handles, descriptors, share of a core since the last time. */
async function processFigures({ baseUrl, pid }: ExporterProcess): Promise<number[]> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text();
  const cpu = valueIn(text, 'process_cpu_seconds_total');
  const share = (cpu - cpuBefore) / (EVERY_MS / 1000);
  cpuBefore = cpu;
  return [
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024,
    valueIn(text, 'nodejs_heap_size_used_bytes') / 2 ** 20,
    valueIn(text, 'nodejs_eventloop_lag_p99_seconds') * 1000,
    valueIn(text, 'nodejs_active_handles'),
    readdirSync(`/proc/${pid}/fd`).length,
    share * 100,
  ];
}

/** kB of the tables that are rewritten all the time, and dead rows of all tables as a share of all of theirs. */
async function tableFigures(pool: Pool): Promise<number[]> {
  const { rows } = await pool.query<{ delta: number; bucket: number; dead: number }>(
    `SELECT pg_total_relation_size('statistics_delta') / 1024.0::float8 AS delta,
            pg_total_relation_size('statistics_bucket') / 1024.0::float8 AS bucket,
            (SELECT 100.0::float8 * sum(n_dead_tup) / greatest(1, sum(n_live_tup + n_dead_tup)) FROM pg_stat_user_tables) AS dead`,
  );
  return [rows[0]!.delta, rows[0]!.bucket, rows[0]!.dead];
}

void main();
