import type { Pool, PoolClient } from 'pg';
import type { BucketCounts } from '../../src/histogram/bucket-codec.ts';
import { decodeBucket, emptyBucket } from '../../src/histogram/bucket-codec.ts';
import { applyDelta } from '../../src/histogram/delta-codec.ts';
import type { GroupKey } from '../../src/histogram/delta-codec.ts';
import type { NumericBins } from '../../src/histogram/bin-scheme.ts';
import { MISSING, NOT_FINITE, TYPE_ERROR } from '../../src/histogram/bin-scheme.ts';
import { OTHER } from '../../src/histogram/categories.ts';
import { latencyCode } from '../../src/histogram/latency-buckets.ts';
import type { ModelTarget } from '../../src/histogram/model-target.ts';
import { parseScheme } from '../../src/storage/scheme-payload.ts';
import type { Catalog } from '../../src/storage/catalog.ts';

/**
 * The oracle of the crash and consistency tests: counts every stored row again, by plain SQL and the plainest code, and compares with
 * what buckets and deltas say, in one snapshot. Written apart from the code it judges: no binner, no codec, no batch.
 */
export interface Comparison {
  readonly rows: number;
  readonly counted: number;
  readonly labelled: number;
  /** Every difference found, in words; empty when all is equal. */
  readonly differences: readonly string[];
}

interface Plain {
  rows: number;
  readonly cells: Map<string, number>;
}

export async function compareWithRawRows(pool: Pool, catalog: Catalog, sinceMs: number): Promise<Comparison> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await catalog.refresh();
    const current = new Map<number, ModelTarget>();
    for (const { target } of catalog.versions()) current.set(target.versionId, target);
    const schemes = await client.query<{ id: number; scheme_id: number }>('SELECT id, scheme_id FROM model_versions');
    const active = new Set(schemes.rows.map((row) => row.scheme_id));
    const kept = new Map<string, BucketCounts>();
    const keyOf = (key: Omit<GroupKey, 'schemeId'>) =>
      `${key.versionId}/${key.bucketStart}/${key.bucketMinutes}/${key.segmentId}`;
    const at = (key: string) => {
      let bucket = kept.get(key);
      if (bucket === undefined) kept.set(key, (bucket = emptyBucket(2)));
      return bucket;
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
      if (!active.has(row.scheme_id)) continue;
      const from = decodeBucket(row.payload);
      const into = at(
        keyOf({
          versionId: row.version_id,
          segmentId: row.segment_id,
          bucketStart: row.bucket_start,
          bucketMinutes: row.bucket_minutes,
        }),
      );
      into.features.add(from.features);
      into.performance.merge(from.performance, 1);
      for (const [minute, traffic] of from.minutes) into.minutes.set(minute, traffic);
    }
    const deltas = await client.query<{ payload: Buffer }>('SELECT payload FROM statistics_delta ORDER BY id');
    for (const { payload } of deltas.rows)
      applyDelta(payload, {
        predictions: (key) =>
          active.has(key.schemeId)
            ? {
                ...at(keyOf(key)),
                positiveClass: current.get(key.versionId)?.positiveClass ?? -1,
                totals: null,
              }
            : null,
        performance: (group) => {
          if (active.has(group.schemeId))
            at(keyOf(group)).performance.merge(group.counts, group.change === 'removed' ? -1 : 1);
        },
        unmatched: () => undefined,
      });
    const want = await recount(client, current, sinceMs);
    await client.query('COMMIT');
    return compare(want, kept, sinceMs);
  } finally {
    client.release();
  }
}

async function recount(
  client: PoolClient,
  targets: ReadonlyMap<number, ModelTarget>,
  sinceMs: number,
): Promise<Map<string, Plain>> {
  const want = new Map<string, Plain>();
  const schemeRows = await client.query<{ id: number; payload: unknown }>('SELECT id, payload FROM bin_schemes');
  const schemes = new Map(schemeRows.rows.map(({ id, payload }) => [id, parseScheme(id, payload)]));
  const rows = await client.query<{
    version_id: number;
    ms: string;
    prediction: number | null;
    class: string | null;
    score: number | null;
    scores: (number | null)[] | null;
    latency_ms: number | null;
    error_type: string | null;
    num: (number | null)[];
    cat: (string | null)[];
    invalid: number[] | null;
    segment: Record<string, unknown> | null;
    label: string | null;
    value: number | null;
    labelled: boolean;
  }>(
    `SELECT p.version_id, round(extract(epoch FROM p.ts) * 1000) AS ms, p.prediction, p.class, p.score, p.scores, p.latency_ms, p.error_type, p.num, p.cat, p.invalid, p.segment,
            g.counted_label AS label, g.counted_value AS value, g.joined_at IS NOT NULL AS labelled
     FROM predictions p LEFT JOIN ground_truth g ON g.pid = p.pid AND g.model_id = p.model_id AND g.prediction_ts = p.ts
     WHERE p.ts >= $1`,
    [new Date(sinceMs)],
  );
  for (const row of rows.rows) {
    const target = targets.get(row.version_id)!;
    const scheme = schemes.get(target.scheme.id)!;
    const minute = Math.floor(Number(row.ms) / 60_000);
    const start = minute - (minute % target.bucketMinutes);
    const into = [0, ...segmentsOf(row.segment, target)].map((segment) => {
      const key = `${row.version_id}/${start}/${target.bucketMinutes}/${segment}`;
      let plain = want.get(key);
      if (plain === undefined) want.set(key, (plain = { rows: 0, cells: new Map() }));
      return plain;
    });
    for (const plain of into) plain.rows++;
    const add = (cell: string) => {
      for (const { cells } of into) cells.set(cell, (cells.get(cell) ?? 0) + 1);
    };
    const number = (column: number, value: number | null, bins: NumericBins | undefined) => {
      if (value === null) add(`column ${column} code ${MISSING}`);
      else if (!Number.isFinite(value)) add(`column ${column} code ${NOT_FINITE}`);
      else
        add(`column ${column} code ${bins === undefined ? 0 : [...bins.edges].filter((edge) => edge < value).length}`);
    };
    for (const feature of target.features) {
      const bins = scheme.features[feature.column - 2];
      const values: (number | string | null)[] = feature.kind === 'numeric' ? row.num : row.cat;
      if (feature.position >= values.length) continue;
      if (row.invalid?.includes(feature.column) === true) add(`column ${feature.column} code ${TYPE_ERROR}`);
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
        add(`column ${feature.column} code ${code}`);
      }
    }
    const score =
      target.task === 'regression'
        ? row.prediction
        : target.task === 'multiclass' && row.scores !== null
          ? Math.max(...row.scores.map((of) => of ?? -Infinity))
          : (row.score ??
            (target.task === 'binary' && row.scores !== null ? (row.scores[target.positiveClass] ?? null) : null));
    number(0, score, scheme.score);
    const scored = score === null ? -1 : [...scheme.score.edges].filter((edge) => edge < score).length;
    const positive = row.class !== null && target.classCodes.get(row.class) === target.positiveClass;
    if (positive && scored >= 0) add(`positive at ${scored}`);
    add(`column 1 code ${row.class === null ? MISSING : (target.classCodes.get(row.class) ?? OTHER)}`);
    add(`minute ${minute - start} rows`);
    if (row.error_type !== null) add(`minute ${minute - start} error ${target.errorCodes.get(row.error_type) ?? 255}`);
    if (row.latency_ms !== null) add(`minute ${minute - start} latency ${latencyCode(row.latency_ms / 1000)}`);
    if (row.labelled) {
      add('labelled');
      if (target.task !== 'regression' && target.task !== 'unknown' && row.class !== null && row.label !== null)
        add(
          `predicted ${target.classCodes.get(row.class) ?? OTHER} actual ${target.classCodes.get(row.label) ?? OTHER}`,
        );
      if (target.task === 'binary' && row.class !== null && row.label !== null && scored >= 0)
        add(`labelled at ${scored} ${positive ? 'positive' : 'negative'}`);
    }
  }
  return want;
}

/** A value that is not registered by now came when the key had as many as it may have. */
function segmentsOf(segment: Record<string, unknown> | null, { segments }: ModelTarget): number[] {
  return Object.entries(segment ?? {}).flatMap(([key, value]) => {
    const known = segments.get(key);
    const id = known?.get(String(value)) ?? known?.get('__other__');
    return id === undefined ? [] : [id];
  });
}

function compare(
  want: ReadonlyMap<string, Plain>,
  kept: ReadonlyMap<string, BucketCounts>,
  sinceMs: number,
): Comparison {
  const differences: string[] = [];
  let rows = 0;
  let counted = 0;
  let labelled = 0;
  const since = Math.floor(sinceMs / 60_000);
  for (const key of new Set([...want.keys(), ...kept.keys()])) {
    if (Number(key.split('/')[1]) < since) continue;
    const plain = want.get(key) ?? { rows: 0, cells: new Map<string, number>() };
    const bucket = kept.get(key) ?? emptyBucket(2);
    if (key.endsWith('/0')) {
      rows += plain.rows;
      counted += bucket.features.rows;
      labelled += bucket.performance.labelled;
    }
    const got = flatten(bucket);
    if (plain.rows !== bucket.features.rows)
      differences.push(`${key}: ${plain.rows} rows stored, ${bucket.features.rows} counted`);
    for (const cell of new Set([...plain.cells.keys(), ...got.keys()]))
      if ((plain.cells.get(cell) ?? 0) !== (got.get(cell) ?? 0))
        differences.push(`${key} ${cell}: ${plain.cells.get(cell) ?? 0} stored, ${got.get(cell) ?? 0} counted`);
  }
  return { rows, counted, labelled, differences };
}

function flatten(bucket: BucketCounts): Map<string, number> {
  const cells = new Map<string, number>();
  bucket.features.counts.forEach((count, i) => {
    // 255: the feature was not registered when the row was stored.
    if (count > 0 && (i & 255) !== 255) cells.set(`column ${i >>> 8} code ${i & 255}`, count);
  });
  bucket.features.positives.forEach((count, code) => count > 0 && cells.set(`positive at ${code}`, count));
  for (const [cell, count] of bucket.performance.decisions)
    cells.set(`labelled at ${cell >>> 1} ${(cell & 1) === 1 ? 'positive' : 'negative'}`, count);
  for (const [minute, traffic] of bucket.minutes) {
    cells.set(`minute ${minute} rows`, traffic.rows);
    for (const [error, count] of traffic.errors) cells.set(`minute ${minute} error ${error}`, count);
    for (const [code, count] of traffic.latency) cells.set(`minute ${minute} latency ${code}`, count);
  }
  if (bucket.performance.labelled > 0) cells.set('labelled', bucket.performance.labelled);
  for (const [cell, count] of bucket.performance.confusion)
    cells.set(`predicted ${cell >>> 8} actual ${cell & 255}`, count);
  return cells;
}
