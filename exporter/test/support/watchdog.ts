import { spawn } from 'node:child_process';

/**
 * Ends the PostgreSQL on `dataPath/pgdata`, if there is one, and removes `dataPath` when this process ends, however it does (Ctrl-C, kill -9), for it sees
 * the pipe to it close. In a session of its own, so that Ctrl-C does not reach it.
 */
const script = `
  read -r _
  file="$1/pgdata/postmaster.pid"
  if [ -f "$file" ]; then
    pid=$(head -n 1 "$file")
    kill -QUIT "$pid" 2>/dev/null
    i=0
    while kill -0 "$pid" 2>/dev/null && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
    kill -KILL "$pid" 2>/dev/null
  fi
  rm -rf "$1"
`;

export interface Watchdog {
  /** Does the same now, and waits for it. */
  end(): Promise<void>;
}

export function watchdog(dataPath: string): Watchdog {
  const child = spawn('/bin/sh', ['-c', script, 'sh', dataPath], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  // A pipe of a child is a socket, whatever its type says; it must not keep Jest from ending.
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return {
    end: () =>
      new Promise((resolve) => {
        child.ref();
        child.on('exit', () => resolve());
        child.stdin.end();
      }),
  };
}
