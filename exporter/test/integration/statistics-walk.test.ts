import { describe, expect, test } from '@jest/globals';
import { createTestDatabase } from '../support/database.ts';
import { StatisticsWalk } from '../support/statistics-walk.ts';

/** STATISTICS_WALKS=200 walks longer, STATISTICS_WALK_SEED=7 one walk again. */
const only = process.env.STATISTICS_WALK_SEED;
const walks = Number(process.env.STATISTICS_WALKS ?? 4);
const seeds = only === undefined ? Array.from({ length: walks }, (_, i) => i + 1) : [Number(only)];
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
