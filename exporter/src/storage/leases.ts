import type { ClientBase, Pool } from 'pg';

/**
 * Takes or renews the lease `name` for `holder`, for `ttlMs` from now by the clock of the **database**: replicas never compare
 * their own clocks.
 *
 * Returns the fencing token (>= 1), or 0 when another holder has it. A renewal keeps the token, also a late one that nobody
 * overtook; every change of holder raises it by one, and it never falls, for a release keeps the row. Work under the lease must
 * check its token in the same transaction that writes (`... FROM leases WHERE name = $1 AND token = $2 FOR UPDATE`).
 * `holder` must name one process, not a host.
 */
export async function takeLease(
  client: ClientBase | Pool,
  name: string,
  holder: string,
  ttlMs: number,
): Promise<number> {
  // One statement: the row lock of ON CONFLICT orders the contenders, and its WHERE sees the row as the last one left it.
  const { rows } = await client.query<{ token: string }>(
    `INSERT INTO leases AS held (name, holder, token, expires_at)
     VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
     ON CONFLICT (name) DO UPDATE
       SET holder = excluded.holder,
           token = held.token + CASE WHEN held.holder = excluded.holder THEN 0 ELSE 1 END,
           expires_at = clock_timestamp() + $3 * interval '1 millisecond'
       WHERE held.holder = excluded.holder OR held.expires_at <= clock_timestamp()
     RETURNING token`,
    [name, holder, ttlMs],
  );
  return rows[0] === undefined ? 0 : Number(rows[0].token);
}

/** Gives the lease up at once, so that another replica need not wait for it to run out. False when it was not `holder`'s. */
export async function releaseLease(client: ClientBase | Pool, name: string, holder: string): Promise<boolean> {
  // The holder is emptied, so that the same process, should it take it again, gets a new token: it has dropped its state.
  const { rowCount } = await client.query(
    `UPDATE leases SET holder = '', expires_at = clock_timestamp() WHERE name = $1 AND holder = $2`,
    [name, holder],
  );
  return rowCount === 1;
}
