import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { errorCode, StorageError } from '../storage-error.ts';
import type { Cluster } from './cluster.ts';
import { clusterUser } from './cluster.ts';
import { runCommand } from './run-command.ts';

const unfinishedPrefix = 'pgdata.new-';

/** The major version of the data in the directory; undefined when there are none yet. Throws DATA_DIRECTORY_INVALID for foreign files. */
export function dataVersion(dataDirectory: string): string | undefined {
  try {
    return readFileSync(path.join(dataDirectory, 'PG_VERSION'), 'utf8').trim();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  if (existsSync(dataDirectory) && readdirSync(dataDirectory).length > 0) {
    throw new StorageError(
      'DATA_DIRECTORY_INVALID',
      `${dataDirectory} holds files but no PostgreSQL data (PG_VERSION is missing): move them away, or choose another --data.path.`,
    );
  }
  return undefined;
}

/**
 * Makes the data directory: initdb into a folder of its own, synced to disk, then one rename. What an interrupted start left is
 * not half a database under the right name but a folder under another, and is removed here.
 *
 * Throws StorageError DISK_FULL or POSTGRES_INITDB_FAILED with what initdb said.
 */
export async function initialise(cluster: Cluster): Promise<void> {
  removeUnfinished(cluster.dataPath);
  const { owner } = cluster.runAs;
  // A name of its own: the initdb of a killed start may still be running, and then fails by itself.
  const folder = mkdtempSync(path.join(cluster.dataPath, unfinishedPrefix));
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const [file, args] = cluster.runAs.wrap(path.join(cluster.binDir, 'initdb'), [
    `--pgdata=${folder}`,
    `--username=${clusterUser}`,
    '--encoding=UTF8',
    '--locale=C',
    '--auth-local=trust',
    '--auth-host=reject',
    '--data-checksums',
    '--no-instructions',
  ]);
  const result = await runCommand(file, args, { env: cluster.env, ...cluster.runAs.spawnIds });
  if (result.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    throw initdbError(cluster, `${result.stdout}\n${result.stderr}`);
  }
  if (existsSync(cluster.dataDirectory)) rmdirSync(cluster.dataDirectory);
  renameSync(folder, cluster.dataDirectory);
  // The initdb of a killed start makes its folder anew where it was removed before it began.
  removeUnfinished(cluster.dataPath);
  syncFolder(cluster.dataPath);
}

function removeUnfinished(dataPath: string): void {
  for (const name of readdirSync(dataPath)) {
    if (name.startsWith(unfinishedPrefix))
      rmSync(path.join(dataPath, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function initdbError(cluster: Cluster, output: string): StorageError {
  if (isDiskFull(output)) return diskFull(cluster);
  const reason = output
    .split('\n')
    .filter((line) => /error|fatal|could not|cannot|killed/i.test(line))
    .slice(-5)
    .join('\n');
  return new StorageError(
    'POSTGRES_INITDB_FAILED',
    `${path.join(cluster.binDir, 'initdb')} ${cluster.runAs.description} failed: ${reason || output.trim().slice(-500)}`,
  );
}

export function isDiskFull(output: string): boolean {
  return /No space left on device|Disk quota exceeded/.test(output);
}

export function diskFull(cluster: Cluster): StorageError {
  return new StorageError(
    'DISK_FULL',
    `No space left for PostgreSQL under ${cluster.dataPath}: free some, or move the data to a larger disk and point --data.path to it.`,
  );
}

/** The rename itself is on disk only when its folder is. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
