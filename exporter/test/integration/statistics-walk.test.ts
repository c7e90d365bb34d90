import { describe, expect, test } from '@jest/globals';
import { createTestDatabase } from '../support/database.ts';
import { StatisticsWalk } from '../support/statistics-walk.ts';

/** STATISTICS_WALK_SEED=7 is one walk again, STATISTICS_WALKS=200 so many, from that seed or from 1 on. */
const { STATISTICS_WALK_SEED: only, STATISTICS_WALKS: walks = only === undefined ? '4' : '1' } = process.env;
const seeds = Array.from({ length: Number(walks) }, (_, i) => i + Number(only ?? 1));
const STEPS = 30;

describe('statistics kept by the way equal a recount of the raw rows', () => {
  test.each(seeds)(
    'after a random walk of seed %i',
    async (seed) => {
      const database = await createTestDatabase();
      const walk = await StatisticsWalk.open(database.url, seed);
      try {
        await walk.go(STEPS);
        await walk.settle();
        const { before, folded } = await walk.compare();
        const done = walk.steps.join('; ');
        expect({ seed, differences: before.differences.slice(0, 20), done }).toEqual({ seed, differences: [], done });
        expect({ seed, differences: folded.differences.slice(0, 20), done }).toEqual({ seed, differences: [], done });
        expect(folded.counted).toBe(folded.rows);
        const { kept, read } = await walk.windows();
        expect(kept).toEqual(read);
      } finally {
        await walk.close();
        await database.drop();
      }
    },
    300_000,
  );
});
