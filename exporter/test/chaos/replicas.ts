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
import { Ledger } from './ledger.ts';
import { PacedLoad } from './paced-load.ts';
import { verdict } from './verdict.ts';

const [minutes = 3, count = 10, rate = 1_000] = process.argv.slice(3).map(Number);
const CALM_MS = 5_000;
const LOOK_EVERY_MS = 250;
const LEASE_LOOK_MS = 25;
const FLAGS = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`];
const say = (text: string) => process.stdout.write(`${text}\n`);

/** Milliseconds of one failover, and what they are made of. */
interface Failover {
  readonly inAll: number;
  readonly lease: number;
  readonly takeOver: number;
  readonly show: number;
}
const PARTS = [
  ['inAll', 'from the kill until another shows the models'],
  ['lease', 'of it until the lease ran out'],
  ['takeOver', 'until another asked and had it'],
  ['show', 'until that one had read the statistics, evaluated and showed'],
] as const;
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
const told = ({ inAll, lease, takeOver, show }: Failover) =>
  `${seconds(inAll)}: lease ${seconds(lease)}, take-over ${seconds(takeOver)}, show ${seconds(show)}`;

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
    const ledger = new Ledger();
    const load = new PacedLoad({ targets, senders: count, batch: 100, perSecond: rate, ledger });
    const watch = watchModels(targets);
    const failovers: Failover[] = [];
    let connections = 0;
    for (const until = performance.now() + minutes * 60_000; performance.now() < until;) {
      await sleep(CALM_MS);
      connections = Math.max(connections, await connectionsOf());
      const index = await eventually(() => holderOf(replicas));
      const holder = replicas[index]!;
      const before = await metric(holder.baseUrl, 'ml_predictions_total');
      replicas[index] = null;
      await holder.kill('SIGKILL');
      const killedMs = Date.now();
      const taken = leaseTaken();
      const successor = await eventually(() => holderOf(replicas));
      const shownMs = Date.now();
      const { expiredMs, takenMs } = await taken;
      const failover = {
        inAll: shownMs - killedMs,
        lease: expiredMs - killedMs,
        takeOver: takenMs - expiredMs,
        show: shownMs - takenMs,
      };
      failovers.push(failover);
      const after = await metric(replicas[successor]!.baseUrl, 'ml_predictions_total');
      if (after < before) throw new Error(`a count fell from ${before} to ${after}`);
      say(`  failover ${told(failover)}; ${before} -> ${after} counted`);
      await start(index);
    }
    const { looks, most } = await watch.end();
    await load.finish();
    say(`${count} exporters, ${minutes} minutes at ${rate} events/s; the holder killed ${failovers.length} times`);
    for (const [part, what] of PARTS) {
      const sorted = failovers.map((failover) => failover[part]).sort((a, b) => a - b);
      say(`  ${what}: median ${seconds(median(sorted))}, longest ${seconds(sorted.at(-1)!)}`);
    }
    say(`of ${looks} looks at all replicas at once none saw more than ${most} of them show models`);
    say(`connections of exporters to PostgreSQL: at most ${connections}`);
    say(
      `not acknowledged at once: ${[...load.refusals].map(([why, times]) => `${why} x${times}`).join(', ') || 'none'}`,
    );
    process.exitCode = (await verdict(server.url, targets, ledger, say)) && most <= 1 ? 0 : 1;
  } finally {
    await pool.end().catch(() => undefined);
    for (const replica of replicas) await replica?.kill('SIGKILL');
    await server.stop().catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }

  /** When the lease of now ran out, and when another exporter had it. */
  async function leaseTaken(): Promise<{ readonly expiredMs: number; readonly takenMs: number }> {
    const ask = async () => {
      const { rows } = await pool.query<{ token: string; expiresMs: number }>(
        'SELECT token, extract(epoch FROM expires_at)::float8 * 1000 AS "expiresMs" FROM leases WHERE name = \'evaluator\'',
      );
      return rows[0]!;
    };
    const held = await ask();
    for (;;) {
      await sleep(LEASE_LOOK_MS);
      if ((await ask()).token !== held.token) return { expiredMs: held.expiresMs, takenMs: Date.now() };
    }
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
