import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit code; -1 when the command could not be started or was ended by a signal. */
  readonly status: number;
  readonly stdout: string;
  /** What it wrote to stderr, or why it could not be started. */
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  readonly timeoutMs?: number;
}

/** Runs a command to its end, from `/`, for the caller's own directory may be closed to the account it runs as. Never throws. */
export function runCommand(file: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { timeoutMs, ...spawnOptions } = options;
  return new Promise((resolve) => {
    const output = { stdout: '', stderr: '' };
    const done = (status: number, why = ''): void =>
      resolve({ status, stdout: output.stdout, stderr: output.stderr + why });
    try {
      const child = spawn(file, args, {
        ...spawnOptions,
        cwd: '/',
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
      child.on('error', (error) => done(-1, error.message));
      child.on('close', (code, signal) => done(code ?? -1, signal === null ? '' : `ended by ${signal}`));
    } catch (error) {
      // spawn throws, instead of emitting, for some errors of setuid.
      done(-1, error instanceof Error ? error.message : String(error));
    }
  });
}

/** The environment of PostgreSQL and initdb: nothing of ours leaks in, messages are in English, times are UTC. */
export function commandEnvironment(
  searchPath: string,
  libraryPath: string | undefined,
): Readonly<Record<string, string>> {
  const library = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return { PATH: searchPath, LC_ALL: 'C', TZ: 'UTC', ...(libraryPath === undefined ? {} : { [library]: libraryPath }) };
}
