import type { Pool, PoolClient } from 'pg';
import { ServiceError } from '../domain/service-error.ts';
import { countLabel } from '../histogram/count-label.ts';
import { encodeLabelDelta } from '../histogram/delta-codec.ts';
import type { LabelChange, PerformanceGroup } from '../histogram/delta-codec.ts';
import { MAX_CLASSES } from '../histogram/model-target.ts';
import type { ModelTarget, TargetWant } from '../histogram/model-target.ts';
import { PerformanceCounts } from '../histogram/performance-counts.ts';
import { missingSegments, segmentIdsOf, WHOLE } from '../histogram/segments.ts';
import { bucketStart, DAY_MS } from '../histogram/time-bucket.ts';
import { asServiceError, DEADLOCK, EPOCH_CHANGED } from './database-errors.ts';
import type { SchemeSource } from './prediction-store.ts';
import { transaction } from './pool.ts';
import { unregisteredSegments } from './segment-dictionary.ts';
import { errorCode } from './storage-error.ts';

/** A label whose model is registered. */
export interface LabelRow {
  readonly modelId: number;
  /** 32 hexadecimal digits. */
  readonly idKey: string;
  readonly className: string | null;
  /** NaN: not a number. */
  readonly value: number;
  readonly timeMs: number;
}

export interface LabelCounts {
  readonly joined: number;
  readonly waiting: number;
  readonly updated: number;
  readonly duplicates: number;
}

/** Most labels come within a day, nearly all within a week. */
const USUAL_DELAY_MS = 7 * DAY_MS;
/** Clocks of the model and of whoever labels differ. */
const CLOCK_TOLERANCE_MS = 3_600_000;
const MAX_ATTEMPTS = 8;
const SWEEP_LIMIT = 5_000;
const DELETE_BATCH = 10_000;
/** Labels accepted and not yet committed, at most: each costs about half a kilobyte meanwhile. */
const CAPACITY_ROWS = 200_000;

/**
 * Labels in a table of their own, joined to their predictions by id. A label's counts go into the time bucket of its PREDICTION, in
 * the transaction that joins them; a corrected label takes its old counts out in the same breath.
 */
export class GroundTruthStore {
  private readonly pool: Pool;
  private readonly schemes: SchemeSource;
  private queuedRows = 0;

  constructor(pool: Pool, schemes: SchemeSource) {
    this.pool = pool;
    this.schemes = schemes;
  }

  /** Stores labels and joins those whose prediction is there. Rejects with ServiceError unavailable. */
  async append(rows: readonly LabelRow[], nowMs: number): Promise<LabelCounts> {
    const newest = newestOfEach(rows);
    if (newest.length === 0) return { joined: 0, waiting: 0, updated: 0, duplicates: 0 };
    if (this.queuedRows + rows.length > CAPACITY_ROWS && this.queuedRows > 0)
      throw new ServiceError('overloaded', 'Too many labels are waiting to be stored; retry a little later.');
    this.queuedRows += rows.length;
    try {
      return await this.store(rows.length, newest, nowMs);
    } finally {
      this.queuedRows -= rows.length;
    }
  }

  private store(received: number, newest: readonly LabelRow[], nowMs: number): Promise<LabelCounts> {
    return this.retried(async (client) => {
      await requireModels(client, newest);
      const stored = await upsert(client, newest, nowMs);
      if (stored.length === 0) return { joined: 0, waiting: 0, updated: 0, duplicates: received };
      const updated = stored.filter(({ inserted }) => !inserted).length;
      const { joined, unmatched } = await this.join(client, stored, nowMs, true);
      return {
        joined: joined - updatedAndJoined(stored, unmatched),
        waiting: unmatched.length,
        updated,
        duplicates: received - stored.length,
      };
    });
  }

  /**
   * Joins labels that came before their prediction, or in a transaction that crossed its. Returns how many were joined.
   *
   * @param sinceMs only labels received at or after this time
   */
  async sweep(sinceMs: number, nowMs: number): Promise<number> {
    return this.retried(async (client) => {
      // Partial index ground_truth_waiting; SKIP LOCKED: another replica is at those already. Of a model that was deleted rows are there for a
      // while, which nothing is counted of; no other is deleted until this is committed (assert_scheme_epoch).
      const { rows } = await client.query<StoredLabel>(
        `SELECT replace(pid::text, '-', '') AS "idKey", model_id AS "modelId", label_ts AS "labelTime", false AS inserted
         FROM ground_truth WHERE joined_at IS NULL AND received_at >= $1 AND model_id <> ALL (ARRAY(SELECT model_id FROM model_removals))
         ORDER BY received_at DESC LIMIT ${SWEEP_LIMIT} FOR UPDATE SKIP LOCKED`,
        [new Date(sinceMs)],
      );
      return rows.length === 0 ? 0 : (await this.join(client, rows, nowMs, false)).joined;
    });
  }

  /**
   * Labels of predictions before `predictedMs`, which are gone, and labels received before `receivedMs` that still wait for one.
   * By the indexes (model_id, prediction_ts) and ground_truth_waiting, in batches: one huge statement would hold its snapshot for minutes.
   */
  async deleteBefore(predictedMs: number, receivedMs: number): Promise<number> {
    const joined = `FROM models m CROSS JOIN LATERAL (
      SELECT g.ctid FROM ground_truth g WHERE g.model_id = m.id AND g.prediction_ts < $1 LIMIT ${DELETE_BATCH}) g`;
    const waiting = 'FROM ground_truth g WHERE g.joined_at IS NULL AND g.prediction_ts IS NULL AND g.received_at < $1';
    return (await this.deleteAll(joined, predictedMs)) + (await this.deleteAll(waiting, receivedMs));
  }

  private async deleteAll(from: string, beforeMs: number): Promise<number> {
    for (let deleted = 0; ;) {
      const { rowCount } = await this.pool.query(
        `DELETE FROM ground_truth WHERE ctid = ANY (ARRAY(SELECT g.ctid ${from} LIMIT ${DELETE_BATCH}))`,
        [new Date(beforeMs)],
      );
      deleted += rowCount ?? 0;
      if ((rowCount ?? 0) < DELETE_BATCH) return deleted;
    }
  }

  private async retried<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await transaction(this.pool, async (client) => {
          await client.query('SELECT assert_scheme_epoch($1)', [this.schemes.epoch()]);
          return work(client);
        });
      } catch (error) {
        const code = errorCode(error);
        const isUnregistered = error instanceof UnregisteredSegments;
        if (attempt >= MAX_ATTEMPTS || (code !== EPOCH_CHANGED && code !== DEADLOCK && !isUnregistered))
          throw asServiceError(error);
        if (code === EPOCH_CHANGED) await this.schemes.refresh();
        if (isUnregistered) await this.schemes.ensure(error.wants);
      }
    }
  }

  /** `arrived`: these labels come in now, so those without a prediction are counted as unmatched. */
  private async join(
    client: PoolClient,
    labels: readonly StoredLabel[],
    nowMs: number,
    arrived: boolean,
  ): Promise<{ readonly joined: number; readonly unmatched: readonly StoredLabel[] }> {
    const pairs = await findPredictions(client, labels);
    const found = new Set(pairs.map((pair) => keyOf(pair)));
    const unmatched = labels.filter((label) => !found.has(keyOf(label)));
    const groups = await this.count(client, pairs);
    const waiting = new Map<number, number>();
    if (arrived)
      for (const { modelId, inserted } of unmatched)
        if (inserted) waiting.set(modelId, (waiting.get(modelId) ?? 0) + 1);
    if (pairs.length > 0) await markJoined(client, pairs, nowMs);
    if (groups.length > 0 || waiting.size > 0)
      await client.query('INSERT INTO statistics_delta (payload) VALUES ($1)', [
        encodeLabelDelta({ groups, unmatched: waiting }),
      ]);
    return { joined: pairs.length, unmatched };
  }

  private async count(client: PoolClient, pairs: readonly JoinedPair[]): Promise<PerformanceGroup[]> {
    const targets: ModelTarget[] = [];
    for (const pair of pairs) targets.push(await this.targetOf(client, pair));
    const wants = unregisteredSegments(
      targets,
      pairs.map(({ segment }) => segment),
    );
    if (wants.length > 0) throw new UnregisteredSegments(wants);
    const groups = new Map<string, PerformanceGroup>();
    for (const [i, pair] of pairs.entries()) {
      const target = targets[i]!;
      const segmentIds = [WHOLE, ...segmentIdsOf(target.segments, pair.segment)];
      const again = pair.countedLabel !== null || pair.countedValue !== null;
      for (const segmentId of segmentIds) {
        const into = { groups, target, segmentId };
        if (again) addTo(into, pair, 'removed', { className: pair.countedLabel, value: pair.countedValue ?? NaN });
        addTo(into, pair, again ? 'corrected' : 'new', { className: pair.label, value: pair.value ?? NaN });
      }
    }
    return [...groups.values()];
  }

  /** Another replica may have registered the version, or a class or segment of the row, a moment ago. */
  private async targetOf(client: PoolClient, pair: JoinedPair): Promise<ModelTarget> {
    const timeMs = pair.predictionTime.getTime();
    const known = await this.schemes.at(pair.versionId, timeMs, client);
    if (known !== undefined && knowsAll(known, pair)) return known;
    await this.schemes.learn(pair.versionId, client);
    const target = await this.schemes.at(pair.versionId, timeMs, client);
    if (target === undefined)
      throw new ServiceError('unavailable', 'A model was deleted while its labels arrived; send again.');
    return target;
  }
}

/**
 * A switch has just begun to count by other keys, and the recount that registers what rows have of them has not come so far: it will count
 * the label as it was, in all segments, so that a correction must reach them, too. Registered outside of the transaction, and tried again.
 */
class UnregisteredSegments extends Error {
  override readonly name = 'UnregisteredSegments';
  readonly code = 'unregistered_segments';
  readonly wants: readonly TargetWant[];

  constructor(wants: readonly TargetWant[]) {
    super('segments of labelled predictions are not registered yet');
    this.wants = wants;
  }
}

function knowsAll({ classCodes, segments }: ModelTarget, pair: JoinedPair): boolean {
  if (classCodes.size < MAX_CLASSES)
    for (const name of [pair.className, pair.label, pair.countedLabel])
      if (name !== null && !classCodes.has(name)) return false;
  return missingSegments(segments, pair.segment).length === 0;
}

interface StoredLabel {
  readonly idKey: string;
  readonly modelId: number;
  readonly labelTime: Date;
  readonly inserted: boolean;
}

interface JoinedPair {
  readonly idKey: string;
  readonly modelId: number;
  readonly versionId: number;
  readonly predictionTime: Date;
  readonly labelTime: Date;
  readonly label: string | null;
  readonly value: number | null;
  readonly countedLabel: string | null;
  readonly countedValue: number | null;
  readonly prediction: number | null;
  readonly className: string | null;
  readonly score: number | null;
  readonly scores: (number | null)[] | null;
  /** JSON text. */
  readonly segment: string | null;
}

function keyOf({ idKey, modelId }: { readonly idKey: string; readonly modelId: number }): string {
  return `${idKey}:${modelId}`;
}

/** Of labels for one prediction in one request the newest counts; at equal times the last. */
function newestOfEach(rows: readonly LabelRow[]): LabelRow[] {
  const newest = new Map<string, LabelRow>();
  for (const row of rows) {
    const key = keyOf(row);
    const known = newest.get(key);
    if (known === undefined || row.timeMs >= known.timeMs) newest.set(key, row);
  }
  return [...newest.values()];
}

function updatedAndJoined(stored: readonly StoredLabel[], unmatched: readonly StoredLabel[]): number {
  const waiting = new Set(unmatched.map(keyOf));
  return stored.filter((label) => !label.inserted && !waiting.has(keyOf(label))).length;
}

/** Under the lock that a deletion waits for: a model that is there now stays until these labels are stored. Primary key. */
async function requireModels(client: PoolClient, rows: readonly LabelRow[]): Promise<void> {
  const ids = new Set(rows.map(({ modelId }) => modelId));
  const { rowCount } = await client.query('SELECT FROM models WHERE id = ANY ($1::int[])', [[...ids]]);
  if (rowCount !== ids.size)
    throw new ServiceError('unavailable', 'A model was deleted while its labels arrived; send again.');
}

/** Returns what changed: a label that says what is stored already, or is older than it, is a duplicate. */
async function upsert(client: PoolClient, rows: readonly LabelRow[], nowMs: number): Promise<StoredLabel[]> {
  // Sorted by the primary key, so that two transactions with the same labels cannot deadlock.
  const { rows: stored } = await client.query<StoredLabel>(
    `INSERT INTO ground_truth AS g (pid, model_id, value, label, label_ts, received_at)
     SELECT u.pid, u.model_id, u.value, u.label, u.label_ts, $6
     FROM unnest($1::uuid[], $2::int[], $3::float8[], $4::text[], $5::timestamptz[]) AS u (pid, model_id, value, label, label_ts)
     ORDER BY u.pid, u.model_id
     ON CONFLICT (pid, model_id) DO UPDATE
       SET value = excluded.value, label = excluded.label, label_ts = excluded.label_ts, received_at = excluded.received_at, joined_at = NULL
       WHERE excluded.label_ts >= g.label_ts AND (g.value, g.label) IS DISTINCT FROM (excluded.value, excluded.label)
     RETURNING replace(g.pid::text, '-', '') AS "idKey", g.model_id AS "modelId", g.label_ts AS "labelTime", (g.xmax = 0) AS inserted`,
    [
      rows.map(({ idKey }) => idKey),
      rows.map(({ modelId }) => modelId),
      rows.map(({ value }) => (Number.isNaN(value) ? null : value)),
      rows.map(({ className }) => className),
      rows.map(({ timeMs }) => new Date(timeMs)),
      new Date(nowMs),
    ],
  );
  return stored;
}

/**
 * Looks where the prediction most likely is: not long before its label, then a week, then everywhere. Each look goes through the daily
 * partitions between its bounds only.
 */
async function findPredictions(client: PoolClient, labels: readonly StoredLabel[]): Promise<JoinedPair[]> {
  const times = labels.map(({ labelTime }) => labelTime.getTime());
  const first = times.reduce((a, b) => Math.min(a, b), Infinity);
  const last = times.reduce((a, b) => Math.max(a, b), -Infinity) + CLOCK_TOLERANCE_MS;
  const found: JoinedPair[] = [];
  let rest = labels;
  for (const delayMs of [DAY_MS, USUAL_DELAY_MS, Infinity]) {
    const pairs = await findBetween(client, rest, delayMs === Infinity ? null : [first - delayMs, last]);
    found.push(...pairs);
    if (found.length === labels.length) break;
    const keys = new Set(pairs.map(keyOf));
    rest = rest.filter((label) => !keys.has(keyOf(label)));
  }
  return found;
}

/** `span`: prediction times from, to (inclusive), epoch milliseconds; null: any. */
async function findBetween(
  client: PoolClient,
  labels: readonly StoredLabel[],
  span: readonly [number, number] | null,
): Promise<JoinedPair[]> {
  // The bounds are parameters of this execution, so that partitions outside are not even opened. One probe of UNIQUE (pid, model_id) a
  // label and partition: OFFSET 0 keeps the probe a probe, and + 0 keeps the planner from walking (model_id, ts), which looks as cheap
  // on a partition that was never analysed and reads all of the model's rows for each label.
  const { rows } = await client.query<JoinedPair>(
    `SELECT replace(g.pid::text, '-', '') AS "idKey", g.model_id AS "modelId", p.version_id AS "versionId", p.ts AS "predictionTime",
            g.label_ts AS "labelTime", g.label, g.value, g.counted_label AS "countedLabel", g.counted_value AS "countedValue",
            p.prediction, p.class AS "className", p.score, p.scores, p.segment::text AS segment
     FROM unnest($1::uuid[], $2::int[]) AS u (pid, model_id)
     JOIN ground_truth g ON g.pid = u.pid AND g.model_id = u.model_id AND g.joined_at IS NULL
     CROSS JOIN LATERAL (
       SELECT p.version_id, p.ts, p.prediction, p.class, p.score, p.scores, p.segment FROM predictions p
       WHERE p.pid = u.pid AND p.model_id + 0 = u.model_id AND (g.prediction_ts IS NULL OR p.ts = g.prediction_ts)${span === null ? '' : ' AND p.ts >= $3 AND p.ts <= $4'} OFFSET 0) p`,
    [
      labels.map(({ idKey }) => idKey),
      labels.map(({ modelId }) => modelId),
      ...(span === null ? [] : span.map((time) => new Date(time))),
    ],
  );
  // The label of an id used twice (on two days) is of its newest prediction, and stays with the one that it was counted for.
  const newest = new Map<string, JoinedPair>();
  for (const pair of rows) {
    const known = newest.get(keyOf(pair));
    if (known === undefined || pair.predictionTime > known.predictionTime) newest.set(keyOf(pair), pair);
  }
  return [...newest.values()];
}

async function markJoined(client: PoolClient, pairs: readonly JoinedPair[], nowMs: number): Promise<void> {
  await client.query(
    `UPDATE ground_truth g SET joined_at = $3, prediction_ts = u.ts, counted_value = g.value, counted_label = g.label
     FROM unnest($1::uuid[], $2::int[], $4::timestamptz[]) AS u (pid, model_id, ts)
     WHERE g.pid = u.pid AND g.model_id = u.model_id`,
    [
      pairs.map(({ idKey }) => idKey),
      pairs.map(({ modelId }) => modelId),
      new Date(nowMs),
      pairs.map(({ predictionTime }) => predictionTime),
    ],
  );
}

function addTo(
  {
    groups,
    target,
    segmentId,
  }: {
    readonly groups: Map<string, PerformanceGroup>;
    readonly target: ModelTarget;
    readonly segmentId: number;
  },
  pair: JoinedPair,
  change: LabelChange,
  label: { readonly className: string | null; readonly value: number },
): void {
  const start = bucketStart(pair.predictionTime.getTime(), target.bucketMinutes);
  const key = `${pair.versionId}:${segmentId}:${start}:${change}`;
  let group = groups.get(key);
  if (group === undefined) {
    group = {
      versionId: pair.versionId,
      schemeId: target.scheme.id,
      segmentId,
      bucketStart: start,
      bucketMinutes: target.bucketMinutes,
      change,
      newestLabelMs: pair.labelTime.getTime(),
      counts: new PerformanceCounts(),
    };
    groups.set(key, group);
  } else if (pair.labelTime.getTime() > group.newestLabelMs)
    groups.set(key, (group = { ...group, newestLabelMs: pair.labelTime.getTime() }));
  const predicted = {
    prediction: pair.prediction ?? NaN,
    className: pair.className,
    score: pair.score ?? NaN,
    scores: pair.scores?.map((score) => score ?? NaN) ?? null,
  };
  countLabel(
    group.counts,
    target,
    predicted,
    label,
    change === 'new' ? (pair.labelTime.getTime() - pair.predictionTime.getTime()) / 1000 : NaN,
  );
}
