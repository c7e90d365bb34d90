import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { DatasetFacts } from '../../domain/retraining.ts';
import { commandTrainer } from './command.ts';
import type { TrainingRequest } from './trainer.ts';

const part = { rows: 2, bytes: 1, sha256: 'a'.repeat(64) };
const DATASET: DatasetFacts = {
  rows: 6,
  task: 'binary',
  positiveClass: '1',
  classes: ['0', '1'],
  features: [{ name: 'age', kind: 'numeric', missing: 0 }],
  parts: { train: part, test: part, holdout: part },
  fromMs: 0,
  trainEndMs: 1,
  testEndMs: 2,
  toMs: 3,
  labelCoverage: 1,
  warnings: [],
};

/** Answers the job with what it was told, and the holdout with ones. */
const GOOD = `
const fs = require('node:fs'), zlib = require('node:zlib');
const lines = (file) => zlib.gunzipSync(fs.readFileSync(file)).toString().trim().split('\\n').map((line) => JSON.parse(line));
const job = JSON.parse(fs.readFileSync(process.env.MLH_JOB_FILE));
console.log(Object.keys(process.env).filter((name) => name !== 'PATH').sort().join());
if (process.env.MLH_PHASE === 'train')
  fs.writeFileSync(process.env.MLH_RESULT_FILE, JSON.stringify({
    candidate: { version: job.candidate.version, uri: 'file:///model' }, metrics: { rows: lines(job.dataset.train).length } }));
else
  fs.writeFileSync(process.env.MLH_PREDICTIONS_FILE, lines(process.env.MLH_HOLDOUT_FILE).map(({ id }) => JSON.stringify({ id, prediction: '1', score: 1 })).join('\\n'));
`;

describe('commandTrainer', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'mh-command-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  let attempts = 0;
  function request(more: Partial<TrainingRequest> = {}): TrainingRequest {
    return {
      jobId: 'job',
      attempt: 1,
      externalId: `attempt-${attempts++}`,
      model: 'churn',
      dataset: DATASET,
      reasons: [],
      championVersion: '1',
      hints: { seed: 1, cvFolds: 2, tuningBudget: 1 },
      candidateVersion: '2',
      deadlineMs: 60_000,
      read: async function* () {
        yield await Promise.resolve(gzipSync('{"id":"a"}\n{"id":"b"}\n'));
      },
      signal: new AbortController().signal,
      ...more,
    };
  }

  const trainer = (script: string) =>
    commandTrainer({ command: [process.execPath, '-e', script], folder, environment: { PATH: '/usr/bin' } });

  test('trains, then predicts the holdout, with a reduced environment', async () => {
    const asked = request();
    const outcome = await trainer(GOOD).train(asked);
    expect(outcome).toMatchObject({
      kind: 'completed',
      result: { candidate: { version: '2', uri: 'file:///model', sha256: null }, metrics: { rows: 2 } },
    });
    expect(outcome.kind === 'completed' && outcome.output.trim()).toBe(
      'MLH_EXTERNAL_ID,MLH_HOLDOUT_FILE,MLH_JOB_FILE,MLH_PHASE,MLH_PREDICTIONS_FILE,MLH_RESULT_FILE',
    );
    // Again, as after a crash between its end and our writing it down: what is there counts, and nothing runs.
    expect(await trainer('process.exit(1)').train(asked)).toMatchObject({ kind: 'completed', output: '' });
    expect(
      await trainer(GOOD).predict(asked, {
        candidate: { version: '2', uri: '', sha256: null, framework: null },
        metrics: {},
      }),
    ).toEqual({
      kind: 'predicted',
      rows: [
        { id: 'a', prediction: '1', score: 1, scores: null },
        { id: 'b', prediction: '1', score: 1, scores: null },
      ],
    });
  });

  test.each<readonly [string, string, object]>([
    [
      'an end with an error',
      'console.error("no rows"); process.exit(3)',
      {
        error: { code: 'training_failed', message: 'the program ended with 3', retryable: false },
        output: 'no rows\n',
      },
    ],
    ['an end that asks for another try', 'process.exit(75)', { error: { code: 'training_failed', retryable: true } }],
    ['no result', '', { error: { code: 'bad_result' } }],
    [
      'a result that is none',
      'require("fs").writeFileSync(process.env.MLH_RESULT_FILE, "{")',
      { error: { code: 'bad_result' } },
    ],
    [
      'a metric that is none',
      'require("fs").writeFileSync(process.env.MLH_RESULT_FILE, \'{"metrics":{"auc":"high"}}\')',
      { error: { code: 'bad_result', message: 'every metric must be a finite number' } },
    ],
  ])('%s', async (_name, script, expected) => {
    expect(await trainer(script).train(request())).toMatchObject({ kind: 'failed', ...expected });
  });

  test('a program that is not there', async () => {
    const missing = commandTrainer({ command: ['/no/such/program'], folder, environment: {} });
    expect(await missing.train(request())).toMatchObject({
      kind: 'failed',
      error: { message: 'the program ended with 127' },
    });
  });

  test('keeps the tail of an output without end', async () => {
    const outcome = await trainer(
      'for (let i = 0; i < 20000; i++) console.log("line " + i); process.exitCode = 1',
    ).train(request());
    expect(outcome.kind === 'failed' && outcome.output.length).toBe(65_536);
    expect(outcome.kind === 'failed' && outcome.output.endsWith('line 19999\n')).toBe(true);
  });

  test('at the deadline it is killed, and what it started with it', async () => {
    const script = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      require('fs').writeFileSync('child', String(child.pid));
      setInterval(() => {}, 1000);`;
    const asked = request({ deadlineMs: 8_000 });
    expect(await trainer(script).train(asked)).toMatchObject({ kind: 'failed', error: { code: 'deadline' } });
    const child = Number(readFileSync(path.join(folder, asked.externalId, 'child'), 'utf8'));
    await untilGone(child);
  });

  test('is stopped with its job', async () => {
    const stop = new AbortController();
    const running = trainer('setInterval(() => {}, 1000)').train(request({ signal: stop.signal }));
    setTimeout(() => stop.abort(), 300);
    await expect(running).rejects.toThrow('stopped');
  });

  test('one that was left behind by a crash is killed, and its attempt is over', async () => {
    const asked = request();
    const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    await once(left, 'spawn');
    const own = path.join(folder, asked.externalId);
    mkdirSync(own);
    const startedAt = readFileSync(`/proc/${left.pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[19];
    writeFileSync(path.join(own, 'process.json'), JSON.stringify({ pid: left.pid, startedAt }));
    expect(await trainer(GOOD).train(asked)).toMatchObject({
      kind: 'failed',
      error: { code: 'interrupted', retryable: true },
    });
    await once(left, 'exit');
    expect(left.signalCode).toBe('SIGKILL');
  });
});

/** Gone, or a zombie that waits for init. */
async function untilGone(pid: number): Promise<void> {
  for (;;) {
    try {
      if (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.startsWith('Z')) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
