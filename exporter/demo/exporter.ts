import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** An exporter of the demo's own, with a fresh database that goes with it. */
export interface DemoExporter {
  readonly url: string;
  readonly pid: number;
  /** Rejects when the exporter ends by itself. */
  readonly ended: Promise<never>;
  stop(): Promise<void>;
}

/** @param packageFolder the exporter's; it must be built */
export async function startDemoExporter(packageFolder: string, flags: readonly string[]): Promise<DemoExporter> {
  const dataPath = mkdtempSync(path.join(tmpdir(), 'model-health-demo-'));
  // The database may run as another user than root, who must get through.
  chmodSync(dataPath, 0o711);
  const main = path.join(packageFolder, 'dist', 'src', 'main.js');
  const child = spawn(process.execPath, [main, `--data.path=${dataPath}`, '--log.level=warn', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ended = exited.then((code): never => {
    throw new Error(`the exporter ended with code ${code}`);
  });
  ended.catch(() => undefined);
  const remove = () => rmSync(dataPath, { recursive: true, force: true });
  const url = await Promise.race([addressOf(child.stdout), ended]).catch((error: unknown) => {
    remove();
    throw error;
  });
  return {
    url,
    pid: child.pid!,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      remove();
    },
  };
}

function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: output }).on('line', (line) => {
      const address = /(https?:\/\/\S+)\/api\/ml\/predictions/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
  });
}

/** A reference data set as NDJSON. */
export async function uploadBaseline(
  url: string,
  model: string,
  version: string,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const response = await fetch(
    `${url}/api/ml/models/${encodeURIComponent(model)}/baseline?version=${encodeURIComponent(version)}`,
    {
      method: 'PUT',
      headers: { 'content-type': 'application/x-ndjson' },
      body: rows.map((row) => JSON.stringify(row)).join('\n'),
    },
  );
  if (!response.ok) throw new Error(`the baseline of ${model} was refused: ${await response.text()}`);
  await response.arrayBuffer();
}
