import { expect, test } from '@jest/globals';
import { retrainingChaos } from '../chaos/retraining-chaos.ts';

// The short form of `npm run chaos -- retraining`.
test('20 jobs, 4 workers, while exporters, trainer and PostgreSQL are killed: every transition once, nothing begun twice', async () => {
  const result = await retrainingChaos({
    models: 20,
    exporters: 2,
    calmMs: 1_500,
    withStalls: false,
    say: () => undefined,
  });
  expect(result.violations).toEqual([]);
  expect(Object.values(result.outcomes).reduce((sum, jobs) => sum + jobs, 0)).toBe(20);
  expect(result.faults.size).toBeGreaterThan(0);
}, 600_000);
