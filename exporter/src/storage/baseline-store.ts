import type { Pool, PoolClient } from 'pg';
import type { BaselineDescription, BaselineFeatureSummary, DesignEffects } from '../domain/baseline.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { KnownOrUnknownTask } from '../domain/task.ts';
import { binBatch } from '../histogram/bin-batch.ts';
import { decodeBucket, emptyBucket, encodeBucket } from '../histogram/bucket-codec.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import { countBatch, countSegments } from '../histogram/count-rows.ts';
import type { BinScheme } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { Catalog } from './catalog.ts';
import { asServiceError, throwServiceError } from './database-errors.ts';
import { existingDays } from './partitions.ts';
import { transaction, withClient } from './pool.ts';
import { readPredictions } from './prediction-reader.ts';
import type { LabelledBatch, StoredRange } from './prediction-reader.ts';
import { wantedCounting } from './scheme-counting.ts';
import { SchemeSwitch } from './scheme-switch.ts';
import type { WindowStarts } from './scheme-switch.ts';

/** What baseline/make-baseline hands over. */
export interface NewBaseline {
  readonly target: ModelTarget;
  readonly kind: 'reference' | 'captured';
  readonly inheritedFrom: number | null;
  readonly madeAtMs: number;
  readonly captured: { readonly fromMs: number; readonly toMs: number } | null;
  readonly learnt: { readonly task: KnownOrUnknownTask; readonly positiveClass: string | null };
  readonly scheme: Omit<BinScheme, 'id'>;
  readonly counts: BucketCounts;
  readonly chunks: readonly BucketCounts[];
  readonly designEffects: readonly DesignEffects[];
  readonly rows: number;
  readonly summaries: readonly BaselineFeatureSummary[];
  readonly ignoredColumns: readonly string[];
}

export interface StoredBaseline {
  readonly id: number;
  readonly kind: 'reference' | 'captured' | 'rolling' | 'seasonal';
  readonly madeAtMs: number;
  readonly rows: number;
  readonly labelledRows: number;
  readonly captured: NewBaseline['captured'];
  readonly description: BaselineDescription;
  readonly counts: BucketCounts;
  readonly designEffects: readonly DesignEffects[];
  /** Its rows by segment, where they are known: those of a captured baseline. */
  readonly segments: ReadonlyMap<number, BucketCounts>;
}

/** Baselines, and the versions that are counted again because of them or of other settings. */
export class BaselineStore {
  private readonly pool: Pool;
  private readonly catalog: Catalog;
  private readonly windowStarts: WindowStarts;
  private readonly schemes: SchemeSwitch;

  constructor(pool: Pool, catalog: Catalog, windowStarts: WindowStarts) {
    this.pool = pool;
    this.catalog = catalog;
    this.windowStarts = windowStarts;
    this.schemes = new SchemeSwitch(pool, catalog, windowStarts);
  }

  /** Resolves when the stored window is counted under the new scheme. */
  async activate(baseline: NewBaseline): Promise<BaselineDescription> {
    const { versionId } = baseline.target;
    const model = this.catalog.version(versionId)?.model;
    if (model === undefined)
      throw new ServiceError('conflict', `Model ${baseline.target.model} was deleted meanwhile.`);
    const { classes, onlyConfigured } = model;
    const counting = wantedCounting(model.settings, { ...baseline.learnt, classes, onlyConfigured });
    let id = 0;
    await this.schemes.to(versionId, { bins: baseline.scheme, counting, replaces: null }, async (client, schemeId) => {
      id = await insertBaseline(client, baseline, schemeId);
      await client.query('UPDATE model_versions SET baseline_id = $2 WHERE id = $1', [versionId, id]);
      await client.query(
        `UPDATE models SET task = $2, positive_class = $3, changed_epoch = (SELECT epoch FROM scheme_epoch)
         WHERE id = $1 AND (task, positive_class) IS DISTINCT FROM ($2, $3)`,
        [baseline.target.modelId, baseline.learnt.task, baseline.learnt.positiveClass],
      );
    });
    // What the model answers may have been learnt just now: its other versions count by it, too.
    await this.applySettings(model.name);
    return this.describe(id);
  }

  /** Recounts that a crash left undone are done again, under a fresh scheme of the same bins and a fresh snapshot. */
  async resumeRecounts(): Promise<number> {
    const { rows } = await this.pool.query<{ version_id: number }>(
      // Its own process holds the lock for as long as it counts; ours goes with this statement.
      'SELECT version_id FROM recounts WHERE pg_try_advisory_xact_lock(20612, scheme_id)',
    );
    for (const { version_id: versionId } of rows) await this.countAgain(versionId);
    return rows.length;
  }

  /**
   * Versions of which the settings ask for another counting than their scheme's (another task or positive class, buckets or segments,
   * or longer windows than it reaches back) are counted again, under a scheme of the same bins. Returns how many.
   *
   * @param model undefined: of all models
   */
  async applySettings(model?: string): Promise<number> {
    let done = 0;
    const windowStart = this.windowStarts();
    const isDue = (versionId: number): boolean => {
      const version = this.catalog.version(versionId);
      if (version === undefined) return false;
      return !version.countsAsWanted || version.target.countedFromMs > windowStart(versionId);
    };
    for (const { target } of model === undefined ? this.catalog.versions() : this.catalog.versionsOf(model)) {
      if (!isDue(target.versionId)) continue;
      // Another replica may have been faster.
      await this.catalog.learn(target.versionId);
      if (!isDue(target.versionId)) continue;
      await this.countAgain(target.versionId);
      done++;
    }
    return done;
  }

  /** A captured baseline is counted again with the rows of its version; one of a reference set keeps what it counted. */
  private async countAgain(versionId: number): Promise<void> {
    await this.catalog.learn(versionId);
    const version = this.catalog.version(versionId);
    if (version === undefined) return;
    const { scheme: bins } = version.target;
    try {
      await this.schemes.to(versionId, { bins, counting: version.wanted, replaces: bins.id }, (client, newId) =>
        client.query('UPDATE baselines SET scheme_id = $2 WHERE scheme_id = $1', [bins.id, newId]),
      );
    } catch (error) {
      // Deleted meanwhile, or another switch was faster: if it counts otherwise than is asked for, the next look sees that.
      if (error instanceof ServiceError && error.code === 'conflict') return;
      throw error;
    }
    if (!version.countsAsWanted) await this.countCapturedAgain(versionId, () => true);
  }

  /** Versions whose window is being counted again: their last evaluation stands until it is done. */
  async recounting(): Promise<ReadonlySet<number>> {
    const { rows } = await this.pool.query<{ version_id: number }>('SELECT version_id FROM recounts');
    return new Set(rows.map(({ version_id: id }) => id));
  }

  async load(id: number): Promise<StoredBaseline> {
    const { rows } = await this.pool.query<BaselineRowOf & StoredParts>(
      `SELECT ${COLUMNS}, b.payload, b.captured_from, b.captured_to, b.design_effects ${FROM} WHERE b.id = $1`,
      [id],
    );
    const row = rows[0];
    if (row === undefined) throw new ServiceError('not_found', `There is no baseline ${id}.`);
    return {
      id,
      kind: row.kind,
      madeAtMs: row.made_at.getTime(),
      rows: Number(row.row_count),
      labelledRows: Number(row.labelled_count),
      captured:
        row.captured_from === null || row.captured_to === null
          ? null
          : { fromMs: row.captured_from.getTime(), toMs: row.captured_to.getTime() },
      description: describe(row),
      counts: decodeBucket(row.payload),
      designEffects: row.design_effects.map(({ windowMs, byColumn }) => ({
        windowMs,
        byColumn: byColumn.map((effect) => effect ?? NaN),
      })),
      segments: await this.segmentsOf(id),
    };
  }

  /** The parts of a baseline in their order; empty where they were not asked for when it was made. Primary key of baseline_chunks. */
  async chunks(id: number): Promise<readonly BucketCounts[]> {
    const { rows } = await this.pool.query<{ payload: Buffer }>(
      'SELECT payload FROM baseline_chunks WHERE baseline_id = $1 ORDER BY position',
      [id],
    );
    return rows.map(({ payload }) => decodeBucket(payload));
  }

  /**
   * Counted when they are first asked for, from the rows that were captured, and kept: raw rows are not. A reference set has no
   * segments, and an inherited one has rows of another version.
   */
  private async segmentsOf(id: number): Promise<ReadonlyMap<number, BucketCounts>> {
    const stored = await this.pool.query<{ segment_id: number; payload: Buffer }>(
      'SELECT segment_id, payload FROM baseline_segments WHERE baseline_id = $1',
      [id],
    );
    if (stored.rows.length > 0)
      return new Map(stored.rows.map(({ segment_id: segmentId, payload }) => [segmentId, decodeBucket(payload)]));
    const { rows } = await this.pool.query<CapturedRange>(
      `SELECT b.captured_from, b.captured_to, v.id AS version_id FROM baselines b JOIN model_versions v ON v.id = b.version_id
       WHERE b.id = $1 AND b.kind = 'captured' AND b.inherited_from IS NULL AND b.scheme_id = v.scheme_id`,
      [id],
    );
    const target = rows[0] === undefined ? undefined : this.catalog.current(rows[0].version_id);
    const counts = new Map<number, BucketCounts>();
    if (rows[0] === undefined || target === undefined || target.segments.size === 0) return counts;
    const range = capturedRange(target, rows[0]);
    await withClient(this.pool, (client) =>
      readPredictions(client, range, target, ({ batch, labels }) => countSegments(counts, binBatch(batch), labels)),
    );
    await this.pool.query(
      `INSERT INTO baseline_segments (baseline_id, segment_id, payload)
       SELECT $1, u.id, u.payload FROM unnest($2::int[], $3::bytea[]) AS u (id, payload) ON CONFLICT DO NOTHING`,
      [id, [...counts.keys()], [...counts.values()].map(encodeBucket)],
    );
    return counts;
  }

  async active(model: string, version: string): Promise<BaselineDescription> {
    const all = await this.history(model, version);
    const active = all.find((baseline) => baseline.active);
    if (active === undefined)
      throw new ServiceError('not_found', `Model ${model} with version "${version}" has no baseline yet.`);
    return active;
  }

  async history(model: string, version: string): Promise<readonly BaselineDescription[]> {
    const { rows } = await this.pool
      .query<BaselineRowOf>(
        `SELECT ${COLUMNS} ${FROM} WHERE m.name = $1 AND v.version = $2 ORDER BY b.made_at DESC, b.id DESC`,
        [model, version],
      )
      .catch(throwServiceError);
    return rows.map(describe);
  }

  /** Labels of a captured baseline arrive after it was made: count them again. Returns whether anything changed. */
  async refreshLabels(versionId: number): Promise<boolean> {
    return this.countCapturedAgain(
      versionId,
      (before, now) => before.labelled < before.rows && now !== before.labelled,
    );
  }

  /** Reads the rows of the active baseline again, where they are stored, and keeps the new counts if asked to. */
  private async countCapturedAgain(
    versionId: number,
    keep: (before: { readonly rows: number; readonly labelled: number }, labelledNow: number) => boolean,
  ): Promise<boolean> {
    const { rows } = await this.pool.query<CapturedRange & { id: number; row_count: string; labelled_count: string }>(
      `SELECT b.id, v.id AS version_id, b.captured_from, b.captured_to, b.row_count, b.labelled_count
       FROM model_versions v JOIN baselines b ON b.id = v.baseline_id
       WHERE v.id = $1 AND b.kind = 'captured' AND b.inherited_from IS NULL AND b.scheme_id = v.scheme_id`,
      [versionId],
    );
    const baseline = rows[0];
    const target = this.catalog.current(versionId);
    if (baseline === undefined || target === undefined) return false;
    // Once its first rows are gone with their day it stays as it is.
    const [oldestDay = Infinity] = await existingDays(this.pool, 'predictions');
    if (baseline.captured_from.getTime() < oldestDay) return false;
    const counts = emptyBucket(0);
    const range = capturedRange(target, baseline);
    await withClient(this.pool, (client) =>
      readPredictions(client, range, target, ({ batch, labels }) => countBatch(counts, binBatch(batch), labels, null)),
    );
    const before = { rows: Number(baseline.row_count), labelled: Number(baseline.labelled_count) };
    if (counts.features.rows === 0 || !keep(before, counts.performance.labelled)) return false;
    await this.pool.query('UPDATE baselines SET payload = $2, labelled_count = $3, row_count = $4 WHERE id = $1', [
      baseline.id,
      encodeBucket(counts),
      counts.performance.labelled,
      counts.features.rows,
    ]);
    // Counted again when they are next asked for.
    await this.pool.query('DELETE FROM baseline_segments WHERE baseline_id = $1', [baseline.id]);
    return true;
  }

  /** Rows for a capture, in a transaction of their own. */
  async stored(
    target: ModelTarget,
    fromMs: number,
    toMs: number,
    limit: number,
    onBatch: (rows: LabelledBatch) => void,
  ): Promise<number> {
    try {
      return await transaction(
        this.pool,
        (client) => readPredictions(client, { ...target, fromMs, toMs, limit, whole: true }, target, onBatch),
        {
          isolation: 'repeatable read',
          readOnly: true,
        },
      );
    } catch (error) {
      throw asServiceError(error);
    }
  }

  private async describe(id: number): Promise<BaselineDescription> {
    const { rows } = await this.pool.query<BaselineRowOf>(`SELECT ${COLUMNS} ${FROM} WHERE b.id = $1`, [id]);
    if (rows[0] === undefined) throw new ServiceError('conflict', 'The model was deleted meanwhile.');
    return describe(rows[0]);
  }
}

interface CapturedRange {
  readonly version_id: number;
  readonly captured_from: Date;
  readonly captured_to: Date;
}

function capturedRange(
  { modelId, versionId }: ModelTarget,
  { captured_from: from, captured_to: to }: CapturedRange,
): StoredRange {
  return { modelId, versionId, fromMs: from.getTime(), toMs: to.getTime(), limit: Infinity, whole: true };
}

const COLUMNS =
  'b.id, m.name, v.version, b.kind, (SELECT s.version FROM baselines o JOIN model_versions s ON s.id = o.version_id WHERE o.id = b.inherited_from) AS inherited_from, b.made_at, b.row_count, b.labelled_count, b.description, v.baseline_id = b.id AS active';
const FROM = 'FROM baselines b JOIN model_versions v ON v.id = b.version_id JOIN models m ON m.id = v.model_id';

interface BaselineRowOf {
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly kind: BaselineDescription['kind'];
  readonly inherited_from: string | null;
  readonly made_at: Date;
  readonly row_count: string;
  readonly labelled_count: string;
  readonly description: Pick<BaselineDescription, 'task' | 'features' | 'ignoredColumns'>;
  readonly active: boolean | null;
}

interface StoredParts {
  readonly payload: Buffer;
  readonly captured_from: Date | null;
  readonly captured_to: Date | null;
  /** JSON has no NaN. */
  readonly design_effects: readonly { readonly windowMs: number; readonly byColumn: readonly (number | null)[] }[];
}

function describe(row: BaselineRowOf): BaselineDescription {
  return {
    id: row.id,
    model: row.name,
    version: row.version,
    kind: row.kind,
    inheritedFrom: row.inherited_from,
    madeAtMs: row.made_at.getTime(),
    active: row.active === true,
    rows: Number(row.row_count),
    labelledRows: Number(row.labelled_count),
    ...row.description,
  };
}

async function insertBaseline(client: PoolClient, baseline: NewBaseline, schemeId: number): Promise<number> {
  const { captured, counts } = baseline;
  const { rows } = await client.query<{ id: number }>(
    `INSERT INTO baselines (version_id, scheme_id, kind, made_at, captured_from, captured_to, row_count, labelled_count, description, payload, inherited_from, design_effects)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id`,
    [
      baseline.target.versionId,
      schemeId,
      baseline.kind,
      new Date(baseline.madeAtMs),
      captured === null ? null : new Date(captured.fromMs),
      captured === null ? null : new Date(captured.toMs),
      baseline.rows,
      counts.performance.labelled,
      JSON.stringify({
        task: baseline.learnt.task,
        features: baseline.summaries,
        ignoredColumns: baseline.ignoredColumns,
      }),
      encodeBucket(counts),
      baseline.inheritedFrom,
      JSON.stringify(baseline.designEffects),
    ],
  );
  const { id } = rows[0]!;
  if (baseline.chunks.length > 0)
    await client.query(
      'INSERT INTO baseline_chunks (baseline_id, position, payload) SELECT $1, u.position, u.payload FROM unnest($2::bytea[]) WITH ORDINALITY AS u (payload, position)',
      [id, baseline.chunks.map(encodeBucket)],
    );
  return id;
}
