import type { Pool, PoolClient } from 'pg';
import type { BucketCounts } from '../../src/histogram/bucket-codec.ts';
import { decodeBucket, emptyBucket } from '../../src/histogram/bucket-codec.ts';
import { applyDelta } from '../../src/histogram/delta-codec.ts';
import type { GroupKey } from '../../src/histogram/delta-codec.ts';
import type { NumericBins } from '../../src/histogram/bin-scheme.ts';
import { MISSING, NOT_FINITE, TYPE_ERROR } from '../../src/histogram/bin-scheme.ts';
import { OTHER } from '../../src/histogram/categories.ts';
import { MAX_RANKED_CLASSES } from '../../src/histogram/count-label.ts';
import { latencyCode } from '../../src/histogram/latency-buckets.ts';
import type { BinScheme } from '../../src/histogram/model-columns.ts';
import type { ModelTarget } from '../../src/histogram/model-target.ts';
import { ODDS_CODES, oddsCode } from '../../src/histogram/performance-counts.ts';
import type { PerformanceCounts } from '../../src/histogram/performance-counts.ts';
import { parseScheme } from '../../src/storage/scheme-payload.ts';
import type { Catalog } from '../../src/storage/catalog.ts';
import { batches } from './batches.ts';
import { eventually } from './exporter-process.ts';

/**
 * The oracle of the crash and consistency tests: counts every stored row again, by plain SQL and the plainest code, and compares with
 * what buckets and deltas say, in one snapshot. Written apart from the code it judges: no binner, no codec, no batch.
 *
 * Not compared, because the rows do not say it: label delays (those of first labels, which a correction overwrites) and the greatest
 * latency (bounded by its bucket once a row was erased).
 */
export interface Comparison {
  readonly rows: number;
  readonly counted: number;
  readonly labelled: number;
  /** Every difference found, in words; empty when all is equal. */
  readonly differences: readonly string[];
  /** Schemes whose stored window is still being counted again: until there are none, there are differences. */
  readonly recounting: number;
}

/** Name of a cell to its count, or to a sum of doubles where the name begins with "sum". */
type Cells = Map<string, number>;
/** Of a sum: that of the absolute values. */
const MAGNITUDE = 'magnitude of ';

function add(cells: Cells, cell: string, by: number): void {
  cells.set(cell, (cells.get(cell) ?? 0) + by);
}

/** A scheme, and what it counts rows as. */
interface Era {
  readonly id: number;
  readonly versionId: number;
  readonly fromMs: number;
  readonly scheme: BinScheme;
  readonly task: ModelTarget['task'];
  readonly positiveClass: string | null;
  readonly bucketMinutes: number;
  readonly segments: readonly string[];
}

/** Told how many rows have been counted, now and then. */
export type Progress = (rows: number) => void;

/** As below, once nothing is being counted again: a baseline may just have been captured. */
export async function compareWhenCounted(
  pool: Pool,
  catalog: Catalog,
  sinceMs: number,
  progress?: Progress,
): Promise<Comparison> {
  return eventually(async () => {
    const counting = await recountsOf(pool);
    if (counting > 0) throw new Error(`${counting} schemes are still being counted again`);
    const compared = await compareWithRawRows(pool, catalog, sinceMs, progress);
    if (compared.recounting > 0) throw new Error(`${compared.recounting} schemes are still being counted again`);
    return compared;
  });
}

/** However many rows there are, a few thousand of them are held at once. */
export async function compareWithRawRows(
  pool: Pool,
  catalog: Catalog,
  sinceMs: number,
  progress?: Progress,
): Promise<Comparison> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await catalog.discover();
    const current = new Map<number, ModelTarget>();
    for (const { target } of catalog.versions()) current.set(target.versionId, target);
    const eras = await readEras(client);
    const kept = await readKept(client, eras, current);
    const recounting = await recountsOf(client);
    const want = await recount(client, eras, current, catalog, sinceMs, progress);
    await client.query('COMMIT');
    return { ...compare(want, kept, sinceMs), recounting };
  } catch (error) {
    // In the middle of its transaction it is of no use to the next one.
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}

async function recountsOf(client: Pool | PoolClient): Promise<number> {
  const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM recounts');
  return rows[0]!.n;
}

/** Schemes of each version, newest first, from the current one on. */
async function readEras(client: PoolClient): Promise<ReadonlyMap<number, readonly Era[]>> {
  const { rows } = await client.query<{
    id: number;
    version_id: number;
    counted_from: Date | null;
    payload: unknown;
    counting: {
      readonly task: ModelTarget['task'];
      readonly positive_class: string | null;
      readonly bucket_minutes: number;
      readonly segments: readonly string[];
    };
  }>(
    'SELECT s.* FROM bin_schemes s JOIN model_versions v ON v.id = s.version_id WHERE s.id <= v.scheme_id ORDER BY s.id DESC',
  );
  const eras = new Map<number, Era[]>();
  for (const { id, version_id: versionId, counted_from: from, payload, counting } of rows) {
    const era: Era = {
      id,
      versionId,
      fromMs: from?.getTime() ?? -Infinity,
      scheme: parseScheme(id, payload),
      task: counting.task,
      positiveClass: counting.positive_class,
      bucketMinutes: counting.bucket_minutes,
      segments: counting.segments,
    };
    const known = eras.get(versionId);
    if (known === undefined) eras.set(versionId, [era]);
    else known.push(era);
  }
  return eras;
}

/** The scheme that rows of that time are counted under. */
function eraAt(eras: readonly Era[] | undefined, ms: number): Era | undefined {
  return eras?.find(({ fromMs }) => ms >= fromMs);
}

async function readKept(
  client: PoolClient,
  eras: ReadonlyMap<number, readonly Era[]>,
  current: ReadonlyMap<number, ModelTarget>,
): Promise<Map<string, Cells>> {
  const kept = new Map<string, Cells>();
  const inForce = ({ versionId, schemeId, bucketStart }: GroupKey) =>
    eraAt(eras.get(versionId), bucketStart * 60_000)?.id === schemeId;
  const at = (key: GroupKey) => {
    const name = keyOf(key.versionId, key.bucketStart, key.bucketMinutes, key.segmentId);
    let cells = kept.get(name);
    if (cells === undefined) kept.set(name, (cells = new Map<string, number>()));
    return cells;
  };
  const buckets = await client.query<{
    version_id: number;
    scheme_id: number;
    segment_id: number;
    bucket_start: number;
    bucket_minutes: number;
    payload: Buffer;
  }>('SELECT version_id, scheme_id, segment_id, bucket_start, bucket_minutes, payload FROM statistics_bucket');
  for (const row of buckets.rows) {
    const key = {
      versionId: row.version_id,
      schemeId: row.scheme_id,
      segmentId: row.segment_id,
      bucketStart: row.bucket_start,
      bucketMinutes: row.bucket_minutes,
    };
    if (!inForce(key)) continue;
    const bucket = decodeBucket(row.payload);
    flattenFeatures(bucket, at(key), 1);
    flattenPerformance(bucket.performance, at(key), 1);
    if (bucket.removed !== null) flattenPerformance(bucket.removed, at(key), -1);
  }
  const deltas = await client.query<{ erased: boolean; payload: Buffer }>(
    'SELECT erased, payload FROM statistics_delta ORDER BY id',
  );
  for (const { erased, payload } of deltas.rows) {
    const scratch: { key: GroupKey; bucket: BucketCounts }[] = [];
    applyDelta(payload, {
      predictions: (key) => {
        if (!inForce(key)) return null;
        const bucket = emptyBucket(2);
        scratch.push({ key, bucket });
        const { positiveClass } = eraAt(eras.get(key.versionId), key.bucketStart * 60_000)!;
        const code = current.get(key.versionId)?.classCodes.get(positiveClass ?? '') ?? -1;
        return { ...bucket, positiveClass: code, totals: null };
      },
      performance: (group) => {
        if (inForce(group)) flattenPerformance(group.counts, at(group), group.change === 'removed' ? -1 : 1);
      },
      unmatched: () => undefined,
    });
    for (const { key, bucket } of scratch) flattenFeatures(bucket, at(key), erased ? -1 : 1);
  }
  return kept;
}

function keyOf(versionId: number, bucketStart: number, bucketMinutes: number, segmentId: number): string {
  return `${versionId}/${bucketStart}/${bucketMinutes}/${segmentId}`;
}

interface StoredRow {
  readonly version_id: number;
  readonly ms: string;
  readonly prediction: number | null;
  readonly class: string | null;
  readonly score: number | null;
  readonly scores: (number | null)[] | null;
  readonly latency_ms: number | null;
  readonly error_type: string | null;
  readonly num: (number | null)[];
  readonly cat: (string | null)[];
  readonly invalid: number[] | null;
  readonly segment: Record<string, unknown> | null;
  readonly label: string | null;
  readonly value: number | null;
  readonly labelled: boolean;
}

async function recount(
  client: PoolClient,
  eras: ReadonlyMap<number, readonly Era[]>,
  targets: ReadonlyMap<number, ModelTarget>,
  catalog: Catalog,
  sinceMs: number,
  progress: Progress = () => undefined,
): Promise<Map<string, Cells>> {
  const want = new Map<string, Cells>();
  const stored = batches<StoredRow>(
    client,
    `SELECT p.version_id, round(extract(epoch FROM p.ts) * 1000) AS ms, p.prediction, p.class, p.score, p.scores, p.latency_ms, p.error_type, p.num, p.cat, p.invalid, p.segment,
            g.counted_label AS label, g.counted_value AS value, g.joined_at IS NOT NULL AS labelled
     FROM predictions p LEFT JOIN ground_truth g ON g.pid = p.pid AND g.model_id = p.model_id AND g.prediction_ts = p.ts
     WHERE p.ts >= $1`,
    [new Date(sinceMs)],
  );
  let counted = 0;
  for await (const rows of stored) {
    for (const row of rows) {
      const target = targets.get(row.version_id);
      const era = eraAt(eras.get(row.version_id), Number(row.ms));
      // Its model was deleted, its rows are not all gone yet.
      if (target === undefined || era === undefined) continue;
      const minute = Math.floor(Number(row.ms) / 60_000);
      const start = minute - (minute % era.bucketMinutes);
      const into = [0, ...segmentsOf(row.segment, era, catalog)].map((segment) => {
        const key = keyOf(row.version_id, start, era.bucketMinutes, segment);
        let cells = want.get(key);
        if (cells === undefined) want.set(key, (cells = new Map<string, number>()));
        return cells;
      });
      countRow(row, target, era, minute - start, (cell, by = 1) => {
        for (const cells of into) {
          add(cells, cell, by);
          if (cell.startsWith('sum')) add(cells, MAGNITUDE + cell, Math.abs(by));
        }
      });
    }
    progress((counted += rows.length));
  }
  return want;
}

function countRow(
  row: StoredRow,
  target: ModelTarget,
  { scheme, task, positiveClass: positiveName }: Era,
  minute: number,
  count: (cell: string, by?: number) => void,
): void {
  const positiveClass = positiveName === null ? -1 : (target.classCodes.get(positiveName) ?? -1);
  count('rows');
  const number = (column: number, value: number | null, bins: NumericBins | undefined) => {
    if (value === null) count(`column ${column} code ${MISSING}`);
    else if (!Number.isFinite(value)) count(`column ${column} code ${NOT_FINITE}`);
    else {
      const code = bins === undefined ? 0 : codeOf(bins, value);
      count(`column ${column} code ${code}`);
      if (bins?.sumBins[code] === 1) count(`sum of column ${column} code ${code}`, value);
    }
  };
  for (const feature of target.features) {
    const bins = scheme.features[feature.column - 2];
    const values: (number | string | null)[] = feature.kind === 'numeric' ? row.num : row.cat;
    if (feature.position >= values.length) continue;
    if (row.invalid?.includes(feature.column) === true) count(`column ${feature.column} code ${TYPE_ERROR}`);
    else if (feature.kind === 'numeric')
      number(feature.column, row.num[feature.position] ?? null, bins?.kind === 'numeric' ? bins : undefined);
    else {
      const text = row.cat[feature.position] ?? null;
      const code =
        text === null
          ? MISSING
          : bins?.kind !== 'categorical'
            ? 0
            : bins.categories.includes(text)
              ? bins.categories.indexOf(text)
              : OTHER;
      count(`column ${feature.column} code ${code}`);
    }
  }
  const classCode = row.class === null ? -1 : (target.classCodes.get(row.class) ?? OTHER);
  const top = row.scores === null ? null : Math.max(...row.scores.map((of) => of ?? -Infinity));
  const score =
    task === 'regression'
      ? row.prediction
      : task === 'multiclass' && top !== null
        ? top
        : (row.score ??
          (task === 'binary' && row.scores !== null && positiveClass >= 0
            ? (row.scores[positiveClass] ?? null)
            : null));
  number(0, score, scheme.score);
  if (score !== null && Number.isFinite(score)) count('sum of scores', score);
  const confidence =
    row.scores !== null
      ? classCode < 0
        ? top
        : row.scores[classCode]
      : task === 'regression'
        ? null
        : task === 'binary' && positiveClass >= 0 && classCode >= 0 && classCode !== positiveClass && row.score !== null
          ? 1 - row.score
          : row.score;
  if (confidence !== null && confidence !== undefined && Number.isFinite(confidence)) {
    count('confident');
    count('sum of confidences', confidence);
  }
  const scored = score === null || !Number.isFinite(score) ? -1 : codeOf(scheme.score, score);
  if (row.class !== null && classCode === positiveClass && scored >= 0) count(`positive at ${scored}`);
  count(`column 1 code ${row.class === null ? MISSING : classCode}`);
  count(`minute ${minute} rows`);
  if (row.error_type !== null) count(`minute ${minute} error ${target.errorCodes.get(row.error_type) ?? 255}`);
  if (row.latency_ms !== null) {
    const seconds = Math.fround(row.latency_ms) / 1000;
    count(`minute ${minute} latency ${latencyCode(seconds)}`);
    count(`sum of latency in minute ${minute}`, seconds);
  }
  if (row.labelled) countLabel(row, target, { task, positiveClass, classCode, score, scored }, count);
}

function countLabel(
  row: StoredRow,
  target: ModelTarget,
  of: {
    readonly task: ModelTarget['task'];
    readonly positiveClass: number;
    readonly classCode: number;
    readonly score: number | null;
    readonly scored: number;
  },
  count: (cell: string, by?: number) => void,
): void {
  const { task, positiveClass, score, scored } = of;
  count('labelled');
  if (task === 'regression') {
    const { prediction, value } = row;
    if (prediction === null || value === null || !Number.isFinite(prediction) || !Number.isFinite(value)) return;
    count('numeric');
    count('sum of absolute errors', Math.abs(prediction - value));
    count('sum of squared errors', (prediction - value) ** 2);
    count('sum of errors', prediction - value);
    count('sum of labels', value);
    count('sum of squared labels', value ** 2);
    return;
  }
  if (task === 'unknown' || row.label === null) return;
  const actual = target.classCodes.get(row.label) ?? OTHER;
  const negative = [actual, ...target.classCodes.values()].find((code) => code !== positiveClass) ?? OTHER;
  const byScore =
    task === 'binary' && positiveClass >= 0 && scored >= 0 ? (score! >= 0.5 ? positiveClass : negative) : -1;
  const predicted = row.class === null ? byScore : of.classCode;
  if (predicted >= 0) {
    count(`predicted ${predicted} actual ${actual}`);
    const decision = task === 'binary' ? predicted === positiveClass : predicted === actual;
    if (scored >= 0) count(`labelled at ${scored} ${decision ? 'positive' : 'negative'}`);
  }
  const clamped = (p: number) => Math.min(Math.max(p, 1e-15), 1 - 1e-15);
  if (task === 'multiclass') {
    const likely = row.scores?.[actual] ?? NaN;
    if (row.scores === null || !(likely >= 0 && likely <= 1)) return;
    count('scored');
    count('sum of log loss', -Math.log(clamped(likely)));
    row.scores.forEach((p, code) => {
      if (p === null || !(p >= 0 && p <= 1)) return;
      const cameTrue = Number(code === actual);
      count('sum of Brier', (p - cameTrue) ** 2);
      if (target.classCodes.size <= MAX_RANKED_CLASSES)
        count(`score cell ${(code * ODDS_CODES + oddsCode(p)) * 2 + cameTrue}`);
    });
    return;
  }
  if (positiveClass < 0 || scored < 0) return;
  const positive = Number(actual === positiveClass);
  count(`score cell ${scored * 2 + positive}`);
  if (score! < 0 || score! > 1) return;
  count('scored');
  count('positives', positive);
  count('sum of labelled scores', score!);
  count('sum of Brier', (score! - positive) ** 2);
  count('sum of log loss', -Math.log(clamped(positive === 1 ? score! : 1 - score!)));
}

function codeOf(bins: NumericBins, value: number): number {
  let code = 0;
  for (const edge of bins.edges) if (edge < value) code++;
  return code;
}

/** A value that is not registered by now came when the key had as many as it may have. */
function segmentsOf(segment: Record<string, unknown> | null, era: Era, catalog: Catalog): number[] {
  if (segment === null || era.segments.length === 0) return [];
  const known = [...(catalog.version(era.versionId)?.model.segments ?? [])];
  const idOf = (key: string, value: string) => known.find(([, of]) => of.key === key && of.value === value)?.[0];
  return Object.entries(segment).flatMap(([key, value]) => {
    if (!era.segments.includes(key)) return [];
    const id = idOf(key, String(value)) ?? idOf(key, '__other__');
    return id === undefined ? [] : [id];
  });
}

function compare(
  want: ReadonlyMap<string, Cells>,
  kept: ReadonlyMap<string, Cells>,
  sinceMs: number,
): Omit<Comparison, 'recounting'> {
  const differences: string[] = [];
  const sums = { rows: 0, counted: 0, labelled: 0 };
  const since = Math.floor(sinceMs / 60_000);
  for (const key of new Set([...want.keys(), ...kept.keys()])) {
    if (Number(key.split('/')[1]) < since) continue;
    const plain = want.get(key) ?? new Map<string, number>();
    const got = kept.get(key) ?? new Map<string, number>();
    if (key.endsWith('/0')) {
      sums.rows += plain.get('rows') ?? 0;
      sums.counted += got.get('rows') ?? 0;
      sums.labelled += got.get('labelled') ?? 0;
    }
    for (const cell of new Set([...plain.keys(), ...got.keys()])) {
      const [a, b] = [plain.get(cell) ?? 0, got.get(cell) ?? 0];
      if (cell.startsWith(MAGNITUDE)) continue;
      // Doubles are summed in another order, and what is taken out leaves its rounding. Where they may leave what a double holds on the
      // way, the order decides whether they come back.
      const magnitude = plain.get(MAGNITUDE + cell) ?? 0;
      const tolerance = cell.startsWith('sum') ? 1e-6 * Math.max(1, magnitude) : 0;
      if (magnitude < Infinity && !(Math.abs(a - b) <= tolerance))
        differences.push(`${key} ${cell}: ${a} stored, ${b} counted`);
    }
  }
  return { ...sums, differences };
}

function flattenFeatures({ features, minutes }: BucketCounts, into: Cells, sign: 1 | -1): void {
  add(into, 'rows', sign * features.rows);
  features.counts.forEach((count, i) => {
    // 255: the feature was not registered when the row was stored.
    if (count > 0 && (i & 255) !== 255) add(into, `column ${i >>> 8} code ${i & 255}`, sign * count);
  });
  features.positives.forEach((count, code) => {
    if (count > 0) add(into, `positive at ${code}`, sign * count);
  });
  for (const [cell, sum] of features.tails) add(into, `sum of column ${cell >>> 8} code ${cell & 255}`, sign * sum);
  add(into, 'sum of scores', sign * features.scoreSum);
  add(into, 'confident', sign * features.confidenceRows);
  add(into, 'sum of confidences', sign * features.confidenceSum);
  for (const [minute, traffic] of minutes) {
    add(into, `minute ${minute} rows`, sign * traffic.rows);
    for (const [error, count] of traffic.errors) add(into, `minute ${minute} error ${error}`, sign * count);
    for (const [code, count] of traffic.latency) add(into, `minute ${minute} latency ${code}`, sign * count);
    add(into, `sum of latency in minute ${minute}`, sign * traffic.latencySum);
  }
}

function flattenPerformance(of: PerformanceCounts, into: Cells, sign: 1 | -1): void {
  for (const [cell, count] of of.decisions)
    add(into, `labelled at ${cell >>> 1} ${(cell & 1) === 1 ? 'positive' : 'negative'}`, sign * count);
  add(into, 'labelled', sign * of.labelled);
  for (const [cell, count] of of.confusion) add(into, `predicted ${cell >>> 8} actual ${cell & 255}`, sign * count);
  for (const [cell, count] of of.scores) add(into, `score cell ${cell}`, sign * count);
  add(into, 'scored', sign * of.scored);
  add(into, 'positives', sign * of.positives);
  add(into, 'sum of labelled scores', sign * of.scoreSum);
  add(into, 'sum of Brier', sign * of.brierSum);
  add(into, 'sum of log loss', sign * of.logLossSum);
  add(into, 'numeric', sign * of.numeric);
  add(into, 'sum of absolute errors', sign * of.absoluteErrorSum);
  add(into, 'sum of squared errors', sign * of.squaredErrorSum);
  add(into, 'sum of errors', sign * of.errorSum);
  add(into, 'sum of labels', sign * of.numeric * of.labelMean);
  add(into, 'sum of squared labels', sign * (of.labelM2 + of.numeric * of.labelMean ** 2));
}
