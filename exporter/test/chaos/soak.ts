// `npm run chaos -- soak [minutes] [events/s]`: steady load on one exporter, and what it does to it: memory, delay of the event loop, open
// descriptors, and the bloat of its tables. Figures are printed each half minute; nothing is asserted.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../../src/storage/pool.ts';
import { embeddedUrl, metric, startExporter } from '../support/exporter-process.ts';
import { silentLog } from '../support/silent-log.ts';
import { temporaryFolder } from '../support/test-server.ts';
import { PacedLoad } from './paced-load.ts';

const [minutes = 20, rate = 5_000] = process.argv.slice(3).map(Number);
const EVERY_MS = 30_000;

async function main(): Promise<void> {
  const dataPath = temporaryFolder();
  const exporter = await startExporter({
    dataPath,
    flags: [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`],
  });
  const pool = createPool(embeddedUrl(dataPath), { max: 1, applicationName: 'soak', log: silentLog });
  const load = new PacedLoad({ targets: () => [exporter.baseUrl], senders: 6, batch: 100, perSecond: rate });
  process.stdout.write('minute  events/s  p99 ms  RSS MB  loop p99 ms  descriptors  delta kB  bucket kB  dead rows\n');
  try {
    let before = 0;
    for (let tick = 1; tick * EVERY_MS <= minutes * 60_000; tick++) {
      await sleep(EVERY_MS);
      const sent = load.acknowledged.size;
      const latencies = load.latenciesMs.splice(0).sort((a, b) => a - b);
      const { rows } = await pool.query<{ delta: string; bucket: string; dead: string }>(
        `SELECT pg_total_relation_size('statistics_delta') AS delta, pg_total_relation_size('statistics_bucket') AS bucket,
                (SELECT sum(n_dead_tup) FROM pg_stat_user_tables) AS dead`,
      );
      const cells = [
        (tick * EVERY_MS) / 60_000,
        Math.round((sent - before) / (EVERY_MS / 1000)),
        Math.round(latencies[Math.floor(latencies.length * 0.99)] ?? NaN),
        Math.round(residentBytes(exporter.pid) / 2 ** 20),
        Math.round((await metric(exporter.baseUrl, 'nodejs_eventloop_lag_p99_seconds')) * 1000),
        readdirSync(`/proc/${exporter.pid}/fd`).length,
        Math.round(Number(rows[0]!.delta) / 1024),
        Math.round(Number(rows[0]!.bucket) / 1024),
        rows[0]!.dead,
      ];
      process.stdout.write(`${cells.join('  ')}\n`);
      before = sent;
    }
  } finally {
    await load.finish();
    await pool.end();
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  }
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

void main();
