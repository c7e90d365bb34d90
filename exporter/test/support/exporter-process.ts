import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterUrl } from '../../src/storage/embedded/cluster.ts';

/** The compiled exporter as its users run it, on a data path of the test's own. */
export interface ExporterProcess {
  readonly baseUrl: string;
  readonly pid: number;
  /** Everything it wrote to standard error. */
  readonly log: () => string;
  /** What time it is, for one that was started with `clockStartMs`. */
  setClock(ms: number): void;
  /** Sends the signal and waits for the end. Resolves with the exit code, null when the signal ended it. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

export interface ExporterOptions {
  readonly dataPath: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Put before the command, as `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
  readonly listen?: string;
  /** On a clock that stands still there until `setClock`. */
  readonly clockStartMs?: number;
}

const MAIN = path.resolve(__dirname, '..', '..', 'dist', 'src', 'main.js');
const STEPPED = path.resolve(__dirname, 'stepped-exporter.mjs');

export async function startExporter({
  dataPath,
  flags = [],
  environment = {},
  prefix = [],
  listen = '127.0.0.1:0',
  clockStartMs,
}: ExporterOptions): Promise<ExporterProcess> {
  const [program = process.execPath, ...words] = [
    ...prefix,
    process.execPath,
    ...(clockStartMs === undefined ? [MAIN] : [STEPPED, `--clock.start=${clockStartMs}`]),
    `--web.listen-address=${listen}`,
    `--data.path=${dataPath}`,
    ...flags,
  ];
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe', ...(clockStartMs === undefined ? [] : ['ipc' as const])],
    env: { PATH: process.env.PATH ?? '', ...environment },
  });
  let log = '';
  child.stderr!.setEncoding('utf8').on('data', (piece: string) => (log += piece));
  const baseUrl = await addressOf(child, () => log);
  await untilReady(baseUrl, () => log);
  return {
    baseUrl,
    pid: child.pid!,
    log: () => log,
    setClock: (ms) => child.send(ms),
    kill: (signal) => end(child, signal),
  };
}

function addressOf(child: ChildProcess, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the exporter ended with ${code}: ${log()}`)));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const address = /(https?:\/\/\S+)\/api\/ml\/predictions/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
  });
}

async function untilReady(baseUrl: string, log: () => string): Promise<void> {
  await eventually(async () => {
    const reply = await fetch(`${baseUrl}/-/ready`);
    if (!reply.ok) throw new Error(`the exporter does not become ready: ${await reply.text()}\n${log().slice(-2_000)}`);
  });
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.kill(signal);
  });
}

/** Process id of the embedded postmaster on a data path. */
export function postmasterPid(dataPath: string): number {
  return Number(readFileSync(path.join(dataPath, 'pgdata', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** To look into the embedded database of a running exporter. */
export function embeddedUrl(dataPath: string): string {
  return clusterUrl(path.join(dataPath, 'run'));
}

/** The value of one series of the text exposition; the sum when `series` names several (a prefix up to its labels). */
export async function metric(baseUrl: string, series: string): Promise<number> {
  return valueIn(await (await fetch(`${baseUrl}/metrics`)).text(), series);
}

/** The same, of an exposition that was fetched before: some figures begin anew with each scrape. */
export function valueIn(text: string, series: string): number {
  let sum = NaN;
  for (const line of text.split('\n')) {
    if (!line.startsWith(series) || !/^[ {]/.test(line.slice(series.length))) continue;
    sum = (Number.isNaN(sum) ? 0 : sum) + Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

/** Tries `check` until it no longer throws. What is right takes a moment; only what is wrong takes as long as this. */
export async function eventually<T>(check: () => Promise<T>, timeoutMs = 90_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(100);
    }
  }
}

/** A JSON answer, taken to have the shape that the test expects of it. */
export async function jsonOf<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}
