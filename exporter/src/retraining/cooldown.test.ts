import { describe, expect, test } from '@jest/globals';
import type { JobState } from '../domain/retraining.ts';
import { cooldownEnd } from './cooldown.ts';

const DAY = 86_400_000;
const ended = (...states: JobState[]) => states.map((state, i) => ({ state, finishedAtMs: 100 * DAY - i * DAY }));

describe('cooldownEnd, in days after the last job of a cool-down of one day', () => {
  test.each<readonly [string, JobState[], number]>([
    ['a success', ['succeeded'], 1],
    ['a failure counts the same', ['failed', 'succeeded'], 1],
    ['two rejections', ['rejected', 'rejected', 'succeeded'], 1],
    ['the third doubles it', ['rejected', 'rejected', 'rejected'], 2],
    ['and each further one', ['rejected', 'rejected', 'rejected', 'rejected', 'rejected'], 8],
    ['up to 30 days', Array<JobState>(20).fill('rejected'), 30],
    ['anything else ends the row', ['rolled_back', 'rejected', 'rejected', 'rejected'], 1],
  ])('%s', (_name, states, days) => {
    expect(cooldownEnd(ended(...states), DAY)).toBe((100 + days) * DAY);
  });

  test('no job, no cool-down', () => {
    expect(cooldownEnd([], DAY)).toBeNaN();
  });

  test('a cool-down that is longer than the cap is kept', () => {
    expect(cooldownEnd(ended('rejected', 'rejected', 'rejected'), 40 * DAY)).toBe(140 * DAY);
  });
});
