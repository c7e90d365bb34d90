import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface RunningExporter {
  readonly url: URL;
  readonly pid: number;
  readonly dataPath: string;
  /** Ends it, and removes its data, after `keep` has looked at what it left. */
  readonly stop: (keep?: (dataPath: string) => Promise<void>) => Promise<void>;
}

/** The compiled exporter beside this file, on an empty database of its own. */
export async function startExporter(flags: readonly string[] = []): Promise<RunningExporter> {
  const dataPath = mkdtempSync(path.join(tmpdir(), 'mh-bench-'));
  // PostgreSQL runs as another user where we are root.
  chmodSync(dataPath, 0o755);
  const main = path.join(import.meta.dirname, '..', '..', 'src', 'main.js');
  const child = spawn(
    process.execPath,
    [main, '--web.listen-address=127.0.0.1:0', `--data.path=${dataPath}`, '--log.level=warn', ...flags],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const url = await new Promise<URL>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the exporter ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = /(https?:\/\/\S+)\/api\/ml\/predictions/.exec(line)?.[1];
      if (address !== undefined) resolve(new URL(address));
    });
  });
  const stop: RunningExporter['stop'] = async (keep) => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    await keep?.(dataPath);
    rmSync(dataPath, { recursive: true, force: true });
  };
  return { url, pid: child.pid!, dataPath, stop };
}

/** Resolves with the status, once the whole answer is there. */
export function post(
  url: URL,
  agent: http.Agent,
  address: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: url.hostname,
        port: url.port,
        path: address,
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': body.length },
      },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    request.on('error', reject).end(body);
  });
}
