import type { Pool } from 'pg';
import type { HalfPair, PendingHalf, RequestHalf, ResponseHalf } from '../domain/prediction-half.ts';
import { ServiceError } from '../domain/service-error.ts';
import { asServiceError, DEADLOCK } from './database-errors.ts';
import { errorCode } from './storage-error.ts';

const MAX_COMMIT_HALVES = 2_000;
const MAX_ATTEMPTS = 5;

/** Names a pair. */
export interface PairKey {
  readonly source: string;
  readonly key: string;
}

interface Waiting {
  readonly halves: readonly PendingHalf[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface StoredHalf {
  readonly source: string;
  readonly key: string;
  readonly side: 'request' | 'response';
  readonly receivedAt: Date;
  readonly payload: string;
}

/** Halves of pairs on their way to becoming predictions. Concurrent events are stored in one commit. */
export class PendingEventStore {
  private readonly pool: Pool;
  private readonly capacity: () => number;
  private waiting: Waiting[] = [];
  private committing = false;
  private stored = 0;

  /** @param capacity most halves that may wait; beyond them events are refused as overloaded */
  constructor(pool: Pool, capacity: () => number) {
    this.pool = pool;
    this.capacity = capacity;
  }

  /** Resolves when they are committed; one that is there already is left as it is. Rejects with ServiceError unavailable or overloaded. */
  append(halves: readonly PendingHalf[]): Promise<void> {
    if (halves.length === 0) return Promise.resolve();
    if (this.stored + halves.length > this.capacity())
      return Promise.reject(
        new ServiceError('overloaded', 'Too many events wait for their other half; retry a little later.'),
      );
    return new Promise((resolve, reject) => {
      this.waiting.push({ halves, resolve, reject });
      void this.pump();
    });
  }

  /** Those of `keys` of which both halves are there. */
  async complete(keys: readonly PairKey[]): Promise<readonly HalfPair[]> {
    if (keys.length === 0) return [];
    // Primary key, twice.
    return this.pairs(
      `SELECT source, key, side, received_at AS "receivedAt", payload
       FROM pending_events JOIN unnest($1::text[], $2::text[]) AS wanted (source, key) USING (source, key)
       ORDER BY key`,
      [keys.map(({ source }) => source), keys.map(({ key }) => key)],
    ).then((pairs) => pairs.filter(({ request, response }) => request !== null && response !== null));
  }

  /** Complete pairs that nobody took up, because a process ended or the database was away: oldest first. */
  async leftComplete(limit: number): Promise<readonly HalfPair[]> {
    // Over the whole table, which holds minutes of traffic: once at each tick.
    return this.pairs(
      `SELECT source, key, side, received_at AS "receivedAt", payload FROM pending_events JOIN (
         SELECT source, key FROM pending_events GROUP BY source, key HAVING count(*) = 2 ORDER BY min(received_at) LIMIT $1
       ) AS complete USING (source, key)`,
      [limit],
    );
  }

  /** Lonely halves that came before `beforeMs`. */
  async expired(beforeMs: number, limit: number): Promise<readonly HalfPair[]> {
    // Index pending_events_by_time; the other half, if it came, by primary key.
    return this.pairs(
      `SELECT source, key, side, received_at AS "receivedAt", payload FROM pending_events AS lonely
       WHERE received_at < $1 AND NOT EXISTS (
         SELECT FROM pending_events AS other WHERE other.key = lonely.key AND other.source = lonely.source AND other.side <> lonely.side)
       ORDER BY received_at LIMIT $2`,
      [new Date(beforeMs), limit],
    );
  }

  /** Only the halves that `pairs` hold: one that came meanwhile stays. */
  async remove(pairs: readonly HalfPair[]): Promise<void> {
    const halves = pairs.flatMap(({ source, key, request, response }) =>
      [request, response].flatMap((half) => (half === null ? [] : [{ source, key, side: half.side }])),
    );
    if (halves.length === 0) return;
    const { rowCount } = await this.pool.query(
      `DELETE FROM pending_events USING unnest($1::text[], $2::text[], $3::text[]) AS gone (source, key, side)
       WHERE pending_events.key = gone.key AND pending_events.source = gone.source AND pending_events.side = gone.side`,
      [halves.map(({ source }) => source), halves.map(({ key }) => key), halves.map(({ side }) => side)],
    );
    this.stored = Math.max(0, this.stored - (rowCount ?? 0));
  }

  /** Counts what waits, for the capacity: other replicas store and take, too. */
  async recount(): Promise<void> {
    const { rows } = await this.pool.query<{ count: string }>('SELECT count(*) FROM pending_events');
    this.stored = Number(rows[0]!.count);
  }

  private async pump(): Promise<void> {
    if (this.committing) return;
    this.committing = true;
    while (this.waiting.length > 0) {
      const take: Waiting[] = [];
      for (let count = 0; this.waiting.length > 0 && count < MAX_COMMIT_HALVES; count += take.at(-1)!.halves.length)
        take.push(this.waiting.shift()!);
      try {
        await this.insert(take.flatMap(({ halves }) => halves));
        for (const { resolve } of take) resolve();
      } catch (error) {
        for (const { reject } of take) reject(asServiceError(error));
      }
    }
    this.committing = false;
  }

  private async insert(halves: readonly PendingHalf[]): Promise<void> {
    // In one order in all replicas, so that the same events sent to two of them do not deadlock.
    const ordered = [...halves].sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
    const values = [
      ordered.map(({ source }) => source),
      ordered.map(({ key }) => key),
      ordered.map(({ half }) => half.side),
      ordered.map(({ receivedAtMs }) => new Date(receivedAtMs)),
      ordered.map(({ half }) => JSON.stringify(half)),
    ];
    for (let attempt = 1; ; attempt++) {
      try {
        const { rowCount } = await this.pool.query(
          `INSERT INTO pending_events (source, key, side, received_at, payload)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) ON CONFLICT DO NOTHING`,
          values,
        );
        this.stored += rowCount ?? 0;
        return;
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || errorCode(error) !== DEADLOCK) throw error;
      }
    }
  }

  private async pairs(statement: string, values: readonly unknown[]): Promise<readonly HalfPair[]> {
    const { rows } = await this.pool.query<StoredHalf>(statement, [...values]).catch((error: unknown) => {
      throw asServiceError(error);
    });
    const byKey = new Map<string, HalfPair>();
    for (const { source, key, side, receivedAt, payload } of rows) {
      const name = `${source} ${key}`;
      const known = byKey.get(name);
      const half = JSON.parse(payload) as RequestHalf & ResponseHalf;
      byKey.set(name, {
        source,
        key,
        request: side === 'request' ? half : (known?.request ?? null),
        response: side === 'response' ? half : (known?.response ?? null),
        receivedAtMs: Math.min(known?.receivedAtMs ?? Infinity, receivedAt.getTime()),
      });
    }
    return [...byKey.values()];
  }
}
