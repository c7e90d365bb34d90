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

/** Of names in the database, as maps and objects in memory. */
const OBJECTS_A_BYTE = 8;

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
  const { rows } = await core.pool.query<{ n: string }>('SELECT count(*) AS n FROM predictions');
  expect(Number(rows[0]!.n)).toBe(accepted);
  expect(accepted).toBeGreaterThan(20);
  const compared = await compareWithRawRows(core.pool, core.catalog, 0);
  expect(compared.differences).toEqual([]);
  // Models, versions and features are remembered, up to their limits.
  const known = await core.pool.query<{ bytes: number }>(
    `SELECT (SELECT coalesce(sum(pg_column_size(f)), 0) FROM feature_sets f)::float8
       + (SELECT coalesce(sum(pg_column_size(m)), 0) FROM models m)::float8
       + (SELECT coalesce(sum(pg_column_size(v)), 0) FROM model_versions v)::float8 AS bytes`,
  );
  measured.end(OBJECTS_A_BYTE * known.rows[0]!.bytes);
}, 3_600_000);
