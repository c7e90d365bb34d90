// `npm run chaos -- [minutes] [events/s]`: three exporters on one PostgreSQL under load, while everything that can break is broken, one
// thing after another. Ends with what was acknowledged, lost and doubled, and with the statistics compared with a recount of the rows.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { startOwnServer, temporaryFolder } from '../support/test-server.ts';
import { FAULTS } from './faults.ts';
import type { Stage } from './faults.ts';
import { PacedLoad } from './paced-load.ts';
import { severedNetwork } from './severed-network.ts';
import { verdict } from './verdict.ts';

const [minutes = 10, wantedRate = NaN] = process.argv.slice(3).map(Number);
const REPLICAS = 3;
const SENDERS = 8;
/** Large enough that the clients, which share the processors, cost a tenth of what they make others do. */
const BATCH = 500;
const SMALL_DISK = '4g';
const CALM_MS = 4_000;
const FLAGS = [
  `--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`,
  '--web.allow-anonymous',
];
const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const dataPath = temporaryFolder();
  const smallDisk =
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK},mode=711`, 'tmpfs', dataPath]).status === 0;
  const server = await startOwnServer({ dataPath, settings: { max_wal_size: '256MB', max_connections: '80' } });
  const network = await severedNetwork(new URL(server.url).searchParams.get('host')!, server.url);
  const replicas: (ExporterProcess | null)[] = Array<null>(REPLICAS).fill(null);
  const folder = temporaryFolder();
  const stage: Stage = {
    server,
    replicas,
    network,
    smallDisk,
    start: async (index, flags = []) => {
      const severed = index === REPLICAS - 1 ? network : null;
      replicas[index] = await startExporter({
        dataPath: folder,
        flags: [...FLAGS, ...flags],
        environment: { DATABASE_URL: severed?.databaseUrl ?? server.url },
        ...(severed === null ? {} : { prefix: severed.prefix, listen: severed.listen }),
      });
    },
  };
  try {
    for (let i = 0; i < REPLICAS; i++) await stage.start(i);
    const targets = () => replicas.flatMap((replica) => (replica === null ? [] : [replica.baseUrl]));
    const rate = Number.isNaN(wantedRate) ? (await maximumRate(targets)) / 2 : wantedRate;
    say(`${REPLICAS} exporters, one PostgreSQL ${smallDisk ? `on a file system of ${SMALL_DISK}` : ''}`);
    say(`${minutes} minutes at ${Math.round(rate)} events/s${network === null ? '; no network namespaces here' : ''}`);
    const load = new PacedLoad({ targets, senders: SENDERS, batch: BATCH, perSecond: rate });
    const done = await breakThings(stage, performance.now() + minutes * 60_000);
    for (let i = 0; i < REPLICAS; i++) if (replicas[i] === null) await stage.start(i);
    await load.finish();
    say(`faults: ${[...done].map(([name, times]) => `${name} x${times}`).join('; ')}`);
    say(`not acknowledged at once: ${[...load.refusals].map(([why, times]) => `${why} x${times}`).join(', ')}`);
    process.exitCode = (await verdict(server, targets, load, say)) ? 0 : 1;
  } finally {
    for (const replica of replicas) await replica?.kill('SIGKILL');
    network?.close();
    await server.stop().catch(() => undefined);
    if (smallDisk) spawnSync('umount', ['-l', dataPath]);
    for (const gone of [dataPath, folder]) rmSync(gone, { recursive: true, force: true });
  }
}

/** What this machine can do now, in ten seconds. */
async function maximumRate(targets: () => readonly string[]): Promise<number> {
  const load = new PacedLoad({ targets, senders: SENDERS, batch: BATCH, perSecond: Infinity });
  const began = performance.now();
  await sleep(10_000);
  await load.finish();
  const rate = load.count / ((performance.now() - began) / 1000);
  say(`measured maximum of this load: ${Math.round(rate)} events/s, a third of them labelled`);
  return rate;
}

async function breakThings(stage: Stage, until: number): Promise<Map<string, number>> {
  const done = new Map<string, number>();
  for (;;) {
    for (const [name, fault] of Object.entries(FAULTS)) {
      if (performance.now() > until) return done;
      await sleep(CALM_MS);
      say(`  ${new Date().toISOString().slice(11, 19)} ${name}`);
      // A replica may not come up while something else is still broken: it is started again.
      await fault(stage).catch((error: unknown) =>
        say(`  ... ${error instanceof Error ? error.message : String(error)}`),
      );
      for (const [index, replica] of stage.replicas.entries())
        if (replica === null) await eventually(() => stage.start(index), 60_000);
      done.set(name, (done.get(name) ?? 0) + 1);
    }
  }
}

void main();
