import type { Pool, PoolClient } from 'pg';
import { ServiceError } from '../domain/service-error.ts';
import { DAY_MS, HOUR_MS } from '../histogram/time-bucket.ts';
import type { Dialect } from './dialect/dialect.ts';
import { plain } from './dialect/plain.ts';
import { daySizes, dropBefore, ensureDay, existingDays } from './partitions.ts';

/** Leaves of predictions: a retry is a duplicate by (pid, model_id); recounts, captures and exports read by (model_id, ts). */
export const PREDICTION_INDEXES = [
  'CREATE UNIQUE INDEX {leaf}_pid ON {leaf} (pid, model_id)',
  'CREATE INDEX {leaf}_model_ts ON {leaf} (model_id, ts)',
];

/** What was dropped to keep within a size. */
export interface DroppedForRoom {
  /** Starts of the days, epoch milliseconds. */
  readonly days: readonly number[];
  /** Of all days, before and after. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** The daily partitions of one table, remembered so that the common case asks nobody. */
export class DayPartitions {
  private readonly pool: Pool;
  private readonly parent: string;
  private readonly indexes: readonly string[];
  private readonly dialect: Dialect;
  private readonly known = new Set<number>();
  private readonly making = new Map<number, Promise<void>>();
  private knownFloorMs = -Infinity;

  constructor(pool: Pool, parent: string, indexes: readonly string[], dialect: Dialect = plain) {
    this.pool = pool;
    this.dialect = dialect;
    this.parent = parent;
    this.indexes = indexes;
  }

  /** Predictions before it are gone, whatever their age, and days that end before it are not made again; epoch milliseconds. */
  get floorMs(): number {
    return this.knownFloorMs;
  }

  /** What there is now: other replicas make days and drop them, too. */
  async load(): Promise<void> {
    const days = new Set(await existingDays(this.pool, this.parent, this.dialect));
    await this.readFloor();
    for (const day of this.known) if (!days.has(day)) this.known.delete(day);
    for (const day of days) this.known.add(day);
  }

  /**
   * @param missing a row of one of these days was just refused: what is remembered of them is wrong
   * @throws ServiceError unavailable for a day that was dropped to make room: sent again, its rows are refused one by one
   */
  readonly ensure = async (daysMs: readonly number[], missing = false): Promise<void> => {
    if (missing) for (const day of daysMs) this.known.delete(day);
    for (const day of daysMs) if (!this.known.has(day)) await this.make(day);
  };

  async dropBefore(beforeMs: number): Promise<number> {
    const dropped = await dropBefore(this.pool, this.parent, beforeMs, this.dialect);
    for (const day of dropped) this.known.delete(day);
    return dropped.length;
  }

  /**
   * Drops the oldest days until the rest takes at most `bytes`; never one that ended less than an hour before `nowMs`, in which retries
   * without a timestamp are looked for. The floor is raised first, so that a row of such a day is either a known duplicate or refused.
   */
  async dropBeyond(bytes: number, nowMs: number): Promise<DroppedForRoom | null> {
    const sizes = await daySizes(this.pool, this.parent, this.dialect);
    const bytesBefore = sizes.reduce((sum, of) => sum + of.bytes, 0);
    let bytesAfter = bytesBefore;
    const days: number[] = [];
    for (const { dayStartMs, bytes: size } of sizes) {
      if (bytesAfter <= bytes || dayStartMs + DAY_MS + HOUR_MS > nowMs) break;
      days.push(dayStartMs);
      bytesAfter -= size;
    }
    if (days.length === 0) return null;
    const floorMs = days.at(-1)! + DAY_MS;
    await this.pool.query(
      `INSERT INTO partition_floors AS f (parent, floor) VALUES ($1, $2)
       ON CONFLICT (parent) DO UPDATE SET floor = greatest(f.floor, excluded.floor)`,
      [this.parent, new Date(floorMs)],
    );
    await this.readFloor();
    await this.dropBefore(floorMs);
    return { days, bytesBefore, bytesAfter };
  }

  /** Start of the oldest day that there is, by the database; null without any. */
  async oldestMs(): Promise<number | null> {
    return (await existingDays(this.pool, this.parent, this.dialect))[0] ?? null;
  }

  private make(day: number): Promise<void> {
    let making = this.making.get(day);
    if (making === undefined) {
      making = ensureDay(
        this.pool,
        this.parent,
        day,
        this.indexes,
        (client) => this.refuseBelowFloor(client, day),
        this.dialect,
      )
        .then(() => void this.known.add(day))
        .finally(() => this.making.delete(day));
      this.making.set(day, making);
    }
    return making;
  }

  private async refuseBelowFloor(client: PoolClient, day: number): Promise<void> {
    await this.readFloor(client);
    if (day + DAY_MS <= this.knownFloorMs)
      throw new ServiceError(
        'unavailable',
        'Predictions of that day were deleted a moment ago to make room; send again to learn which rows are too old.',
        { retryAfterSeconds: 1 },
      );
  }

  private async readFloor(client: Pool | PoolClient = this.pool): Promise<void> {
    const { rows } = await client.query<{ floor: Date }>('SELECT floor FROM partition_floors WHERE parent = $1', [
      this.parent,
    ]);
    this.knownFloorMs = rows[0]?.floor.getTime() ?? -Infinity;
  }
}
