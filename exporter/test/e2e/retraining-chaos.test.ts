import { expect, test } from '@jest/globals';
import { retrainingChaos } from '../chaos/retraining-chaos.ts';

const JOBS = 8;

// The short form of `npm run chaos -- retraining`.
test('jobs of 4 workers, while exporters, trainer and PostgreSQL are killed: every transition once, nothing begun twice, no job stuck', async () => {
  const said: string[] = [];
  const result = await retrainingChaos({
    models: JOBS,
    exporters: 2,
    faults: 5,
    calmMs: 400,
    inHaste: true,
    say: (text) => said.push(text),
  });
  expect([result.violations, result.violations.length > 0 ? said : []]).toEqual([[], []]);
  expect(Object.values(result.outcomes).reduce((sum, jobs) => sum + jobs, 0)).toBe(JOBS);
  expect(result.faults.size).toBeGreaterThan(0);
}, 600_000);
