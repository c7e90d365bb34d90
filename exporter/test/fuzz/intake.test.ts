import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ServiceError } from '../../src/domain/service-error.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { compareWithRawRows } from '../support/recount.ts';
import { CASES, labelEvent, predictionEvent } from './generated.ts';
import { Measured } from './measured.ts';

let database: TestDatabase;
let core: Core;
beforeAll(async () => {
  database = await createTestDatabase();
  core = await openCore(database.url, { now: () => Date.now() });
});
afterAll(async () => {
  await core.close();
  await database.drop();
});

/** In the ordinary run fewer: they go to a real database. */
const RUNS = CASES < 10_000 ? Math.ceil(CASES / 4) : CASES;

test('whatever comes is stored or refused row by row, and the statistics are those of what is stored', async () => {
  let accepted = 0;
  const measured = new Measured('intake', RUNS);
  await fc.assert(
    fc.asyncProperty(
      fc.array(predictionEvent, { maxLength: 8 }),
      fc.array(labelEvent, { maxLength: 4 }),
      (events, labels) =>
        measured.run(async () => {
          const sent = events as Partial<Record<string, unknown>>[];
          try {
            const reply = await core.predict(sent);
            expect(reply.accepted + reply.duplicates + reply.rejected).toBe(sent.length);
            accepted += reply.accepted;
            await core.label(labels);
          } catch (error) {
            // Too many classes, features or models: a limit, told as such.
            if (!(error instanceof ServiceError) || error.code !== 'invalid') throw error;
          }
        }),
    ),
    { numRuns: RUNS },
  );
  measured.end();
  const { rows } = await core.pool.query<{ n: string }>('SELECT count(*) AS n FROM predictions');
  expect(Number(rows[0]!.n)).toBe(accepted);
  expect(accepted).toBeGreaterThan(20);
  const compared = await compareWithRawRows(core.pool, core.catalog, 0);
  expect(compared.differences).toEqual([]);
}, 3_600_000);
