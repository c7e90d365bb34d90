import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ResolveDatabaseOptions } from '../../src/storage/embedded/resolve-database.ts';

export interface DatabaseProcess {
  readonly pid: number;
  /** What it said: the database, or the error. */
  readonly said: {
    readonly url: string;
    readonly postmaster: number;
    readonly description: string;
    readonly error?: string;
  };
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts database-child.ts, without a wait for what it says. */
export function spawnDatabaseProcess(
  options: Partial<ResolveDatabaseOptions>,
  ids: { uid?: number; gid?: number } = {},
): ChildProcess {
  return spawn(
    process.execPath,
    [path.join(__dirname, 'run-typescript.cjs'), path.join(__dirname, 'database-child.ts'), JSON.stringify(options)],
    { ...ids, cwd: path.join(__dirname, '../..'), stdio: ['ignore', 'pipe', 'inherit'] },
  );
}

/** An exporter in a process of its own, that can be killed; returns when its database is there. */
export async function startDatabaseProcess(
  options: Partial<ResolveDatabaseOptions>,
  ids: { uid?: number; gid?: number } = {},
): Promise<DatabaseProcess> {
  const child = spawnDatabaseProcess(options, ids);
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string];
  return {
    pid: child.pid!,
    said: JSON.parse(line) as DatabaseProcess['said'],
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
  };
}
