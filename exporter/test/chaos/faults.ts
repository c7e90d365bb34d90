import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ExporterProcess } from '../support/exporter-process.ts';
import type { OwnServer } from '../support/test-server.ts';
import type { SeveredNetwork } from './severed-network.ts';

/** What the faults may break. */
export interface Stage {
  readonly server: OwnServer;
  readonly replicas: (ExporterProcess | null)[];
  /** The replica in a namespace of its own; null where there is none. */
  readonly network: SeveredNetwork | null;
  /** Whether the data lies on a file system of its own, small enough to be filled. */
  readonly smallDisk: boolean;
  start(index: number, flags?: readonly string[]): Promise<void>;
}

type Fault = (stage: Stage) => Promise<void>;
const CLOCK_STEP_MS = 4 * 60_000;

/** Each breaks one thing, waits, and leaves everything as it was. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'kill -9 of an exporter': async (stage) => {
    const index = anyOf(stage);
    await kill(stage, index);
    await sleep(1_000);
    await stage.start(index);
  },
  'kill -9 of the exporter that evaluates': async (stage) => {
    const index = await leaderOf(stage);
    await kill(stage, index);
    await sleep(8_000);
    await stage.start(index);
  },
  'kill -9 of PostgreSQL': async ({ server }) => {
    const pid = server.database.pid();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await sleep(5_000);
  },
  'SIGSTOP of the exporter that evaluates for 9 s': async (stage) => {
    const { pid } = stage.replicas[await leaderOf(stage)]!;
    process.kill(pid, 'SIGSTOP');
    await sleep(9_000);
    process.kill(pid, 'SIGCONT');
  },
  'a full disk for 4 s': async ({ server, smallDisk }) => {
    if (!smallDisk) return;
    const file = path.join(server.dataPath, 'filler');
    const disk = openSync(file, 'w');
    try {
      const { bavail, bsize } = statfsSync(server.dataPath);
      const block = Buffer.alloc(1 << 20);
      for (let left = bavail * bsize; left > 0; left -= block.length) writeSync(disk, block);
    } catch {
      // Full, as it should be.
    } finally {
      closeSync(disk);
    }
    await sleep(4_000);
    rmSync(file);
    await sleep(2_000);
  },
  'all connections of PostgreSQL taken for 5 s': async ({ server }) => {
    const taken: Client[] = [];
    for (let i = 0; i < 300; i++) {
      const client = new Client({ connectionString: server.url });
      client.on('error', () => undefined);
      const refused = await client.connect().then(
        () => false,
        () => true,
      );
      if (refused) break;
      taken.push(client);
    }
    // What the exporters hold is not free: end it, so that they have to ask again.
    await taken[0]
      ?.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'model-health%'")
      .catch(() => undefined);
    await sleep(5_000);
    await Promise.all(taken.map((client) => client.end().catch(() => undefined)));
  },
  'the network between an exporter and PostgreSQL cut for 12 s': async ({ network }) => {
    if (network === null) return;
    network.cut();
    await sleep(12_000);
    network.mend();
  },
  'a clock that steps four minutes back, then ahead': async (stage) => {
    const index = anyOf(stage);
    for (const step of [-CLOCK_STEP_MS, CLOCK_STEP_MS]) {
      await kill(stage, index);
      await stage.start(index, [`--clock.start=${new Date(Date.now() + step).toISOString()}`]);
      await sleep(3_000);
    }
    await kill(stage, index);
    await stage.start(index);
  },
};

function anyOf({ replicas }: Stage): number {
  return Math.floor(Math.random() * replicas.length);
}

async function kill(stage: Stage, index: number): Promise<void> {
  const replica = stage.replicas[index];
  stage.replicas[index] = null;
  await replica?.kill('SIGKILL');
}

/** The first when nobody leads at the moment. */
async function leaderOf({ replicas }: Stage): Promise<number> {
  for (const [index, replica] of replicas.entries()) {
    const reply = replica === null ? null : await fetch(`${replica.baseUrl}/-/leader`).catch(() => null);
    if (reply?.ok === true) return index;
  }
  return 0;
}
