import { spawn } from 'node:child_process';
import { chmodSync, closeSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Log } from '../../domain/log.ts';
import { errorCode, errorMessage, StorageError } from '../storage-error.ts';
import type { Cluster } from './cluster.ts';
import { clusterDatabase, clusterUrl } from './cluster.ts';
import { diskFull, isDiskFull } from './initialise.ts';
import { disownPidFile, readPidFile } from './pid-file.ts';
import { isPostmasterOf, processState } from './process-state.ts';
import { socketFile, socketPort } from './socket-directory.ts';
import { handOver } from './unprivileged.ts';

/** A running PostgreSQL that answers queries. */
export interface Postmaster {
  readonly pid: number;
  /** Left running by an exporter that is dead; not a child of this process. */
  readonly adopted: boolean;
  /** Resolves, with the reason in words, when it ends for whatever cause; never rejects. */
  readonly ended: Promise<string>;
}

const stopSteps = [
  { signal: 'SIGINT', patienceMs: 30_000 },
  { signal: 'SIGQUIT', patienceMs: 10_000 },
  { signal: 'SIGKILL', patienceMs: 10_000 },
] as const;
const adoptPatienceMs = 10_000;
const startPatienceMs = 30_000;

/**
 * Adopts the postmaster that is running on the data directory, or starts one; returns when it answers queries and the database exists.
 *
 * An abort of `signal` ends it also in the middle of a recovery, with what `signal` gives as its reason.
 *
 * Throws StorageError: POSTGRES_START_FAILED with the end of its log, DISK_FULL, DATA_PATH_IN_USE when a PostgreSQL that is no process
 * of this machine (another container) answers on the socket.
 */
export async function adoptOrStart(cluster: Cluster, log: Log, signal: AbortSignal): Promise<Postmaster> {
  const orphan = await findOrphan(cluster, log, signal);
  if (orphan !== undefined) return orphan;
  await refuseForeign(cluster);
  const deadline = performance.now() + startPatienceMs;
  for (let waitMs = 100; ; waitMs = Math.min(2 * waitMs, 2_000)) {
    try {
      return await start(cluster, log, signal);
    } catch (error) {
      // Back ends of a killed postmaster end on their own, soon after it; until then their shared memory is in use.
      if (!(error instanceof StillInUse) || performance.now() > deadline) throw error;
      await sleep(waitMs);
    }
  }
}

/** Fast shutdown: open transactions are rolled back, everything is on disk at the end. Immediate after 30 s: the next start recovers. */
export async function stopPostmaster(postmaster: Postmaster, log: Log): Promise<void> {
  let ended = false;
  void postmaster.ended.then(() => (ended = true));
  const hasEnded = (): boolean => ended;
  // Lets an end that is known already be seen: its pid may be another's by now.
  await sleep(0);
  for (const { signal, patienceMs } of stopSteps) {
    if (hasEnded()) return;
    if (signal !== 'SIGINT') log.warn({ pid: postmaster.pid, signal }, 'PostgreSQL does not stop, trying harder');
    if (!sendSignal(postmaster.pid, signal)) return;
    const deadline = performance.now() + patienceMs;
    // Not a bare wait for the event: the child is unreferenced, and Node would exit in the middle of it.
    while (!hasEnded() && performance.now() < deadline) await sleep(10);
  }
}

/** Waits for what is about to end, and adopts what goes on. */
async function findOrphan(cluster: Cluster, log: Log, signal: AbortSignal): Promise<Postmaster | undefined> {
  const { dataDirectory } = cluster;
  const deadline = performance.now() + adoptPatienceMs;
  for (;;) {
    signal.throwIfAborted();
    const found = readPidFile(dataDirectory);
    const state = found === undefined ? 'gone' : processState(found.pid);
    if (found === undefined || state === 'gone') return undefined;
    const late = performance.now() > deadline;
    if (state === 'alive' && !isPostmasterOf(found.pid, dataDirectory)) {
      disown(cluster, log, found.pid, 'its process id belongs to another program');
    } else if (state === 'zombie') {
      disown(cluster, log, found.pid, 'its process has ended and nobody has collected it');
    } else if (found.status === 'ready' && (await answers(cluster)).ok) {
      log.info({ pid: found.pid }, 'adopted the PostgreSQL that an exporter before this one had left running');
      return { pid: found.pid, adopted: true, ended: watch(found.pid) };
    } else if (late && found.status !== 'starting') {
      log.warn({ pid: found.pid, status: found.status }, 'the PostgreSQL left running does not answer, stopping it');
      await stopPostmaster({ pid: found.pid, adopted: true, ended: watch(found.pid) }, log);
    }
    await sleep(20);
  }
}

function disown(cluster: Cluster, log: Log, pid: number, reason: string): void {
  log.warn({ pid, reason }, 'the process id file of PostgreSQL is stale');
  disownPidFile(cluster.dataDirectory, `${socketFile(cluster.socketDirectory)}.lock`);
}

/** A process of another container on the same volume has no pid here, but its socket is one and the same. */
async function refuseForeign(cluster: Cluster): Promise<void> {
  const file = socketFile(cluster.socketDirectory);
  const answered = await new Promise<boolean>((resolve) => {
    const socket = net.connect(file);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
  if (!answered) return;
  throw new StorageError(
    'DATA_PATH_IN_USE',
    `A PostgreSQL that is not a process of this machine or container answers on ${file}: two must not share ${cluster.dataPath}. ` +
      'Stop the other one, or let both exporters use one PostgreSQL by --database.url (DATABASE_URL).',
  );
}

async function start(cluster: Cluster, log: Log, signal: AbortSignal): Promise<Postmaster> {
  makeAcceptable(cluster);
  const logStart = cluster.log.size();
  const { pid, ended } = launch(cluster);
  let endedBecause: string | undefined;
  void ended.then((reason) => (endedBecause = reason));
  let noticeAt = performance.now() + 10_000;
  let failure = '';
  for (;;) {
    if (endedBecause !== undefined || pid === undefined)
      throw startError(cluster, await ended, cluster.log.readSince(logStart));
    if (signal.aborted) {
      await stopPostmaster({ pid, adopted: false, ended }, log);
      signal.throwIfAborted();
    }
    const file = readPidFile(cluster.dataDirectory);
    // Any other pid is that of a file that is about to be replaced, or of a postmaster that won a race against ours.
    if (file?.pid === pid && file.status === 'ready') {
      const answer = await answers(cluster);
      if (answer.ok) return { pid, adopted: false, ended };
      failure = answer.reason;
    }
    if (performance.now() > noticeAt) {
      // Recovery after a crash may take minutes; giving up would only begin it anew.
      log.warn({ pid, failure }, 'PostgreSQL is still starting');
      noticeAt += 10_000;
    }
    await sleep(10);
  }
}

/** PostgreSQL wants its directory for itself: mounted volumes and copies come with other owners and modes. */
function makeAcceptable({ dataDirectory, runAs }: Cluster): void {
  handOver(dataDirectory, runAs);
  if ((statSync(dataDirectory).mode & 0o077) !== 0) chmodSync(dataDirectory, 0o700);
}

/** In a session of its own: Ctrl-C at a terminal reaches the whole foreground group, and PostgreSQL must outlive our draining. */
function launch(cluster: Cluster): { readonly pid: number | undefined; readonly ended: Promise<string> } {
  const settings = {
    ...cluster.settings,
    listen_addresses: '',
    unix_socket_directories: cluster.socketDirectory,
    unix_socket_permissions: '0700',
    port: String(socketPort),
  };
  const [file, args] = cluster.runAs.wrap(path.join(cluster.binDir, 'postgres'), [
    '-D',
    cluster.dataDirectory,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const output = cluster.log.open();
  try {
    const child = spawn(file, args, {
      ...cluster.runAs.spawnIds,
      env: cluster.env,
      cwd: '/',
      detached: true,
      stdio: ['ignore', output, output],
    });
    const ended = new Promise<string>((resolve) => {
      child.on('exit', (code, signal) => resolve(signal === null ? `exit status ${code ?? '?'}` : `signal ${signal}`));
      child.on('error', (error) => resolve(error.message));
    });
    child.unref();
    return { pid: child.pid, ended };
  } finally {
    closeSync(output);
  }
}

class StillInUse extends StorageError {}

function startError(cluster: Cluster, reason: string, output: string): StorageError {
  if (isDiskFull(output)) return diskFull(cluster);
  const message = `PostgreSQL ${cluster.version} (${cluster.binDir}) ended at its start with ${reason}; ${cluster.logFile} says: ${output.trim().slice(-800)}`;
  const inUse = /pre-existing shared memory block|lock file ".*" already exists/.test(output);
  return inUse ? new StillInUse('POSTGRES_START_FAILED', message) : new StorageError('POSTGRES_START_FAILED', message);
}

/** A query on the database, which is created when it is the first one. */
async function answers(
  cluster: Cluster,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }> {
  try {
    await runQuery(clusterUrl(cluster.socketDirectory), 'SELECT 1').catch(async (error: unknown) => {
      if (errorCode(error) !== '3D000') throw error;
      await runQuery(clusterUrl(cluster.socketDirectory, 'postgres'), `CREATE DATABASE ${clusterDatabase}`);
    });
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: errorMessage(error) };
  }
}

async function runQuery(url: string, text: string): Promise<void> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: 'model-health supervisor',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(text);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Ends when the process does. Only a parent is told, so an adopted one is looked at. */
async function watch(pid: number): Promise<string> {
  while (processState(pid) === 'alive') await sleep(100, undefined, { ref: false });
  return 'ended (adopted: its exit status is not known)';
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    throw error;
  }
}
