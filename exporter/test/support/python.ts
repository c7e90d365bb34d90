import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** Made by scripts/python.mjs before the tests. */
export const PYTHON = path.resolve(__dirname, '..', '..', '.cache', 'python', 'bin', 'python');

/** With CI=true it is there, or the run has failed before. */
export const hasPython = existsSync(PYTHON);

/** What a Python program printed. Rejects with what it complained of. */
export async function runPython(args: readonly string[], cwd?: string): Promise<string> {
  const options = cwd === undefined ? {} : { cwd };
  return (await promisify(execFile)(PYTHON, [...args], { encoding: 'utf8', timeout: 120_000, ...options })).stdout;
}
