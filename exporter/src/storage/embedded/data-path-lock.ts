import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, StorageError } from '../storage-error.ts';
import { processIdentity, processState } from './process-state.ts';

export interface DataPathLock {
  release(): void;
}

/**
 * Makes this process the only one that supervises PostgreSQL under `dataPath`; throws StorageError DATA_PATH_IN_USE, naming the owner,
 * while that lives. The lock of an owner that died (`kill -9`, power cut) is taken over; one whose pid went to another process is
 * recognised by the start of that process.
 *
 * `patienceMs` is for an owner that is just ending: whoever restarts an exporter need not wait for its last moment.
 * Node has no flock: the lock is a file that appears whole and only once (write aside, then link).
 */
export async function lockDataPath(dataPath: string, patienceMs = 1_000): Promise<DataPathLock> {
  const file = path.join(dataPath, 'exporter.lock');
  const mine = `${process.pid}\n${processIdentity(process.pid) ?? ''}\n`;
  const aside = `${file}.${process.pid}.${randomUUID()}`;
  const deadline = performance.now() + patienceMs;
  for (;;) {
    writeFileSync(aside, mine);
    try {
      linkSync(aside, file);
      return { release: () => releaseLock(file, mine) };
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    } finally {
      rmSync(aside, { force: true });
    }
    const found = readText(file);
    if (found === undefined) continue;
    const owner = liveOwner(found);
    if (owner === undefined) {
      removeStale(file, found);
    } else if (performance.now() < deadline) {
      await sleep(20);
    } else {
      throw new StorageError(
        'DATA_PATH_IN_USE',
        `${dataPath} is in use by the exporter with process id ${owner}: stop that one, or give this one another --data.path, ` +
          'or let both use one PostgreSQL by --database.url (DATABASE_URL).',
      );
    }
  }
}

/** The pid in the lock, if the process that wrote it is still running. */
function liveOwner(text: string): number | undefined {
  const [pidText, identity] = text.split('\n');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0 || processState(pid) !== 'alive') return undefined;
  return processIdentity(pid) === identity ? pid : undefined;
}

/** Two starters may find the same dead owner: the slower one must not remove the lock that the faster one has made meanwhile. */
function removeStale(file: string, stale: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readText(aside) !== stale) linkSync(aside, file);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function releaseLock(file: string, mine: string): void {
  if (readText(file) !== mine) return;
  try {
    unlinkSync(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
