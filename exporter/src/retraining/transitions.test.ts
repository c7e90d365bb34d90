import { describe, expect, test } from '@jest/globals';
import { isOutcome, JOB_STATES, SUCCESSFUL_WAY } from '../domain/retraining.ts';
import type { JobState } from '../domain/retraining.ts';
import { mayMove, TRANSITIONS } from './transitions.ts';

describe('the states of a job', () => {
  test('the way of a job that goes well', () => {
    for (let i = 1; i < SUCCESSFUL_WAY.length; i++)
      expect(mayMove(SUCCESSFUL_WAY[i - 1]!, SUCCESSFUL_WAY[i]!)).toBe(true);
  });

  test('every transition leads forward: no state is entered twice', () => {
    const order = (state: JobState) => JOB_STATES.indexOf(state);
    for (const from of JOB_STATES) for (const to of TRANSITIONS[from]) expect(order(to)).toBeGreaterThan(order(from));
  });

  test.each(JOB_STATES)('%s: an end leads nowhere, every other state to an end', (state) => {
    expect(TRANSITIONS[state].some(isOutcome)).toBe(!isOutcome(state));
  });

  test.each<readonly [string, JobState, JobState]>([
    ['nothing is rolled out without approval', 'validating', 'rolling_out'],
    ['traffic is taken back, not dropped', 'rolling_out', 'cancelled'],
    ['an end is an end', 'rejected', 'rolling_out'],
    ['no going back', 'training', 'preparing'],
  ])('%s', (_name, from, to) => {
    expect(mayMove(from, to)).toBe(false);
  });
});
