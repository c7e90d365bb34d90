import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { jobDocument } from './job-document.ts';
import { readPrediction, readResult } from './read-result.ts';
import type { HoldoutPrediction, Trainer, TrainerPart, TrainingOutcome, TrainingRequest } from './trainer.ts';

export interface CommandTrainerOptions {
  /** Program and arguments: no shell looks at them. */
  readonly command: readonly string[];
  /** Each attempt gets a folder of its own below. */
  readonly folder: string;
  /** All of the environment that the program gets, beside MLH_*. */
  readonly environment: Readonly<Record<string, string>>;
}

const OUTPUT_BYTES = 64 * 1024;
const KILL_AFTER_MS = 5_000;
/** sysexits.h: try again later. */
const EX_TEMPFAIL = 75;
const NEWEST_DATA: readonly TrainerPart[] = ['train', 'test'];

/**
 * Runs a program twice: MLH_PHASE=train, which reads MLH_JOB_FILE and writes MLH_RESULT_FILE, then MLH_PHASE=predict for the holdout. It is
 * a process group of its own, killed at the deadline or when the job is cancelled. After a crash of ours: a result that is there counts; a
 * program that still runs without anyone listening is killed, and the attempt is over.
 */
export function commandTrainer(options: CommandTrainerOptions): Trainer {
  return {
    train: async (request) => {
      const files = filesOf(options, request);
      if (existsSync(files.result)) return readResultFile(files, request, '');
      const left = processOf(files.process);
      if (left !== null) {
        if (isAlive(left)) killGroup(left.pid, 'SIGKILL');
        rmSync(files.process, { force: true });
        return failed('interrupted', 'The exporter was stopped while the program ran.', true, '');
      }
      mkdirSync(files.folder, { recursive: true, mode: 0o700 });
      for (const part of NEWEST_DATA) await store(request, part, files);
      writeFileSync(
        files.job,
        JSON.stringify({
          ...jobDocument(request),
          dataset: { format: 'ndjson.gz', train: files.train, test: files.test },
        }),
      );
      const { code, output } = await run(options, request, files, 'train');
      if (code === 'deadline')
        return failed('deadline', `not done after ${Math.round(request.deadlineMs / 1000)} s`, false, output);
      if (code !== 0) return failed('training_failed', `the program ended with ${code}`, code === EX_TEMPFAIL, output);
      return readResultFile(files, request, output);
    },
    predict: async (request) => {
      const files = filesOf(options, request);
      if (!existsSync(files.result)) return { kind: 'none', reason: 'the folder of the attempt is gone' };
      await store(request, 'holdout', files);
      const { code } = await run(options, request, files, 'predict');
      for (const part of [...NEWEST_DATA, 'holdout'] as const) rmSync(files[part], { force: true });
      if (code !== 0) return { kind: 'none', reason: `the program ended with ${code} when it was to predict` };
      return readPredictions(files.predictions);
    },
  };
}

function filesOf({ folder }: CommandTrainerOptions, { externalId }: TrainingRequest) {
  const own = path.resolve(folder, externalId);
  return {
    folder: own,
    job: path.join(own, 'job.json'),
    result: path.join(own, 'result.json'),
    process: path.join(own, 'process.json'),
    predictions: path.join(own, 'predictions.ndjson'),
    train: path.join(own, 'train.ndjson.gz'),
    test: path.join(own, 'test.ndjson.gz'),
    holdout: path.join(own, 'holdout.ndjson.gz'),
  };
}
type Files = ReturnType<typeof filesOf>;

async function store(request: TrainingRequest, part: TrainerPart, files: Files): Promise<void> {
  await pipeline(Readable.from(request.read(part)), createWriteStream(files[part], { mode: 0o600 }));
}

interface Ended {
  readonly code: number | 'deadline' | NodeJS.Signals;
  readonly output: string;
}

function run(
  { command, environment }: CommandTrainerOptions,
  { signal, deadlineMs, externalId }: TrainingRequest,
  files: Files,
  phase: 'train' | 'predict',
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = command as readonly [string, ...string[]];
    const child = spawn(program, args, {
      cwd: files.folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...environment,
        MLH_PHASE: phase,
        MLH_EXTERNAL_ID: externalId,
        MLH_JOB_FILE: files.job,
        MLH_RESULT_FILE: files.result,
        MLH_HOLDOUT_FILE: files.holdout,
        MLH_PREDICTIONS_FILE: files.predictions,
      },
    });
    let output = Buffer.alloc(0);
    // The tail is kept: what went wrong stands at the end.
    const keep = (piece: Buffer): void => {
      output = Buffer.concat([output, piece]).subarray(-OUTPUT_BYTES);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    let why: 'deadline' | 'aborted' | null = null;
    let kill: NodeJS.Timeout | undefined;
    const end = (reason: 'deadline' | 'aborted'): void => {
      why ??= reason;
      if (child.pid === undefined) return;
      const { pid } = child;
      killGroup(pid, 'SIGTERM');
      kill = setTimeout(() => killGroup(pid, 'SIGKILL'), KILL_AFTER_MS);
    };
    const deadline = setTimeout(() => end('deadline'), Math.min(deadlineMs, 2 ** 31 - 1));
    const abort = (): void => end('aborted');
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    const done = (): void => {
      clearTimeout(deadline);
      clearTimeout(kill);
      signal.removeEventListener('abort', abort);
      rmSync(files.process, { force: true });
    };
    child.once('spawn', () =>
      writeFileSync(files.process, JSON.stringify({ pid: child.pid, startedAt: startOf(child.pid!) })),
    );
    child.once('error', (error) => {
      done();
      resolve({ code: 127, output: `${program} cannot be run: ${error.message}` });
    });
    child.once('close', (code, killedBy) => {
      done();
      // What it left running in its group goes with it.
      if (child.pid !== undefined) killGroup(child.pid, 'SIGKILL');
      if (why === 'aborted') reject(new Error('the program was stopped', { cause: signal.reason }));
      else resolve({ code: why ?? code ?? killedBy ?? 1, output: output.toString('utf8').replaceAll('\0', '') });
    });
  });
}

function readResultFile(files: Files, request: TrainingRequest, output: string): TrainingOutcome {
  try {
    const result = readResult(JSON.parse(readFileSync(files.result, 'utf8')), request.candidateVersion);
    return typeof result === 'string'
      ? failed('bad_result', result, false, output)
      : { kind: 'completed', result, artefact: null, output };
  } catch (error) {
    return failed(
      'bad_result',
      `MLH_RESULT_FILE cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      false,
      output,
    );
  }
}

function readPredictions(
  file: string,
):
  | { readonly kind: 'predicted'; readonly rows: readonly HoldoutPrediction[] }
  | { readonly kind: 'none'; readonly reason: string } {
  if (!existsSync(file)) return { kind: 'none', reason: 'the program wrote no MLH_PREDICTIONS_FILE' };
  const bytes = readFileSync(file);
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
  const rows: HoldoutPrediction[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const prediction = readPrediction(parseOrNull(line));
    if (typeof prediction === 'string')
      return { kind: 'none', reason: `line ${rows.length + 1} of the predictions: ${prediction}` };
    rows.push(prediction);
  }
  return { kind: 'predicted', rows };
}

function parseOrNull(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}

interface ProcessMark {
  readonly pid: number;
  readonly startedAt: string;
}

function processOf(file: string): ProcessMark | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessMark;
  } catch {
    return null;
  }
}

/** Ids of processes come again: the start tells them apart, where /proc has it. */
function isAlive({ pid, startedAt }: ProcessMark): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return startOf(pid) === startedAt;
}

function startOf(pid: number): string {
  try {
    // Field 22; the second one may hold spaces and ends with the last bracket.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[19]!;
  } catch {
    return '';
  }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

function failed(code: string, message: string, retryable: boolean, output: string): TrainingOutcome {
  return { kind: 'failed', error: { code, message, retryable }, output };
}
