import type { PoolClient } from 'pg';
import type { Clock } from '../domain/clock.ts';
import { effectiveSettings } from '../domain/effective-settings.ts';
import type { ModelDeclaration } from '../domain/model.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { Settings } from '../domain/settings.ts';
import type { FeatureKind } from '../histogram/model-columns.ts';
import { MAX_CLASSES, MAX_ERROR_REASONS } from '../histogram/model-target.ts';
import type { TargetWant } from '../histogram/model-target.ts';
import { wantedCounting } from './scheme-counting.ts';
import type { LearntOutcome } from './scheme-counting.ts';
import { emptyScheme } from './scheme-payload.ts';
import { insertScheme } from './scheme-store.ts';
import { appendSegments } from './segment-dictionary.ts';

/** Writes models, versions, features and dictionaries that are new, in the transaction of whoever asks; knows none of them. */
export class ModelRegistrar {
  private readonly settings: () => Settings;
  private readonly clock: Clock;
  private readonly modelCount: () => number;

  /** @param modelCount models there are, for the limit */
  constructor(settings: () => Settings, clock: Clock, modelCount: () => number) {
    this.settings = settings;
    this.clock = clock;
    this.modelCount = modelCount;
  }

  /** Whatever the version has not yet, and the version itself; returns its id, undefined where the model it is of was deleted. */
  async register(client: PoolClient, want: TargetWant): Promise<number | undefined> {
    if (want.modelId !== undefined && !(await isThere(client, want.modelId))) return undefined;
    const modelId = await this.registerModel(client, want.model, want.classes, want.errorReasons);
    const versionId = await this.ensureVersion(client, modelId, want);
    await appendFeatures(client, versionId, want.features, this.settings().limits.features);
    for (const [key, values] of want.segments ?? []) await appendSegments(client, modelId, key, values);
    return versionId;
  }

  /** Leaves the model's row locked: appending to dictionaries and feature sets goes one at a time. */
  async registerModel(
    client: PoolClient,
    name: string,
    newClasses: ReadonlySet<string>,
    newReasons: ReadonlySet<string>,
  ): Promise<number> {
    const existing = await client.query('SELECT FROM models WHERE name = $1', [name]);
    const known = this.modelCount();
    if (existing.rows.length === 0 && known >= this.settings().limits.models)
      throw new ServiceError('invalid', `There are ${known} models already, as many as limits.models allows.`);
    // One statement: between two the model could be deleted. UNIQUE (name).
    const { rows } = await client.query<{
      id: number;
      classes: string[];
      only_configured: string[];
      error_reasons: string[];
    }>(
      `INSERT INTO models (name, changed_epoch, created_at) SELECT $1, epoch, $2 FROM scheme_epoch
       ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id, classes, only_configured, error_reasons`,
      [name, new Date(this.clock.now())],
    );
    const model = rows[0]!;
    const classes = appended(model.classes, newClasses, MAX_CLASSES);
    const reasons = appended(model.error_reasons, newReasons, MAX_ERROR_REASONS);
    const configured = model.only_configured.filter((of) => !newClasses.has(of));
    if (
      classes !== model.classes ||
      configured.length < model.only_configured.length ||
      reasons !== model.error_reasons
    )
      await client.query('UPDATE models SET classes = $2, only_configured = $3, error_reasons = $4 WHERE id = $1', [
        model.id,
        classes,
        configured,
        reasons,
      ]);
    return model.id;
  }

  private async ensureVersion(client: PoolClient, modelId: number, { model, version }: TargetWant): Promise<number> {
    const found = await client.query<{ id: number }>(
      'SELECT id FROM model_versions WHERE model_id = $1 AND version = $2',
      [modelId, version],
    );
    if (found.rows[0] !== undefined) return found.rows[0].id;
    const learnt = await client.query<LearntOutcome & { readonly declared: ModelDeclaration }>(
      `SELECT task, positive_class AS "positiveClass", classes, only_configured AS "onlyConfigured", declared
       FROM models WHERE id = $1`,
      [modelId],
    );
    const { declared, ...outcome } = learnt.rows[0]!;
    const counting = wantedCounting(effectiveSettings(this.settings(), model, declared), outcome);
    const now = new Date(this.clock.now());
    const created = await client.query<{ id: number }>(
      'INSERT INTO model_versions (model_id, version, changed_epoch, created_at) SELECT $1, $2, epoch, $3 FROM scheme_epoch RETURNING id',
      [modelId, version, now],
    );
    const { id } = created.rows[0]!;
    const schemeId = await insertScheme(client, { versionId: id, bins: emptyScheme(), counting, countedFrom: null });
    await client.query('UPDATE model_versions SET scheme_id = $2 WHERE id = $1', [id, schemeId]);
    await client.query(
      `INSERT INTO feature_sets (version_id, names, num_names, cat_names) VALUES ($1, '{}', '{}', '{}')`,
      [id],
    );
    return id;
  }
}

/** The row lock that appending takes: a deletion came before it, or takes all of it away. Primary key. */
async function isThere(client: PoolClient, modelId: number): Promise<boolean> {
  const { rows } = await client.query('SELECT FROM models WHERE id = $1 FOR UPDATE', [modelId]);
  return rows.length === 1;
}

/** The same array when nothing is new. */
function appended(known: string[], wanted: ReadonlySet<string>, max: number): string[] {
  const fresh = [...wanted].filter((name) => !known.includes(name)).slice(0, Math.max(0, max - known.length));
  return fresh.length === 0 ? known : [...known, ...fresh];
}

async function appendFeatures(
  client: PoolClient,
  versionId: number,
  wanted: ReadonlyMap<string, FeatureKind>,
  max: number,
): Promise<void> {
  const { rows } = await client.query<{ names: string[]; num_names: string[]; cat_names: string[] }>(
    'SELECT names, num_names, cat_names FROM feature_sets WHERE version_id = $1 ORDER BY cardinality(names) DESC LIMIT 1',
    [versionId],
  );
  const set = rows[0]!;
  const known = new Set(set.names);
  const fresh = [...wanted].filter(([name]) => !known.has(name));
  if (fresh.length === 0) return;
  if (known.size + fresh.length > max)
    throw new ServiceError(
      'invalid',
      `${known.size + fresh.length} features are more than limits.features (${max}) allows.`,
    );
  const named = (kind: FeatureKind) => fresh.filter(([, of]) => of === kind).map(([name]) => name);
  await client.query('INSERT INTO feature_sets (version_id, names, num_names, cat_names) VALUES ($1, $2, $3, $4)', [
    versionId,
    [...set.names, ...fresh.map(([name]) => name)],
    [...set.num_names, ...named('numeric')],
    [...set.cat_names, ...named('categorical')],
  ]);
}
