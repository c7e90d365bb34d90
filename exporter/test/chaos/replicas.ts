// `npm run chaos -- replicas [minutes] [replicas] [events/s]`: many exporters on one PostgreSQL take in, the one that evaluates is killed again
// and again. Ends with the times of failover, how many showed models at once, the connections, and a recount.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '../../src/storage/pool.ts';
import { eventually, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { silentLog } from '../support/silent-log.ts';
import { startOwnServer, temporaryFolder } from '../support/test-server.ts';
import { PacedLoad } from './paced-load.ts';
import { verdict } from './verdict.ts';

const [minutes = 3, count = 10, rate = 1_000] = process.argv.slice(3).map(Number);
const CALM_MS = 5_000;
const LOOK_EVERY_MS = 250;
const FLAGS = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`];
const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const folder = temporaryFolder();
  const server = await startOwnServer({ settings: { max_connections: String(12 * count + 20) } });
  const pool = createPool(server.url, { max: 1, applicationName: 'replicas', log: silentLog });
  const replicas: (ExporterProcess | null)[] = Array<null>(count).fill(null);
  const start = async (index: number) => {
    replicas[index] = await startExporter({
      dataPath: folder,
      flags: FLAGS,
      environment: { DATABASE_URL: server.url },
    });
  };
  try {
    for (let i = 0; i < count; i++) await start(i);
    const targets = () => replicas.flatMap((replica) => (replica === null ? [] : [replica.baseUrl]));
    const load = new PacedLoad({ targets, senders: count, batch: 100, perSecond: rate });
    const watch = watchModels(targets);
    const failovers: number[] = [];
    let connections = 0;
    for (const until = performance.now() + minutes * 60_000; performance.now() < until;) {
      await sleep(CALM_MS);
      connections = Math.max(connections, await connectionsOf());
      const index = await eventually(() => holderOf(replicas));
      const holder = replicas[index]!;
      const before = await metric(holder.baseUrl, 'ml_predictions_total');
      replicas[index] = null;
      await holder.kill('SIGKILL');
      const killed = performance.now();
      const successor = await eventually(() => holderOf(replicas));
      failovers.push((performance.now() - killed) / 1_000);
      const after = await metric(replicas[successor]!.baseUrl, 'ml_predictions_total');
      if (after < before) throw new Error(`a count fell from ${before} to ${after}`);
      say(`  failover ${failovers.at(-1)!.toFixed(1)} s, ${before} -> ${after} counted`);
      await start(index);
    }
    const { looks, most } = await watch.end();
    await load.finish();
    failovers.sort((a, b) => a - b);
    say(`${count} exporters, ${minutes} minutes at ${rate} events/s; the holder killed ${failovers.length} times`);
    say(`failover: median ${median(failovers).toFixed(1)} s, longest ${failovers.at(-1)!.toFixed(1)} s`);
    say(`of ${looks} looks at all replicas at once none saw more than ${most} of them show models`);
    say(`connections of exporters to PostgreSQL: at most ${connections}`);
    say(
      `not acknowledged at once: ${[...load.refusals].map(([why, times]) => `${why} x${times}`).join(', ') || 'none'}`,
    );
    process.exitCode = (await verdict(server, targets, load, say)) && most <= 1 ? 0 : 1;
  } finally {
    await pool.end().catch(() => undefined);
    for (const replica of replicas) await replica?.kill('SIGKILL');
    await server.stop().catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }

  async function connectionsOf(): Promise<number> {
    const { rows } = await pool.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE 'model-health%'",
    );
    return rows[0]!.n;
  }
}

/** Which of them shows models. Throws while none does, or two. */
async function holderOf(replicas: readonly (ExporterProcess | null)[]): Promise<number> {
  const shown = await Promise.all(replicas.map((replica) => shows(replica?.baseUrl)));
  const holders = [...shown.keys()].filter((index) => shown[index]);
  if (holders.length !== 1) throw new Error(`${holders.length} replicas show models`);
  return holders[0]!;
}

async function shows(baseUrl: string | undefined): Promise<boolean> {
  if (baseUrl === undefined) return false;
  return !Number.isNaN(await metric(baseUrl, 'ml_predictions_total').catch(() => NaN));
}

/** Scrapes all of them, several times a second. */
function watchModels(targets: () => readonly string[]): { end(): Promise<{ looks: number; most: number }> } {
  const stop = new AbortController();
  let looks = 0;
  let most = 0;
  const done = (async () => {
    while (!stop.signal.aborted) {
      const shown = await Promise.all(targets().map(shows));
      most = Math.max(most, shown.filter(Boolean).length);
      looks++;
      await sleep(LOOK_EVERY_MS);
    }
  })();
  return {
    end: async () => {
      stop.abort();
      await done;
      return { looks, most };
    },
  };
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!;
}

void main();
