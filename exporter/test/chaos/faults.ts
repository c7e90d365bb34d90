import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ExporterProcess } from '../support/exporter-process.ts';
import type { OwnServer } from '../support/test-server.ts';
import type { SeveredNetwork } from './severed-network.ts';
import type { SmallDisk } from './small-disk.ts';

/** What the faults may break. */
export interface Stage {
  readonly server: OwnServer;
  readonly replicas: (ExporterProcess | null)[];
  /** The replica in a namespace of its own; null where there is none. */
  readonly network: SeveredNetwork | null;
  /** What the data lies on; null where no file can be mounted. */
  readonly disk: SmallDisk | null;
  start(index: number, flags?: readonly string[]): Promise<void>;
}

/** Whether it was made: for some the machine must allow it. Throws when what was broken does not come back. */
type Fault = (stage: Stage) => Promise<boolean>;
const CLOCK_STEP_MS = 4 * 60_000;

/** Each breaks one thing, waits, and leaves everything as it was. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'kill -9 of an exporter': async (stage) => {
    const index = anyOf(stage);
    await kill(stage, index);
    await sleep(1_000);
    await stage.start(index);
    return true;
  },
  'kill -9 of the exporter that evaluates': async (stage) => {
    const index = await leaderOf(stage);
    await kill(stage, index);
    await sleep(8_000);
    await stage.start(index);
    return true;
  },
  'kill -9 of PostgreSQL': async ({ server }) => {
    const pid = server.database.pid();
    if (pid === undefined) return false;
    process.kill(pid, 'SIGKILL');
    await sleep(5_000);
    return true;
  },
  'SIGSTOP of the exporter that evaluates for 9 s': async (stage) => {
    const { pid } = stage.replicas[await leaderOf(stage)]!;
    process.kill(pid, 'SIGSTOP');
    await sleep(9_000);
    process.kill(pid, 'SIGCONT');
    return true;
  },
  'a full disk for 4 s': async ({ disk }) => {
    if (disk === null) return false;
    try {
      disk.fill();
      await sleep(4_000);
    } finally {
      disk.free();
    }
    await sleep(2_000);
    return true;
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
    return true;
  },
  'the network between an exporter and PostgreSQL cut for 12 s': async ({ network }) => {
    if (network === null) return false;
    network.cut();
    await sleep(12_000);
    network.mend();
    return true;
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
    return true;
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
