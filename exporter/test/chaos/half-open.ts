// `npm run chaos -- half-open [clients|database]`: connections whose other end is gone without a word, by a cut wire (network namespaces: Linux, root).
// First clients, in every state that a connection can be in: when the exporter lets go of each. Then the database, under load: when the
// exporter says so, what it holds on to, and what of the acknowledged is there afterwards.
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { connectRaw } from '../support/raw-http.ts';
import type { RawConnection } from '../support/raw-http.ts';
import { startOwnServer, temporaryFolder } from '../support/test-server.ts';
import type { OwnServer } from '../support/test-server.ts';
import { Ledger } from './ledger.ts';
import { PacedLoad } from './paced-load.ts';
import { severedNetwork } from './severed-network.ts';
import type { SeveredNetwork } from './severed-network.ts';
import { verdict } from './verdict.ts';

const [part] = process.argv.slice(3);
const EACH = 50;
const LOOK_EVERY_MS = 500;
const GIVE_UP_MS = 300_000;
const DATABASE_CUT_MS = 90_000;
const POST = 'POST /api/ml/predictions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
const say = (text: string) => process.stdout.write(`${text}\n`);

/** What a client has said before it is gone, and what docs/operations.md promises, in seconds. */
const STATES: Readonly<Record<string, { readonly said: string; readonly promisedSeconds: number }>> = {
  'nothing said yet': { said: '', promisedSeconds: 20 },
  'headers half said': { said: 'GET /metrics HTTP/1.1\r\nhost', promisedSeconds: 20 },
  'a body half sent': { said: `${POST}content-length: 100000\r\n\r\n[`, promisedSeconds: 40 },
  'between two requests': { said: 'GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n', promisedSeconds: 76 },
  'answers that nobody reads': {
    said: 'GET /docs/ml/json HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(200),
    promisedSeconds: 241,
  },
};

async function main(): Promise<void> {
  const server = await startOwnServer();
  const network = await severedNetwork(server.url);
  if (network === null) throw new Error('network namespaces cannot be made here: it takes root, and ip(8)');
  const folder = temporaryFolder();
  const exporter = await startExporter({
    dataPath: folder,
    flags: [
      `--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`,
      '--web.allow-anonymous',
    ],
    environment: { DATABASE_URL: network.databaseUrl },
    prefix: network.prefix,
    listen: network.listen,
  });
  try {
    const clients = part === 'database' || (await clientsVanish(exporter, network));
    const database = part === 'clients' || (await databaseVanishes(exporter, network, server));
    process.exitCode = clients && database ? 0 : 1;
  } finally {
    await exporter.kill('SIGKILL');
    network.close();
    await server.stop().catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function clientsVanish(exporter: ExporterProcess, network: SeveredNetwork): Promise<boolean> {
  const before = holdings(exporter.pid);
  const open = new Map<string, RawConnection[]>();
  for (const [name, { said }] of Object.entries(STATES)) {
    const connections = await Promise.all(Array.from({ length: EACH }, () => connectRaw(exporter.baseUrl)));
    for (const { socket } of connections) {
      socket.write(said);
      if (name === 'answers that nobody reads') socket.pause();
    }
    open.set(name, connections);
  }
  await sleep(1_000);
  // By the ports of the clients, while they still know them.
  const ports = new Map(
    [...open].flatMap(([name, connections]) => connections.map(({ socket }) => [socket.localPort!, name] as const)),
  );
  const during = holdings(exporter.pid);
  network.cut('clients');
  const cutAt = performance.now();
  const lastSeen = new Map<string, number>();
  for (;;) {
    const held = clientPorts(exporter.pid).map((port) => ports.get(port));
    const seconds = (performance.now() - cutAt) / 1_000;
    for (const name of held) if (name !== undefined) lastSeen.set(name, seconds);
    if (held.every((name) => name === undefined) || seconds * 1_000 > GIVE_UP_MS) break;
    await sleep(LOOK_EVERY_MS);
  }
  for (const { socket } of [...open.values()].flat()) socket.destroy();
  network.mend('clients');
  await eventually(async () => {
    if (!(await fetch(`${exporter.baseUrl}/-/healthy`)).ok) throw new Error('not healthy');
  });
  const after = holdings(exporter.pid);
  say(`clients that vanish, ${EACH} of each at once:`);
  let kept = true;
  for (const [name, { promisedSeconds }] of Object.entries(STATES)) {
    const seconds = lastSeen.get(name) ?? 0;
    // The looks, and a machine that has other work.
    kept &&= seconds < promisedSeconds + 10;
    say(`  ${name}: the last let go of after ${seconds.toFixed(0)} s (promised ${promisedSeconds} s)`);
  }
  say(`  descriptors ${before.descriptors} -> ${during.descriptors} -> ${after.descriptors}`);
  say(`  RSS ${before.residentMb} -> ${during.residentMb} -> ${after.residentMb} MB`);
  return kept && after.descriptors <= before.descriptors + 5;
}

async function databaseVanishes(
  exporter: ExporterProcess,
  network: SeveredNetwork,
  server: OwnServer,
): Promise<boolean> {
  const ledger = new Ledger();
  const targets = () => [exporter.baseUrl];
  const load = new PacedLoad({ targets, senders: 4, batch: 100, perSecond: 1_000, ledger });
  await sleep(10_000);
  const before = holdings(exporter.pid);
  network.cut();
  const cutAt = performance.now();
  const seconds = () => ((performance.now() - cutAt) / 1_000).toFixed(0);
  const firsts = new Map<string, string>();
  const first = (what: string) => {
    if (!firsts.has(what)) firsts.set(what, seconds());
  };
  let most = 0;
  let least = Infinity;
  const has = async (route: string, status: number) =>
    (await fetch(exporter.baseUrl + route).catch(() => null))?.status === status;
  while (performance.now() - cutAt < DATABASE_CUT_MS) {
    if (await has('/-/leader', 503)) first('shows models no more');
    if (await has('/-/ready', 503)) first('not ready');
    if (load.refusals.has('503')) first('first 503 to a sender');
    const { database } = holdings(exporter.pid);
    most = Math.max(most, database);
    if (Number(seconds()) > 60) least = Math.min(least, database);
    await sleep(LOOK_EVERY_MS);
  }
  const acknowledged = load.count;
  const late = holdings(exporter.pid);
  network.mend();
  const mendedAt = performance.now();
  await eventually(() => (load.count > acknowledged ? Promise.resolve() : Promise.reject(new Error('nothing taken'))));
  const back = (performance.now() - mendedAt) / 1_000;
  await sleep(10_000);
  await load.finish();
  say(`a database that vanishes for ${DATABASE_CUT_MS / 1_000} s, at 1,000 events/s:`);
  for (const [what, when] of firsts) say(`  ${what}: after ${when} s`);
  say(`  connections to it: ${before.database}, at most ${most}, ${late.database} at the end of the cut`);
  say(`  RSS ${before.residentMb} -> ${late.residentMb} MB; taken again ${back.toFixed(1)} s after it was back`);
  say(`  not acknowledged at once: ${[...load.refusals].map(([why, times]) => `${why} x${times}`).join(', ')}`);
  const right = await verdict(server.url, targets, ledger, (text) => say(`  ${text}`));
  return right && firsts.size === 3;
}

/** Descriptors in all, those that are connections to the database, and RSS. */
function holdings(pid: number): { descriptors: number; database: number; residentMb: number } {
  const resident = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    database: connectionsOf(pid).filter(({ local }) => local !== LISTEN_PORT).length,
    residentMb: Math.round(resident / 1_024),
  };
}

const LISTEN_PORT = 9477;

function clientPorts(pid: number): number[] {
  return connectionsOf(pid)
    .filter(({ local }) => local === LISTEN_PORT)
    .map(({ remote }) => remote);
}

/** TCP connections that the process has a descriptor of; the kernel may know of more that are still being closed. */
function connectionsOf(pid: number): { local: number; remote: number }[] {
  const own = new Set<string>();
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1];
      if (inode !== undefined) own.add(inode);
    } catch {
      // Closed meanwhile.
    }
  }
  // Of the process's own network.
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => own.has(words[9]!) && !words[2]!.endsWith(':0000'))
    .map((words) => ({ local: portOf(words[1]!), remote: portOf(words[2]!) }));
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1]!, 16);
}

void main();
