// `npm run chaos -- [minutes] [events/s]`: three exporters on one PostgreSQL under load, while everything that can break is broken, one
// thing after another. Ends with what was acknowledged, lost and doubled, and with the statistics compared with a recount of the rows.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { startOwnServer, temporaryFolder } from '../support/test-server.ts';
import { FAULTS } from './faults.ts';
import type { Stage } from './faults.ts';
import { Ledger } from './ledger.ts';
import { PacedLoad } from './paced-load.ts';
import type { Refusals } from './paced-load.ts';
import { severedNetwork } from './severed-network.ts';
import { mountSmallDisk } from './small-disk.ts';
import { verdict } from './verdict.ts';

const [minutes = 10, wantedRate = NaN] = process.argv.slice(3).map(Number);
const REPLICAS = 3;
const SENDERS = 8;
/** Large enough that the clients, which share the processors, cost a tenth of what they make others do. */
const BATCH = 500;
/** Thirteen million rows with their labels take a third of it; of the real disk it takes what is written. */
const DISK_GB = 24;
const CALM_MS = 4_000;
const FLAGS = [
  `--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`,
  '--web.allow-anonymous',
];
const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const dataPath = temporaryFolder();
  const disk = mountSmallDisk(dataPath, DISK_GB);
  const server = await startOwnServer({ dataPath, settings: { max_wal_size: '256MB', max_connections: '80' } });
  const network = await severedNetwork(server.url);
  const replicas: (ExporterProcess | null)[] = Array<null>(REPLICAS).fill(null);
  const folder = temporaryFolder();
  const stage: Stage = {
    server,
    replicas,
    network,
    disk,
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
  const ledger = new Ledger();
  try {
    for (let i = 0; i < REPLICAS; i++) await stage.start(i);
    const targets = () => replicas.flatMap((replica) => (replica === null ? [] : [replica.baseUrl]));
    const rate = Number.isNaN(wantedRate) ? (await maximumRate(targets, ledger)) / 2 : wantedRate;
    say(`${REPLICAS} exporters, one PostgreSQL, ${minutes} minutes at ${Math.round(rate)} events/s`);
    const load = new PacedLoad({ targets, senders: SENDERS, batch: BATCH, perSecond: rate, ledger });
    const done = await breakThings(stage, load, performance.now() + minutes * 60_000);
    for (let i = 0; i < REPLICAS; i++) if (replicas[i] === null) await stage.start(i);
    await load.finish();
    sayWhatWasDone(done, load.refusals);
    process.exitCode = (await verdict(server.url, targets, ledger, say)) ? 0 : 1;
  } finally {
    for (const replica of replicas) await replica?.kill('SIGKILL');
    network?.close();
    await server.stop().catch(() => undefined);
    disk?.close();
    for (const gone of [dataPath, folder]) rmSync(gone, { recursive: true, force: true });
  }
}

/** What this machine can do now, in ten seconds. */
async function maximumRate(targets: () => readonly string[], ledger: Ledger): Promise<number> {
  const load = new PacedLoad({ targets, senders: SENDERS, batch: BATCH, perSecond: Infinity, ledger });
  const began = performance.now();
  await sleep(10_000);
  await load.finish();
  const rate = load.count / ((performance.now() - began) / 1000);
  say(`measured maximum of this load: ${Math.round(rate)} events/s, a third of them labelled`);
  return rate;
}

/** How often a fault was made, and what was not acknowledged from then until the next one. */
interface Done {
  times: number;
  readonly refusals: Refusals;
}

async function breakThings(stage: Stage, load: PacedLoad, until: number): Promise<ReadonlyMap<string, Done>> {
  const done = new Map<string, Done>();
  for (;;) {
    for (const [name, fault] of Object.entries(FAULTS)) {
      if (performance.now() > until) return done;
      const before = new Map(load.refusals);
      say(`  ${new Date().toISOString().slice(11, 19)} ${name}; ${load.count} predictions so far`);
      let made = false;
      try {
        made = await fault(stage);
      } catch (error) {
        // A replica may not come up while something else is still broken: it is started again.
        say(`  ... ${error instanceof Error ? error.message : String(error)}`);
      }
      for (const [index, replica] of stage.replicas.entries())
        if (replica === null) await eventually(() => stage.start(index), 60_000);
      await sleep(CALM_MS);
      const of = done.get(name) ?? { times: 0, refusals: new Map<string, number>() };
      of.times += Number(made);
      for (const [why, times] of load.refusals)
        of.refusals.set(why, (of.refusals.get(why) ?? 0) + times - (before.get(why) ?? 0));
      done.set(name, of);
    }
  }
}

function sayWhatWasDone(done: ReadonlyMap<string, Done>, all: Refusals): void {
  const reasons = [...all.keys()].sort();
  const line = (cells: readonly (string | number)[]) => say(`| ${cells.join(' | ')} |`);
  line(['fault', 'times', ...reasons]);
  line(['---', '---', ...reasons.map(() => '---')]);
  for (const [name, { times, refusals }] of done)
    line([name, times, ...reasons.map((reason) => refusals.get(reason) ?? 0)]);
  line(['in all', '', ...reasons.map((reason) => all.get(reason) ?? 0)]);
}

void main();
