import type { ClientBase, QueryResultRow } from 'pg';

/**
 * The rows of `query`, so many at once: what reads all of a large table need not hold it. Inside a transaction, whose end closes it.
 */
export async function* batches<T extends QueryResultRow>(
  client: ClientBase,
  query: string,
  values: readonly unknown[] = [],
  size = 10_000,
): AsyncGenerator<readonly T[], void, undefined> {
  // All rows will be read, so the plan may take its time for the first: a hash join, not a look-up a row.
  await client.query('SET LOCAL cursor_tuple_fraction = 1');
  await client.query(`DECLARE batches NO SCROLL CURSOR FOR ${query}`, [...values]);
  for (;;) {
    const { rows } = await client.query<T>(`FETCH ${size} FROM batches`);
    if (rows.length === 0) break;
    yield rows;
  }
  await client.query('CLOSE batches');
}
