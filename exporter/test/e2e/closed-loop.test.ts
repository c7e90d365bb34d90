import { afterAll, beforeAll, expect, test } from '@jest/globals';
import path from 'node:path';
import { isOutcome, SUCCESSFUL_WAY } from '../../src/domain/retraining.ts';
import { startTrainer, statesOf } from '../support/churn-scene.ts';
import { eventually, jsonOf } from '../support/exporter-process.ts';
import { FlightsScene } from '../support/flights-scene.ts';
import type { FlightsModel } from '../support/flights-scene.ts';

const PYTHON_TRAINER = path.resolve(__dirname, '..', '..', 'demo', 'trainers', 'command_trainer.py');

/** The same flights, foretold by four models at once: their jobs go side by side, through the same spring. */
const MODELS: Readonly<Record<'good' | 'python' | 'shuffled' | 'slow', Omit<FlightsModel, 'trainer'>>> = {
  good: { name: 'calendar', approval: 'manual', latencyRatio: 1 },
  python: { name: 'calendar_python', approval: 'manual', latencyRatio: 1 },
  shuffled: { name: 'calendar_shuffled', approval: 'automatic', latencyRatio: 1 },
  slow: { name: 'calendar_slow', approval: 'automatic', latencyRatio: 8 },
};

const scene = new FlightsScene();
const opened: (() => Promise<void>)[] = [() => scene.close()];
afterAll(async () => {
  for (const close of opened.reverse()) await close();
});

beforeAll(async () => {
  const webhook = async (environment: Readonly<Record<string, string>>) => {
    const { url, stop } = await startTrainer(scene.secretFile, environment);
    opened.push(stop);
    return `{ type: webhook, url: "${url}", secret_file: secret, callback_url: "BASE_URL" }`;
  };
  const [honest, broken] = [await webhook({}), await webhook({ SHUFFLE_LABELS: '1' })];
  await scene.start([
    { ...MODELS.good, trainer: honest },
    { ...MODELS.slow, trainer: honest },
    { ...MODELS.shuffled, trainer: broken },
    // Debian's own Python, which the tests have scikit-learn for.
    { ...MODELS.python, trainer: `{ type: command, command: [/usr/bin/python3, "${PYTHON_TRAINER}"] }` },
  ]);
}, 120_000);

/** What happened to each model while the flights went on. */
async function ended(model: string) {
  const job = await scene.job(model);
  if (!isOutcome(job.state))
    throw new Error(`the job of ${model} is ${job.state}: ${JSON.stringify(job.rollout ?? job.gate ?? job.error)}`);
  return job;
}
async function waiting(model: string) {
  const job = await scene.job(model);
  if (job.state !== 'awaiting_approval')
    throw new Error(`the job of ${model} is ${job.state}: ${JSON.stringify(job.gate ?? job.error)}`);
  return job;
}

test('the calendar model degrades in week 16, is trained again by the schedule, and version 2 takes over in stages', async () => {
  const judged = await scene.flyUntil(() => waiting(MODELS.good.name));
  expect(judged).toMatchObject({
    trigger: 'schedule',
    reasons: [{ code: 'calibration_gap' }],
    gate: { verdict: 'approve', loss: 'log_loss', selfReported: false },
  });
  const approved = await scene.call('POST', `/api/ml/retrain/jobs/${judged.id}/approve`, {
    note: 'it sees the spring',
  });
  expect(approved.status).toBe(202);
  const job = await scene.flyUntil(() => ended(MODELS.good.name));
  expect(job.rollback).toBeNull();
  expect(statesOf(job)).toEqual(SUCCESSFUL_WAY);
  expect(job).toMatchObject({
    state: 'succeeded',
    candidate: { version: '2' },
    rollout: {
      history: [
        { stage: 'shadow', verdict: 'pass' },
        { stage: '50 %', verdict: 'pass' },
        { stage: 'soak', verdict: 'pass' },
      ],
    },
  });
  expect(await jsonOf(await scene.call('GET', `/api/ml/models/${MODELS.good.name}/routing`))).toEqual({
    champion: { version: '2' },
    candidate: null,
  });
}, 300_000);

test('the example trainer in Python brings forth one that passes, too', async () => {
  const job = await scene.flyUntil(() => waiting(MODELS.python.name));
  expect(job).toMatchObject({
    candidate: { version: '2', framework: 'scikit-learn' },
    gate: { verdict: 'approve', selfReported: false },
    metrics: { test_score: expect.any(Number) },
  });
}, 300_000);

test('a candidate that learnt from shuffled labels is rejected', async () => {
  const job = await eventually(() => ended(MODELS.shuffled.name), 60_000);
  expect(job).toMatchObject({ state: 'rejected', gate: { verdict: 'reject' } });
  expect(job.gate!.reasons.join()).toMatch(/worse than/);
}, 300_000);

test('one that passes the gate and is slow in the canary is rolled back', async () => {
  const job = await scene.flyUntil(() => ended(MODELS.slow.name));
  expect(job).toMatchObject({ state: 'rolled_back', gate: { verdict: 'approve' } });
  expect(job.rollback!.reason).toMatch(/longer than 1\.5 times the champion's p95/);
  expect(await jsonOf(await scene.call('GET', `/api/ml/models/${MODELS.slow.name}/routing`))).toMatchObject({
    champion: { version: '1' },
    candidate: null,
  });
}, 300_000);
