import type { Pool, PoolClient } from 'pg';
import type { ModelDeclaration, ModelDescription } from '../domain/model.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { Catalog, CatalogVersion } from './catalog.ts';
import { asServiceError } from './database-errors.ts';
import { transaction } from './pool.ts';
import { namedClasses } from './scheme-counting.ts';

const DELETE_BATCH = 10_000;
/** Far longer than a replica takes to learn of a deletion, and to end what it was about to store. */
const LATE_WRITERS = '10 minutes';

/** Models as people see them: listed, declared, deleted. */
export class ModelStore {
  private readonly pool: Pool;
  private readonly catalog: Catalog;

  constructor(pool: Pool, catalog: Catalog) {
    this.pool = pool;
    this.catalog = catalog;
  }

  async list(): Promise<readonly ModelDescription[]> {
    const names = new Set(this.catalog.versions().map(({ model }) => model.name));
    return Promise.all([...names].sort().map((name) => this.get(name)));
  }

  async get(name: string): Promise<ModelDescription> {
    const versions = this.catalog.versionsOf(name);
    const first = versions[0];
    if (first === undefined) throw notFound(name);
    const kinds = await this.baselineKinds(versions);
    const { model } = first;
    return {
      model: name,
      task: model.task,
      positiveClass: model.positiveClassName,
      classes: namedClasses(model),
      createdAtMs: model.createdAtMs,
      versions: versions.map(({ target, baselineId, createdAtMs }) => ({
        version: target.version,
        createdAtMs,
        baseline: (baselineId === null ? undefined : kinds.get(baselineId)) ?? 'none',
        features: target.features.map(({ name: feature, kind }) => ({ name: feature, kind })),
      })),
      declared: model.declared,
    };
  }

  /** Registers the model when it is new. Feature types hold for features that are not registered yet. */
  async declare(name: string, declaration: ModelDeclaration): Promise<ModelDescription> {
    try {
      if (this.catalog.versionsOf(name).length === 0)
        await this.catalog.ensure([
          { model: name, version: '', features: new Map(), classes: new Set(), errorReasons: new Set() },
        ]);
      await transaction(this.pool, async (client) => {
        await client.query('SELECT pg_advisory_xact_lock(20611, 1)');
        await client.query('UPDATE scheme_epoch SET epoch = epoch + 1');
        await client.query(
          'UPDATE models SET declared = $2, changed_epoch = (SELECT epoch FROM scheme_epoch) WHERE name = $1',
          [name, JSON.stringify(declaration)],
        );
      });
      await this.catalog.refresh();
      return await this.get(name);
    } catch (error) {
      throw asServiceError(error);
    }
  }

  /**
   * All its data. Under the epoch's lock, so that no writer stores rows of it afterwards: the next one finds the epoch changed, and
   * registers the model as a new one.
   */
  async remove(name: string): Promise<void> {
    const first = this.catalog.versionsOf(name)[0];
    if (first === undefined) throw notFound(name);
    const modelId = first.model.id;
    try {
      await transaction(this.pool, async (client) => {
        await client.query('SELECT pg_advisory_xact_lock(20611, 1)');
        await client.query('UPDATE scheme_epoch SET epoch = epoch + 1');
        // Other replicas may have registered versions that are not known here.
        await client.query(
          `INSERT INTO model_removals (model_id, version_ids, removed_at)
           SELECT $1, coalesce(array_agg(id), '{}'), clock_timestamp() FROM model_versions WHERE model_id = $1
           ON CONFLICT (model_id) DO NOTHING`,
          [modelId],
        );
        await client.query(
          'DELETE FROM baselines WHERE version_id IN (SELECT id FROM model_versions WHERE model_id = $1)',
          [modelId],
        );
        await client.query('DELETE FROM models WHERE id = $1', [modelId]);
        await client.query('DELETE FROM alerts WHERE model = $1', [name]);
        // The text of a half names its model; the second look is for halves that only speak of it.
        await client.query(
          `DELETE FROM pending_events
           WHERE CASE WHEN position($1 IN payload) > 0 THEN payload::json ->> 'model' = $2 ELSE false END`,
          [`"model":${JSON.stringify(name)}`, name],
        );
        await removeStatistics(client, modelId);
      });
      await this.catalog.refresh();
      await this.removeRows(modelId);
    } catch (error) {
      throw asServiceError(error);
    }
  }

  /**
   * Deletes once more what belongs to models that were deleted some time ago, and forgets about them: rows that a crash in the middle
   * left, and statistics that another replica stored before it had learnt of the deletion.
   */
  async finishRemovals(): Promise<number> {
    const { rows } = await this.pool.query<{ id: number }>(
      `SELECT model_id AS id FROM model_removals WHERE removed_at < clock_timestamp() - interval '${LATE_WRITERS}'`,
    );
    for (const { id } of rows) {
      await this.removeRows(id);
      await transaction(this.pool, async (client) => {
        await removeStatistics(client, id);
        await client.query('DELETE FROM model_removals WHERE model_id = $1', [id]);
      });
    }
    return rows.length;
  }

  /** Raw rows in batches, by the leaves' (model_id, ts): one huge statement would hold its snapshot for minutes. */
  private async removeRows(modelId: number): Promise<void> {
    for (const table of ['predictions', 'ground_truth', 'evaluations']) {
      for (;;) {
        const { rowCount } = await this.pool.query(
          `DELETE FROM ${table} WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM ${table} WHERE model_id = $1 LIMIT ${DELETE_BATCH})`,
          [modelId],
        );
        if (rowCount === null || rowCount < DELETE_BATCH) break;
      }
    }
  }

  private async baselineKinds(
    versions: readonly CatalogVersion[],
  ): Promise<ReadonlyMap<number, ModelDescription['versions'][number]['baseline']>> {
    const ids = versions.flatMap(({ baselineId }) => (baselineId === null ? [] : [baselineId]));
    if (ids.length === 0) return new Map();
    const { rows } = await this.pool.query<{ id: number; kind: ModelDescription['versions'][number]['baseline'] }>(
      'SELECT id, kind FROM baselines WHERE id = ANY ($1::int[])',
      [ids],
    );
    return new Map(rows.map(({ id, kind }) => [id, kind]));
  }
}

/** Primary keys of both. */
async function removeStatistics(client: PoolClient, modelId: number): Promise<void> {
  await client.query(
    'DELETE FROM statistics_bucket WHERE version_id IN (SELECT unnest(version_ids) FROM model_removals WHERE model_id = $1)',
    [modelId],
  );
  await client.query('DELETE FROM statistics_total WHERE model_id = $1', [modelId]);
}

function notFound(name: string): ServiceError {
  return new ServiceError('not_found', `There is no model ${name}.`);
}
