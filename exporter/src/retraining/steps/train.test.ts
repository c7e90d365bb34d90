import { expect, test } from '@jest/globals';
import { JOB } from '../../http/fake-services.ts';
import type { TrainingOutcome } from '../trainers/trainer.ts';
import { TROUBLED_REPORT } from '../../../test/fixtures/model-report.ts';
import type { WorkedJob } from '../worked-job.ts';
import { train } from './train.ts';

const DEADLINE = 1_000_000;
const BUSY: TrainingOutcome = { kind: 'busy', afterMs: 30_000 };

function given(outcome: TrainingOutcome, nowMs: number) {
  const dispatch = { attempt: 1, externalId: 'x', accepted: false, deadlineMs: DEADLINE, candidateVersion: '2' };
  const job = { ...JOB, attempt: 1, facts: { dispatch, dataset: {} } } as unknown as WorkedJob;
  return train(job, new AbortController().signal, {
    settingsOf: () => TROUBLED_REPORT.settings,
    trainerOf: () => ({ train: () => Promise.resolve(outcome), predict: () => Promise.reject(new Error('not yet')) }),
    read: () => {
      throw new Error('nobody reads');
    },
    registry: { register: () => Promise.resolve(true), list: () => Promise.resolve([]) },
    callbacks: { end: () => Promise.resolve(null), lastHeardMs: () => Promise.resolve(NaN) },
    now: () => nowMs,
    realNow: () => nowMs,
  });
}

test('a trainer that is busy, or away, is asked again until the deadline of the attempt, and not for ever', async () => {
  expect(await given(BUSY, DEADLINE - 1)).toMatchObject({ kind: 'stay', afterMs: 30_000 });
  expect(await given(BUSY, DEADLINE)).toMatchObject({ kind: 'move', to: 'failed', detail: { code: 'unreachable' } });
});

test('one that says at the last moment that it is at it is believed', async () => {
  expect(await given({ kind: 'running' }, DEADLINE)).toMatchObject({
    kind: 'stay',
    facts: { dispatch: { accepted: true } },
  });
});
