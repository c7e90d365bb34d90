import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { errorCode } from '../storage-error.ts';

/** A zombie has ended, keeps its pid until its parent asks for it, and still answers to signal 0. */
export type ProcessState = 'alive' | 'zombie' | 'gone';

export function processState(pid: number): ProcessState {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and not ours.
    if (errorCode(error) !== 'EPERM') return 'gone';
  }
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat !== undefined) return isEnded(parseStat(stat)?.state) ? 'zombie' : 'alive';
  return process.platform === 'linux' ? 'gone' : psState(pid);
}

/**
 * What tells a process from another that gets the same pid later: its start, and the boot that this is counted from.
 * Undefined when there is no such process.
 */
export function processIdentity(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat !== undefined)
    return `${readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? ''} ${parseStat(stat)?.startTicks ?? ''}`;
  return ps(pid, 'lstart=');
}

/**
 * Is the process the postmaster of this data directory? It changes into it at its start and never leaves. Where there is no /proc,
 * its command line says so: we start it with `-D <directory>`.
 */
export function isPostmasterOf(pid: number, dataDirectory: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDirectory) &&
      /postgres/.test(readProc(`/proc/${pid}/comm`) ?? '')
    );
  } catch {
    const command = ps(pid, 'command=') ?? '';
    return command.includes('postgres') && command.includes(dataDirectory);
  }
}

/** The fields after the command, which is in parentheses and may itself contain any character (proc(5)). */
export function parseStat(stat: string): { readonly state: string; readonly startTicks: string } | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  return state === undefined || startTicks === undefined ? undefined : { state, startTicks };
}

function isEnded(state: string | undefined): boolean {
  return state === 'Z' || state === 'X';
}

function psState(pid: number): ProcessState {
  const state = ps(pid, 'stat=');
  if (state === undefined) return 'gone';
  return isEnded(state[0]) ? 'zombie' : 'alive';
}

function ps(pid: number, column: string): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', column, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

function readProc(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
