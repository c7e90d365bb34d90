import type { Pool } from 'pg';
import type { ModelDeclaration, ModelDescription } from '../domain/model.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { Catalog, CatalogVersion } from './catalog.ts';
import { asServiceError } from './database-errors.ts';
import { transaction } from './pool.ts';

const DELETE_BATCH = 10_000;

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
      classes: model.classes,
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

  /** All its data. Under the epoch's lock, so that no writer stores rows of it afterwards: the next one finds the epoch changed. */
  async remove(name: string): Promise<void> {
    const first = this.catalog.versionsOf(name)[0];
    if (first === undefined) throw notFound(name);
    const modelId = first.model.id;
    const versionIds = this.catalog.versionsOf(name).map(({ target }) => target.versionId);
    try {
      await transaction(this.pool, async (client) => {
        await client.query('SELECT pg_advisory_xact_lock(20611, 1)');
        await client.query('UPDATE scheme_epoch SET epoch = epoch + 1');
        await client.query('DELETE FROM baselines WHERE version_id = ANY ($1::int[])', [versionIds]);
        await client.query('DELETE FROM models WHERE id = $1', [modelId]);
        await client.query('DELETE FROM alerts WHERE model = $1', [name]);
        await client.query('DELETE FROM statistics_bucket WHERE version_id = ANY ($1::int[])', [versionIds]);
        await client.query('DELETE FROM statistics_total WHERE model_id = $1', [modelId]);
      });
      await this.catalog.refresh();
      await this.removeRows(modelId);
    } catch (error) {
      throw asServiceError(error);
    }
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

function notFound(name: string): ServiceError {
  return new ServiceError('not_found', `There is no model ${name}.`);
}
