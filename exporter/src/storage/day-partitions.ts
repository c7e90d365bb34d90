import type { Pool } from 'pg';
import { dropBefore, ensureDay, existingDays } from './partitions.ts';

/** Leaves of predictions: a retry is a duplicate by (pid, model_id); recounts, captures and exports read by (model_id, ts). */
export const PREDICTION_INDEXES = [
  'CREATE UNIQUE INDEX {leaf}_pid ON {leaf} (pid, model_id)',
  'CREATE INDEX {leaf}_model_ts ON {leaf} (model_id, ts)',
];

/** The daily partitions of one table, remembered so that the common case asks nobody. */
export class DayPartitions {
  private readonly pool: Pool;
  private readonly parent: string;
  private readonly indexes: readonly string[];
  private readonly known = new Set<number>();
  private readonly making = new Map<number, Promise<void>>();

  constructor(pool: Pool, parent: string, indexes: readonly string[]) {
    this.pool = pool;
    this.parent = parent;
    this.indexes = indexes;
  }

  async load(): Promise<void> {
    for (const day of await existingDays(this.pool, this.parent)) this.known.add(day);
  }

  readonly ensure = async (daysMs: readonly number[]): Promise<void> => {
    for (const day of daysMs) if (!this.known.has(day)) await this.make(day);
  };

  /** A day that another process dropped must be made again. */
  forget(daysMs: readonly number[]): void {
    for (const day of daysMs) this.known.delete(day);
  }

  async dropBefore(beforeMs: number): Promise<number> {
    const dropped = await dropBefore(this.pool, this.parent, beforeMs);
    this.forget(dropped);
    return dropped.length;
  }

  private make(day: number): Promise<void> {
    let making = this.making.get(day);
    if (making === undefined) {
      making = ensureDay(this.pool, this.parent, day, this.indexes)
        .then(() => void this.known.add(day))
        .finally(() => this.making.delete(day));
      this.making.set(day, making);
    }
    return making;
  }
}
