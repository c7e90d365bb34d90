import type { Pool, PoolClient } from 'pg';
import { ServiceError } from '../domain/service-error.ts';
import { binBatch } from '../histogram/bin-batch.ts';
import { encodePredictionDelta } from '../histogram/delta-codec.ts';
import type { ModelTarget, TargetWant } from '../histogram/model-target.ts';
import type { BinnedBatch, PredictionBatch } from '../histogram/prediction-batch.ts';
import { DAY_MS, HOUR_MS } from '../histogram/time-bucket.ts';
import { BinaryRowWriter } from './binary-row.ts';
import { copyIn } from './copy-in.ts';
import {
  asServiceError,
  DEADLOCK,
  EPOCH_CHANGED,
  NO_PARTITION,
  throwServiceError,
  UNIQUE_VIOLATION,
} from './database-errors.ts';
import { unregisteredSegments } from './segment-dictionary.ts';
import { encodePredictions, PREDICTION_COLUMNS } from './prediction-rows.ts';
import type { EncodedRows } from './prediction-rows.ts';
import { errorCode } from './storage-error.ts';

/** A commit takes at most this many rows: 5,000 cost 40-60 ms, and more gain nothing. */
const MAX_COMMIT_ROWS = 5_000;
/** A retry of an unstamped row is expected within an hour; in the first hour of a day the previous day is looked at, too. */
const MIDNIGHT_RETRY_MS = HOUR_MS;
const MAX_ATTEMPTS = 8;
const NO_EPOCH = -1;

/** What the store needs to know of the models: the epoch under which targets are true, and what they are now. */
export interface SchemeSource {
  epoch(): number;
  /** The version as it is known under that epoch; undefined when it was deleted. */
  current(versionId: number): ModelTarget | undefined;
  /** Re-reads what changed. */
  refresh(): Promise<void>;
  /** Reads one version that is not known here yet, with the connection of the transaction that it is for. */
  learn(versionId: number, on: PoolClient): Promise<void>;
  /** The target of a version as rows of that time are counted; undefined when it was deleted. */
  at(versionId: number, timeMs: number, on?: PoolClient): Promise<ModelTarget | undefined>;
  /** Registers what is missing. */
  ensure(wants: readonly TargetWant[]): Promise<void>;
}

/** What a commit did with the rows of one request. */
export interface StoredRows {
  /** null: every row was stored; else 1 for those that were, 0 for duplicates. */
  readonly stored: Uint8Array | null;
}

/** Makes the partitions of these days; `missing`: a row of one was refused for want of it. */
export type EnsureDays = (daysMs: readonly number[], missing?: boolean) => Promise<void>;

interface Waiting {
  binned: BinnedBatch;
  /** Schemes' epoch at the time of counting. */
  epoch: number;
  readonly encoded: EncodedRows;
  /** Must go through the staging table at once. */
  readonly careful: boolean;
  readonly resolve: (stored: StoredRows) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Stores predictions, and what they add to the statistics, together: concurrent requests are coalesced into one binary COPY straight
 * into the parent table and one statistics_delta row, in one implicit transaction. Retries (a unique violation on a leaf's
 * (pid, model_id)) go through a staging table, and only rows that were inserted are counted.
 */
export class PredictionStore {
  private readonly pool: Pool;
  private readonly schemes: SchemeSource;
  private readonly ensureDays: EnsureDays;
  private readonly connections: number;
  private readonly capacityRows: number;
  private readonly waiting: Waiting[] = [];
  private queuedRows = 0;
  private busy = 0;
  private readonly staged = new WeakSet<PoolClient>();

  constructor(options: {
    readonly pool: Pool;
    readonly schemes: SchemeSource;
    readonly ensureDays: EnsureDays;
    /** Commits under way at once. */
    readonly connections: number;
    /** Rows accepted and not yet committed, at most; beyond them requests are refused as overloaded. */
    readonly capacityRows: number;
  }) {
    this.pool = options.pool;
    this.schemes = options.schemes;
    this.ensureDays = options.ensureDays;
    this.connections = options.connections;
    this.capacityRows = options.capacityRows;
  }

  /** Rows accepted and not yet committed. */
  get queueLength(): number {
    return this.queuedRows;
  }

  get queueCapacity(): number {
    return this.capacityRows;
  }

  /** Resolves when the rows are committed. Rejects with ServiceError unavailable or overloaded. */
  async append(batch: PredictionBatch): Promise<StoredRows> {
    if (batch.rows === 0) return { stored: null };
    if (this.queuedRows + batch.rows > this.capacityRows && this.queuedRows > 0)
      throw new ServiceError('overloaded', 'Too many predictions are waiting to be stored; retry a little later.');
    const epoch = this.schemes.epoch();
    const late = batch.targets.some(({ countedFromMs }, i) => batch.timeMs[i]! < countedFromMs);
    // While names of some rows were registered, the targets of the others may have been replaced: the epoch says nothing of those.
    const replaced = batch.targets.some((target) => this.schemes.current(target.versionId) !== target);
    const item = {
      binned: binBatch(batch),
      // Rows that only an earlier scheme reaches back to are counted again under it, as after a switch.
      epoch: late || replaced ? NO_EPOCH : epoch,
      encoded: encodePredictions(batch),
      careful: mayCrossMidnight(batch),
    };
    this.queuedRows += batch.rows;
    try {
      await this.ensureDays(daysOf(batch)).catch(throwServiceError);
      return await new Promise<StoredRows>((resolve, reject) => {
        this.waiting.push({ ...item, resolve, reject });
        this.pump();
      });
    } finally {
      this.queuedRows -= batch.rows;
    }
  }

  private pump(): void {
    while (this.busy < this.connections && this.waiting.length > 0) {
      const take = this.nextCommit();
      this.busy++;
      void this.commit(take).finally(() => {
        this.busy--;
        this.pump();
      });
    }
  }

  private nextCommit(): Waiting[] {
    const first = this.waiting.shift()!;
    const take = [first];
    let rows = first.binned.batch.rows;
    while (this.waiting.length > 0 && !first.careful) {
      const next = this.waiting[0]!;
      if (next.careful || rows + next.binned.batch.rows > MAX_COMMIT_ROWS) break;
      rows += next.binned.batch.rows;
      take.push(this.waiting.shift()!);
    }
    return take;
  }

  /** Settles every request of the commit; never rejects. */
  private async commit(items: Waiting[]): Promise<void> {
    let client: PoolClient;
    try {
      client = await this.pool.connect();
    } catch (error) {
      for (const item of items) item.reject(asServiceError(error));
      return;
    }
    let broken: Error | undefined;
    try {
      await this.commitWith(client, items);
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      // Whoever was answered already is not reached by this.
      for (const item of items) item.reject(asServiceError(error));
    } finally {
      client.release(broken);
    }
  }

  /** Throws when the connection must not be used again, or what an attempt needs could not be had. */
  private async commitWith(client: PoolClient, items: Waiting[]): Promise<void> {
    if (!items[0]!.careful) {
      const failure = await this.copyDirectly(client, items);
      if (failure === null) {
        for (const item of items) item.resolve({ stored: null });
        return;
      }
      if (failure.code !== UNIQUE_VIOLATION && failure.code !== DEADLOCK) {
        settleFailure(items, failure.error);
        return;
      }
      // One retried request would drag the whole commit on the slow path: the others go again, alone.
      if (items.length > 1) {
        for (const item of items) await this.commitWith(client, [item]);
        return;
      }
    }
    for (const item of items) {
      try {
        item.resolve({ stored: await this.storeNewOnly(client, item) });
      } catch (error) {
        settleFailure([item], error);
      }
    }
  }

  /** null when stored; the error when it is not. Heals a changed epoch and a missing partition by itself. */
  private async copyDirectly(
    client: PoolClient,
    items: Waiting[],
  ): Promise<{ readonly code: string | undefined; readonly error: unknown } | null> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.recountIfSwitched(items);
        const delta = encodePredictionDelta(
          items.map((item) => item.binned),
          items.map(() => null),
        );
        await copyIn(client, `SELECT assert_scheme_epoch(${items[0]!.epoch}); `, [
          { target: `predictions (${PREDICTION_COLUMNS})`, rows: items.map((item) => item.encoded.bytes) },
          { target: 'statistics_delta (payload)', rows: [deltaRow(delta)] },
        ]);
        return null;
      } catch (error) {
        const code = errorCode(error);
        if (attempt >= MAX_ATTEMPTS || (code !== EPOCH_CHANGED && code !== NO_PARTITION)) return { code, error };
        if (code === EPOCH_CHANGED) await this.schemes.refresh();
        else
          await this.ensureDays(
            items.flatMap((item) => daysOf(item.binned.batch)),
            true,
          );
      }
    }
  }

  /** A key is stored already, or stands twice in the request: stage, insert what is new, count only that. */
  private async storeNewOnly(client: PoolClient, item: Waiting): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.recountIfSwitched([item]);
        return await this.insertStaged(client, item);
      } catch (error) {
        const code = errorCode(error);
        await client.query('ROLLBACK');
        if (attempt >= MAX_ATTEMPTS) throw error;
        if (code === EPOCH_CHANGED) await this.schemes.refresh();
        else if (code === NO_PARTITION) await this.ensureDays(daysOf(item.binned.batch), true);
        else if (code !== DEADLOCK) throw error;
      }
    }
  }

  private async insertStaged(client: PoolClient, item: Waiting): Promise<Uint8Array> {
    if (!this.staged.has(client)) {
      await client.query('CREATE TEMP TABLE IF NOT EXISTS stage (LIKE predictions) ON COMMIT DELETE ROWS');
      this.staged.add(client);
    }
    const { batch } = item.binned;
    const { firsts, parts } = firstOfEachKey(item);
    await client.query('BEGIN');
    await client.query('SELECT assert_scheme_epoch($1)', [item.epoch]);
    await copyIn(client, '', [{ target: `stage (${PREDICTION_COLUMNS})`, rows: parts }]);
    // Sorted, so that two transactions with the same rows in different order cannot deadlock on the leaves' unique indexes.
    const inserted = await client.query<{ key: string }>(
      `INSERT INTO predictions (${PREDICTION_COLUMNS})
       SELECT ${PREDICTION_COLUMNS} FROM stage s
       WHERE NOT (s.pid = ANY ($1::uuid[]) AND EXISTS (
         SELECT FROM predictions p WHERE p.pid = s.pid AND p.model_id = s.model_id AND p.ts >= s.ts - interval '1 day' AND p.ts < s.ts))
       ORDER BY s.model_id, s.pid ON CONFLICT DO NOTHING
       RETURNING replace(pid::text, '-', '') || ':' || model_id AS key`,
      [stampedAfterMidnight(batch)],
    );
    const stored = new Uint8Array(batch.rows);
    for (const { key } of inserted.rows) stored[firsts.get(key)!] = 1;
    if (inserted.rows.length > 0)
      await client.query('INSERT INTO statistics_delta (payload) VALUES ($1)', [
        encodePredictionDelta([item.binned], [stored]),
      ]);
    await client.query('COMMIT');
    return stored;
  }

  /** All rows of a commit must be counted under one epoch, the newest that is known here. */
  private async recountIfSwitched(items: Waiting[]): Promise<void> {
    for (const item of items) {
      while (item.epoch !== this.schemes.epoch()) {
        const epoch = this.schemes.epoch();
        const { batch } = item.binned;
        batch.targets = await this.targetsNow(batch);
        // The scheme may count segments apart that were none when the rows came in.
        const wants = unregisteredSegments(batch.targets, batch.segments);
        if (wants.length > 0) {
          await this.schemes.ensure(wants);
          batch.targets = await this.targetsNow(batch);
        }
        item.binned = binBatch(batch);
        item.epoch = epoch;
      }
    }
  }

  private async targetsNow(batch: PredictionBatch): Promise<ModelTarget[]> {
    const targets: ModelTarget[] = [];
    for (const [i, { versionId, model }] of batch.targets.entries()) {
      const target = await this.schemes.at(versionId, batch.timeMs[i]!);
      if (target === undefined)
        throw new ServiceError('unavailable', `Model ${model} was deleted meanwhile; send again.`);
      targets.push(target);
    }
    return targets;
  }
}

function settleFailure(items: readonly Waiting[], error: unknown): void {
  const mapped = asServiceError(error);
  for (const item of items) item.reject(mapped);
  // A broken connection must not go back into the pool.
  if (mapped !== error) throw error;
}

function deltaRow(payload: Buffer): Buffer {
  const writer = new BinaryRowWriter(payload.length + 8);
  writer.beginRow(1);
  writer.bytea(payload);
  return writer.done();
}

function daysOf(batch: PredictionBatch): number[] {
  const days = new Set<number>();
  for (const time of batch.timeMs) days.add(Math.floor(time / DAY_MS) * DAY_MS);
  return [...days];
}

function mayCrossMidnight(batch: PredictionBatch): boolean {
  for (let i = 0; i < batch.rows; i++)
    if (batch.stamped[i] === 1 && batch.timeMs[i]! % DAY_MS < MIDNIGHT_RETRY_MS) return true;
  return false;
}

function stampedAfterMidnight(batch: PredictionBatch): string[] {
  const ids: string[] = [];
  for (let i = 0; i < batch.rows; i++)
    if (batch.stamped[i] === 1 && batch.timeMs[i]! % DAY_MS < MIDNIGHT_RETRY_MS)
      ids.push(batch.ids.toString('hex', i * 16, i * 16 + 16));
  return ids;
}

/** Key -> first row that has it, and the encoded bytes of those rows. */
function firstOfEachKey(item: Waiting): { readonly firsts: ReadonlyMap<string, number>; readonly parts: Buffer[] } {
  const { batch } = item.binned;
  const { bytes, at } = item.encoded;
  const firsts = new Map<string, number>();
  const parts: Buffer[] = [];
  for (let i = 0; i < batch.rows; i++) {
    const key = `${batch.ids.toString('hex', i * 16, i * 16 + 16)}:${batch.targets[i]!.modelId}`;
    if (firsts.has(key)) continue;
    firsts.set(key, i);
    parts.push(bytes.subarray(at[i], at[i + 1]));
  }
  return { firsts, parts: [Buffer.concat(parts)] };
}
