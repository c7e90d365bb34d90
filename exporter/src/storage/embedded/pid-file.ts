import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** `postmaster.pid` as far as it is written: PostgreSQL adds its lines one after the other while it starts. */
export interface PidFile {
  readonly pid: number;
  /** Line 8; '' while it is not written yet. */
  readonly status: 'starting' | 'ready' | 'standby' | 'stopping' | '';
}

export function readPidFile(dataDirectory: string): PidFile | undefined {
  try {
    return parsePidFile(readFileSync(pidFileOf(dataDirectory), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Undefined when there is no usable pid in it. A negative pid is that of a single-user server. */
export function parsePidFile(text: string): PidFile | undefined {
  const lines = text.split('\n');
  const pid = Math.abs(Number.parseInt(lines[0] ?? '', 10));
  if (!(pid > 0)) return undefined;
  const status = (lines[7] ?? '').trim();
  return {
    pid,
    status: status === 'starting' || status === 'ready' || status === 'standby' || status === 'stopping' ? status : '',
  };
}

/** Above every limit of pids on Linux (4194304) and macOS (99999): nobody has it. */
const noProcess = '2147483646';

/**
 * Makes PostgreSQL take the pid file for a stale one, when its pid belongs by now to a process that is no PostgreSQL of ours, or to a
 * zombie: PostgreSQL would refuse to start as long as that lives. Only the pid is replaced: the rest names the shared memory, by which
 * PostgreSQL still recognises back ends of a killed postmaster that have not ended yet. The lock of the socket holds only a pid.
 */
export function disownPidFile(dataDirectory: string, socketLock: string): void {
  const file = pidFileOf(dataDirectory);
  const lines = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, [noProcess, ...lines.slice(1)].join('\n'));
  rmSync(socketLock, { force: true });
}

function pidFileOf(dataDirectory: string): string {
  return path.join(dataDirectory, 'postmaster.pid');
}
