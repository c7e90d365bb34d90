import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModelMonitor } from '../../client/model-monitor.ts';
import type { ModelHealth } from '../../client/model-monitor.ts';
import { styled, table } from '../console.ts';
import type { Cell } from '../console.ts';
import { startDemoExporter, uploadBaseline } from '../exporter.ts';
import { createRealEstateLoad, FAULTS } from './load.ts';
import type { Fault, RealEstateLoad } from './load.ts';

export interface RealEstateOptions {
  readonly packageFolder: string;
  /** Of the exporter; it must know the four models. */
  readonly configFile: string;
  readonly listenAddress: string;
  readonly seed: number;
  /** Predictions a second of each model. */
  readonly rate: number;
  /** "model:fault", on from the start. */
  readonly faults: readonly string[];
  readonly stopped: AbortSignal;
}

const VERSION = '1';
const BASELINE_ROWS = 5_000;
/** One window of past traffic, so that nobody waits for five minutes. */
const HISTORY_MS = 5 * 60_000;
const PAUSE_MS = 250;
const STATUS_EVERY_MS = 15_000;
const CHECKS = ['performance', 'data_drift', 'prediction_drift', 'latency', 'error_rate', 'data_quality'];

/** Runs until it is stopped: four models under load, faults switched by lines of input. */
export async function runRealEstate(options: RealEstateOptions): Promise<void> {
  const { packageFolder, configFile, listenAddress, seed, rate, faults, stopped } = options;
  const load = createRealEstateLoad({ seed, ratePerSecond: rate, run: Date.now().toString(36) });
  const wanted = faults.map((text) => parseSwitch(text.replace(':', ' '), load) ?? refuse(text, load));
  const exporter = await startDemoExporter(packageFolder, [
    `--config.file=${configFile}`,
    `--web.listen-address=${listenAddress}`,
  ]);
  try {
    const { url } = exporter;
    const monitors = new Map(
      load.models.map((model) => [model, new ModelMonitor({ url, model, version: VERSION, onError: complain })]),
    );
    for (const model of load.models) await uploadBaseline(url, model, VERSION, load.baseline(model, BASELINE_ROWS));
    for (const one of wanted) console.log(flip(one, load));
    let sentMs = Date.now();
    await send(load, monitors, sentMs - HISTORY_MS, sentMs);
    console.log(`Watch it at ${styled('bold', `${url}/`)}, scrape ${url}/metrics.\n${usage(load)}`);
    const input = createInterface({ input: process.stdin });
    input.on('line', (line) => {
      if (line.trim() === 'status') void showStatus(load, monitors);
      else console.log(obey(line, load));
    });
    let shownMs = Date.now();
    while (!stopped.aborted) {
      await Promise.race([exporter.ended, sleep(PAUSE_MS)]);
      const now = Date.now();
      await send(load, monitors, sentMs, now);
      sentMs = now;
      if (now - shownMs >= STATUS_EVERY_MS) {
        shownMs = now;
        await showStatus(load, monitors);
      }
    }
    input.close();
  } finally {
    await exporter.stop();
  }
}

function complain(error: Error): void {
  console.error(`The exporter refused a request: ${error.message}`);
}

async function send(
  load: RealEstateLoad,
  monitors: ReadonlyMap<string, ModelMonitor>,
  fromMs: number,
  toMs: number,
): Promise<void> {
  const { predictions, labels } = load.between(fromMs, toMs);
  for (const { model, predictionId, timeMs, features, answer, error, latencyMs } of predictions)
    monitors.get(model)!.logPrediction({
      predictionId,
      timestamp: new Date(timeMs),
      features,
      latencyMs,
      ...(answer ?? {}),
      ...(error === null ? {} : { error }),
    });
  for (const { model, predictionId, timeMs, label } of labels)
    monitors.get(model)!.logGroundTruth({ predictionId, label, timestamp: new Date(timeMs) });
  await Promise.all([...monitors.values()].map((monitor) => monitor.flush()));
}

function usage({ models }: RealEstateLoad): string {
  return `Type a fault and a model (or all) to switch it on or off:
  faults  ${FAULTS.join(', ')}
  models  ${models.join(', ')}
such as "data_drift move_probability"; "status" shows the models now; Ctrl-C ends.`;
}

interface Switch {
  readonly fault: Fault;
  readonly models: readonly string[];
}

function refuse(text: string, load: RealEstateLoad): never {
  throw new Error(
    `--fault ${text}: expected MODEL:FAULT, with a model of ${load.models.join(', ')} (or all) and a fault of ${FAULTS.join(', ')}`,
  );
}

/** @returns what to say about it */
function obey(line: string, load: RealEstateLoad): string {
  const wanted = parseSwitch(line, load);
  return wanted === null ? usage(load) : flip(wanted, load);
}

function parseSwitch(line: string, load: RealEstateLoad): Switch | null {
  const [fault = '', model = ''] = arrange(line.trim().split(/\s+/), load);
  if (!isFault(fault) || (model !== 'all' && !load.models.includes(model))) return null;
  return { fault, models: model === 'all' ? load.models : [model] };
}

function flip({ fault, models }: Switch, load: RealEstateLoad): string {
  const on = !models.every((name) => load.isFaulty(name, fault));
  for (const name of models) load.setFault(name, fault, on);
  return `${fault} of ${models.join(', ')} is ${on ? 'on' : 'off'}; it shows as the window of five minutes fills.`;
}

/** Either word may come first. */
function arrange(words: readonly string[], { models }: RealEstateLoad): readonly string[] {
  return words[0] === 'all' || (words[0] !== undefined && models.includes(words[0])) ? [...words].reverse() : words;
}

function isFault(word: string): word is Fault {
  return FAULTS.some((fault) => fault === word);
}

async function showStatus(load: RealEstateLoad, monitors: ReadonlyMap<string, ModelMonitor>): Promise<void> {
  const rows: Cell[][] = [];
  for (const [model, monitor] of monitors) {
    const health = await monitor.checkModelHealth().catch(() => null);
    const faults = FAULTS.filter((fault) => load.isFaulty(model, fault)).join(', ');
    rows.push([
      { text: model },
      { text: health?.overall_health?.toFixed(1) ?? '-' },
      ...CHECKS.map((check) => checkCell(health, check)),
      { text: faults === '' ? 'none' : faults },
    ]);
  }
  const time = new Date().toTimeString().slice(0, 8);
  console.log(`\n${table([time, 'health', ...CHECKS, 'faults on'], rows)}`);
}

function checkCell(health: ModelHealth | null, check: string): Cell {
  const outcome = health?.checks[check];
  const state = outcome?.state;
  const score = outcome?.score;
  const text = typeof score === 'number' ? score.toFixed(0) : '-';
  if (state === 'alert') return { text: `${text} !`, style: 'red' };
  return state === 'warning' ? { text: `${text} ~`, style: 'yellow' } : { text };
}
