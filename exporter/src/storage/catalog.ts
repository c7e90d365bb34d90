import type { Pool } from 'pg';
import type { Clock } from '../domain/clock.ts';
import type { ModelDeclaration } from '../domain/model.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { ModelSettings, Settings } from '../domain/settings.ts';
import { effectiveSettings } from '../domain/effective-settings.ts';
import type { KnownOrUnknownTask } from '../domain/task.ts';
import type { BinScheme, FeatureKind } from '../histogram/model-columns.ts';
import { isSameCounting } from '../histogram/counting.ts';
import type { Counting } from '../histogram/counting.ts';
import { isNewClass } from '../histogram/model-target.ts';
import type { ModelTarget, TargetWant } from '../histogram/model-target.ts';
import { WHOLE } from '../histogram/segments.ts';
import type { Segment } from '../histogram/segments.ts';
import type { SchemeSource } from './prediction-store.ts';
import { throwServiceError } from './database-errors.ts';
import { transaction } from './pool.ts';
import { countedAs, namedClasses, parseCounting, wantedCounting } from './scheme-counting.ts';
import type { LearntOutcome, StoredCounting } from './scheme-counting.ts';
import { ModelRegistrar } from './model-registrar.ts';
import { parseScheme } from './scheme-payload.ts';
import { SharedDictionaries } from './shared-dictionaries.ts';

export interface CatalogModel {
  readonly id: number;
  readonly name: string;
  readonly storedTask: KnownOrUnknownTask;
  readonly task: KnownOrUnknownTask;
  readonly positiveClassName: string | null;
  /** By code. */
  readonly classes: readonly string[];
  /** Those of them that only a setting has named. */
  readonly onlyConfigured: readonly string[];
  readonly errorReasons: readonly string[];
  /** By id, whether their keys are configured now or were once. */
  readonly segments: ReadonlyMap<number, Segment>;
  readonly declared: ModelDeclaration;
  readonly settings: ModelSettings;
  readonly createdAtMs: number;
}

export interface CatalogVersion {
  readonly model: CatalogModel;
  readonly target: ModelTarget;
  readonly baselineId: number | null;
  /** Baseline of another version that its own is a copy of; null: none is. */
  readonly inheritedFrom: number | null;
  readonly createdAtMs: number;
  /** What the settings ask for; while the scheme counts otherwise, its rows are to be counted again. */
  readonly wanted: Counting;
  readonly countsAsWanted: boolean;
}

type Queryable = Pick<Pool, 'query'>;

/**
 * Models, versions, features and schemes, in memory. The database is the truth: every change is written there first, and other
 * processes learn of it by the epoch (schemes, tasks) or when they meet a name they do not know.
 */
export class Catalog implements SchemeSource {
  private readonly pool: Pool;
  private readonly settings: () => Settings;
  private readonly registrar: ModelRegistrar;
  private knownEpoch = 0;
  private readonly byName = new Map<string, Map<string, CatalogVersion>>();
  private readonly byVersion = new Map<number, CatalogVersion>();
  /** By model, of the version that was taken last: most models have one that predictions come for. */
  private readonly newest = new Map<string, ModelTarget>();
  /** Of each version, the epoch of its row or its model's when it was read. */
  private readonly readAt = new Map<number, number>();
  /** Models that were deleted: ids are never used again, and an answer that was under way must not bring one back. */
  private readonly deleted = new Set<number>();
  private readonly schemes = new Map<number, BinScheme>();
  /** null: of a scheme from before it was kept. */
  private readonly countings = new Map<number, Counting | null>();
  /** Targets of the schemes before the current one, newest first; gone with the target that they were made from. */
  private readonly earlier = new WeakMap<ModelTarget, Promise<readonly ModelTarget[]>>();
  private readonly shared = new SharedDictionaries();
  private registering: Promise<void> = Promise.resolve();

  constructor(pool: Pool, settings: () => Settings, clock: Clock) {
    this.pool = pool;
    this.settings = settings;
    this.registrar = new ModelRegistrar(settings, clock, () => this.modelCount);
  }

  epoch(): number {
    return this.knownEpoch;
  }

  find(model: string, version: string): ModelTarget | undefined {
    // Of one row of thousands of models each look-up is a wait for memory.
    const newest = this.newest.get(model);
    return newest?.version === version ? newest : this.byName.get(model)?.get(version)?.target;
  }

  knows(versionId: number, segmentId: number): boolean {
    const version = this.byVersion.get(versionId);
    return version !== undefined && (segmentId === WHOLE || version.model.segments.has(segmentId));
  }

  current(versionId: number): ModelTarget | undefined {
    return this.byVersion.get(versionId)?.target;
  }

  /**
   * The version as a row of that time is counted: under the newest scheme that reaches back to it. A switch counts again what windows
   * reach; what is older stays under its scheme, and a row that comes late joins it there. undefined: it was deleted.
   *
   * @param on the connection of the transaction that it is for: where all others wait likewise, another one would never come
   */
  async at(versionId: number, timeMs: number, on: Queryable = this.pool): Promise<ModelTarget | undefined> {
    const version = this.byVersion.get(versionId);
    if (version === undefined || timeMs >= version.target.countedFromMs) return version?.target;
    let earlier = this.earlier.get(version.target);
    if (earlier === undefined) {
      earlier = this.readEarlier(version, on);
      // A failure is not kept.
      earlier.catch(() => this.earlier.delete(version.target));
      this.earlier.set(version.target, earlier);
    }
    return (await earlier).find(({ countedFromMs }) => timeMs >= countedFromMs) ?? version.target;
  }

  /** Code of the positive class that rows under a scheme are counted by; -1: none. */
  positiveClass(versionId: number, schemeId: number): number {
    const version = this.byVersion.get(versionId);
    if (version === undefined) return -1;
    const { target, model } = version;
    if (target.scheme.id === schemeId) return target.positiveClass;
    const name = this.countings.get(schemeId)?.positiveClass ?? null;
    return name === null ? -1 : model.classes.indexOf(name);
  }

  version(versionId: number): CatalogVersion | undefined {
    return this.byVersion.get(versionId);
  }

  versionsOf(model: string): readonly CatalogVersion[] {
    return [...(this.byName.get(model)?.values() ?? [])];
  }

  /** What the baselines of the other versions of a model made of it; undefined: there are none, or they could not tell. */
  learntByOthers(
    model: string,
    version: string,
  ): { readonly task: KnownOrUnknownTask; readonly positiveClass: string | null } | undefined {
    const other = this.versionsOf(model).find(
      ({ target, baselineId }) => target.version !== version && baselineId !== null,
    );
    if (other === undefined || other.model.storedTask === 'unknown') return undefined;
    return { task: other.model.storedTask, positiveClass: other.model.positiveClassName };
  }

  versions(): readonly CatalogVersion[] {
    return [...this.byVersion.values()];
  }

  get modelCount(): number {
    return this.byName.size;
  }

  /** Configured keys of `segment` that are counted apart. */
  segmentKeys(model: string): readonly string[] {
    return this.settingsOfModel(model).segments;
  }

  declaredKind(model: string, feature: string): FeatureKind | undefined {
    return this.settingsOfModel(model).features.get(feature)?.type;
  }

  /** A scheme that a bucket or baseline was counted under, which may not be the current one of its version. */
  async scheme(id: number, on: Queryable = this.pool): Promise<BinScheme> {
    const known = this.schemes.get(id);
    if (known !== undefined) return known;
    const { rows } = await on.query<{ payload: unknown; counting: StoredCounting | null }>(
      'SELECT payload, counting FROM bin_schemes WHERE id = $1',
      [id],
    );
    if (rows[0] === undefined) throw new ServiceError('not_found', `There is no bin scheme ${id}.`);
    const scheme = parseScheme(id, rows[0].payload);
    this.schemes.set(id, scheme);
    this.countings.set(id, parseCounting(rows[0].counting));
    return scheme;
  }

  private async readEarlier({ target, model }: CatalogVersion, on: Queryable): Promise<readonly ModelTarget[]> {
    // Index bin_schemes_by_version.
    const { rows } = await on.query<{ id: number; counted_from: Date | null }>(
      'SELECT id, counted_from FROM bin_schemes WHERE version_id = $1 AND id < $2 ORDER BY id DESC',
      [target.versionId, target.scheme.id],
    );
    const targets: ModelTarget[] = [];
    let fromMs = target.countedFromMs;
    for (const { id, counted_from: from } of rows) {
      const countedFromMs = from?.getTime() ?? -Infinity;
      // Counted again as a whole under a newer one.
      if (countedFromMs >= fromMs) continue;
      fromMs = countedFromMs;
      const scheme = await this.scheme(id, on);
      const counting = this.countings.get(id) ?? null;
      targets.push({
        ...target,
        ...(counting === null ? {} : countedAs(counting, model)),
        scheme,
        countedFromMs,
      });
    }
    return targets;
  }

  loadedScheme(id: number): BinScheme | undefined {
    return this.schemes.get(id);
  }

  /** A scheme whose row is gone with its model is passed over: nothing of it is counted any more. */
  async loadScheme(id: number): Promise<void> {
    await this.scheme(id).catch((error: unknown) => {
      if (!(error instanceof ServiceError)) throw error;
    });
  }

  settingsOf(versionId: number): ModelSettings | undefined {
    return this.byVersion.get(versionId)?.model.settings;
  }

  /** Settings of a model that may not be registered yet. */
  settingsOfModel(model: string): ModelSettings {
    return (
      this.byName.get(model)?.values().next().value?.model.settings ?? effectiveSettings(this.settings(), model, {})
    );
  }

  /** Everything: at start, and after a reload of the configuration, to be seen with new settings. What is known holds until it is read again. */
  async load(): Promise<void> {
    await this.read(0);
  }

  /** What changed since the last look. Rejects with ServiceError unavailable. */
  async refresh(): Promise<void> {
    await this.read(this.knownEpoch).catch(throwServiceError);
  }

  /** What other processes registered: versions, and features, classes, error reasons and segments of those that are known. */
  async discover(): Promise<void> {
    await this.refresh();
    // UNIQUE (version_id, names) of feature_sets, UNIQUE (model_id, ...) of segments.
    const { rows } = await this.pool.query<{ id: number; sizes: number[] }>(
      `SELECT v.id, ARRAY[cardinality(m.classes), cardinality(m.classes) - cardinality(m.only_configured), cardinality(m.error_reasons),
         (SELECT max(cardinality(f.names)) FROM feature_sets f WHERE f.version_id = v.id),
         (SELECT count(*)::int FROM segments s WHERE s.model_id = m.id)] AS sizes
       FROM model_versions v JOIN models m ON m.id = v.model_id`,
    );
    await this.readVersions(rows.flatMap(({ id, sizes }) => (this.hasSizes(id, sizes) ? [] : [id])));
  }

  /** Dictionaries only grow. */
  private hasSizes(versionId: number, sizes: readonly number[]): boolean {
    const version = this.byVersion.get(versionId);
    if (version === undefined) return false;
    const { model, target } = version;
    const known = [
      model.classes.length,
      namedClasses(model).length,
      model.errorReasons.length,
      target.features.length,
      model.segments.size,
    ];
    return known.every((size, i) => size === sizes[i]);
  }

  /** @param on see `at` */
  async learn(versionId: number, on: Queryable = this.pool): Promise<void> {
    await this.readVersions([versionId], on);
  }

  /**
   * A model that may have no predictions yet, for labels that come before them; returns its id. Registers new classes. Rejects with
   * ServiceError unavailable.
   */
  async ensureModel(name: string, classes: ReadonlySet<string>): Promise<number> {
    const known = this.byName.get(name)?.values().next().value;
    if (known !== undefined && ![...classes].some((of) => isNewClass(known.target, of))) return known.model.id;
    const register = async () => {
      const id = await transaction(
        this.pool,
        (client) => this.registrar.registerModel(client, name, classes, new Set()),
        {
          attempts: 5,
        },
      );
      await this.readVersions(this.versionsOf(name).map(({ target }) => target.versionId));
      return id;
    };
    return register().catch(throwServiceError);
  }

  /**
   * Registers what is missing. Calls of one process run one after another; those of several meet at the model's row lock. Rejects
   * with ServiceError unavailable.
   */
  async ensure(wants: readonly TargetWant[]): Promise<void> {
    const mine = this.registering.then(() => this.register(wants));
    this.registering = mine.catch(() => undefined);
    await mine.catch(throwServiceError);
  }

  private async register(wants: readonly TargetWant[]): Promise<void> {
    const versionIds: number[] = [];
    await transaction(
      this.pool,
      async (client) => {
        versionIds.length = 0;
        // In order of name, so that two processes that register the same models cannot deadlock.
        for (const want of [...wants].sort((a, b) => (a.model < b.model ? -1 : 1))) {
          const versionId = await this.registrar.register(client, want);
          if (versionId !== undefined) versionIds.push(versionId);
        }
      },
      { attempts: 5 },
    );
    await this.readVersions(versionIds);
  }

  private async read(sinceEpoch: number): Promise<void> {
    const { rows } = await this.pool.query<{ epoch: string; ids: number[] | null }>(
      `SELECT epoch, (SELECT array_agg(v.id) FROM model_versions v JOIN models m ON m.id = v.model_id
                      WHERE v.changed_epoch > $1 OR m.changed_epoch > $1) AS ids FROM scheme_epoch`,
      [sinceEpoch],
    );
    await this.readVersions(rows[0]!.ids ?? []);
    await this.forgetDeleted();
    // Of two that read at once, the one that began first may end last.
    this.knownEpoch = Math.max(this.knownEpoch, Number(rows[0]!.epoch));
  }

  /** Asked of those that were known before: one that is registered meanwhile is not among the answers, and not deleted. */
  private async forgetDeleted(): Promise<void> {
    const known = new Set(this.versions().map(({ model }) => model.id));
    const { rows } = await this.pool.query<{ id: number }>('SELECT id FROM models WHERE id = ANY ($1::int[])', [
      [...known],
    ]);
    for (const { id } of rows) known.delete(id);
    for (const [versionId, version] of this.byVersion) {
      const { model, target } = version;
      if (!known.has(model.id)) continue;
      this.deleted.add(model.id);
      this.byVersion.delete(versionId);
      this.readAt.delete(versionId);
      // One of the same name may have come in its place.
      const named = this.byName.get(model.name);
      if (named?.get(target.version) === version) named.delete(target.version);
      if (named?.size === 0) this.byName.delete(model.name);
      if (this.newest.get(model.name) === target) this.newest.delete(model.name);
    }
  }

  private async readVersions(ids: readonly number[], on: Queryable = this.pool): Promise<void> {
    if (ids.length === 0) return;
    const { rows } = await on.query<VersionRow>(
      `SELECT v.id AS version_id, v.version, v.baseline_id, b.inherited_from, v.scheme_id, v.created_at AS version_created_at,
              m.id AS model_id, m.name, m.task, m.positive_class, m.classes, m.only_configured, m.error_reasons, m.declared, m.created_at,
              greatest(m.changed_epoch, v.changed_epoch) AS changed_epoch,
              f.id AS feature_set_id, f.names, f.num_names, s.payload AS scheme, s.counting, s.counted_from,
              (SELECT json_agg(json_build_array(id, key, value) ORDER BY id) FROM segments WHERE model_id = m.id) AS segments
       FROM model_versions v
       JOIN models m ON m.id = v.model_id
       JOIN LATERAL (SELECT id, names, num_names FROM feature_sets WHERE version_id = v.id ORDER BY cardinality(names) DESC LIMIT 1) f ON true
       JOIN bin_schemes s ON s.id = v.scheme_id
       LEFT JOIN baselines b ON b.id = v.baseline_id
       -- A dictionary is the model's: a version that was not asked for must learn of it, too.
       WHERE m.id IN (SELECT model_id FROM model_versions WHERE id = ANY ($1::int[]))
       ORDER BY v.id`,
      [ids],
    );
    for (const row of rows) if (!this.isOutdated(row)) this.take(row);
  }

  /**
   * Several read at once, on connections of their own, and what was looked at first may come last: taken, it would have rows counted
   * without a segment or class, or under a scheme, that are known already. Dictionaries only grow, epochs too.
   */
  private isOutdated(row: VersionRow): boolean {
    if (this.deleted.has(row.model_id)) return true;
    const known = this.byVersion.get(row.version_id);
    if (known === undefined) return false;
    const { model, target } = known;
    return (
      Number(row.changed_epoch) < this.readAt.get(row.version_id)! ||
      row.names.length < target.features.length ||
      row.classes.length < model.classes.length ||
      row.classes.length - row.only_configured.length < namedClasses(model).length ||
      row.error_reasons.length < model.errorReasons.length ||
      (row.segments ?? []).length < model.segments.size
    );
  }

  private take(row: VersionRow): void {
    const model = this.modelOf(row);
    const scheme = this.schemes.get(row.scheme_id) ?? parseScheme(row.scheme_id, row.scheme);
    this.schemes.set(row.scheme_id, scheme);
    const stored = parseCounting(row.counting);
    this.countings.set(row.scheme_id, stored);
    const wanted = wantedCounting(model.settings, learntOf(row));
    const target: ModelTarget = {
      modelId: model.id,
      versionId: row.version_id,
      model: model.name,
      version: row.version,
      ...countedAs(stored ?? wanted, model),
      ...this.shared.features(row.names, row.num_names),
      classCodes: this.shared.codesOf(model.classes, 0),
      onlyConfigured: this.shared.setOf(model.onlyConfigured),
      errorCodes: this.shared.codesOf(model.errorReasons, 1),
      featureSetId: row.feature_set_id,
      scheme,
      countedFromMs: row.counted_from?.getTime() ?? -Infinity,
      rawSample: ownBaselineIsDue(model.settings, row) ? 1 : model.settings.rawSample,
      declaredCategorical: new Set(
        [...model.settings.features].filter(([, declared]) => declared.type === 'categorical').map(([name]) => name),
      ),
    };
    const entry: CatalogVersion = {
      model,
      target,
      baselineId: row.baseline_id,
      inheritedFrom: row.inherited_from,
      createdAtMs: row.version_created_at.getTime(),
      wanted,
      countsAsWanted: stored !== null && isSameCounting(stored, wanted),
    };
    this.byVersion.set(row.version_id, entry);
    this.readAt.set(row.version_id, Number(row.changed_epoch));
    let versions = this.byName.get(model.name);
    if (versions === undefined) this.byName.set(model.name, (versions = new Map<string, CatalogVersion>()));
    versions.set(row.version, entry);
    this.newest.set(model.name, target);
  }

  private modelOf(row: VersionRow): CatalogModel {
    const settings = effectiveSettings(this.settings(), row.name, row.declared);
    const { task, positiveClass } = wantedCounting(settings, learntOf(row));
    return {
      id: row.model_id,
      name: row.name,
      storedTask: row.task,
      task,
      positiveClassName: positiveClass,
      classes: row.classes,
      onlyConfigured: row.only_configured,
      errorReasons: row.error_reasons,
      segments: new Map((row.segments ?? []).map(([id, key, value]) => [id, { key, value }])),
      declared: row.declared,
      settings,
      createdAtMs: row.created_at.getTime(),
    };
  }
}

interface VersionRow {
  readonly version_id: number;
  readonly version: string;
  readonly baseline_id: number | null;
  readonly inherited_from: number | null;
  readonly scheme_id: number;
  readonly version_created_at: Date;
  readonly model_id: number;
  readonly name: string;
  readonly task: KnownOrUnknownTask;
  readonly positive_class: string | null;
  readonly classes: string[];
  readonly only_configured: string[];
  readonly error_reasons: string[];
  readonly segments: readonly (readonly [id: number, key: string, value: string])[] | null;
  readonly declared: ModelDeclaration;
  readonly created_at: Date;
  /** A bigint, as text. */
  readonly changed_epoch: string;
  readonly feature_set_id: number;
  readonly names: string[];
  readonly num_names: string[];
  readonly scheme: unknown;
  readonly counting: StoredCounting | null;
  readonly counted_from: Date | null;
}

function learntOf(row: VersionRow): LearntOutcome {
  const { task, positive_class: positiveClass, classes, only_configured: onlyConfigured } = row;
  return { task, positiveClass, classes, onlyConfigured };
}

/** Whether the first predictions are to become the baseline, and have not yet: until then all of them are kept whole. */
function ownBaselineIsDue({ baseline: { mode } }: ModelSettings, row: VersionRow): boolean {
  return mode !== 'reference' && mode !== 'captured' && (row.baseline_id === null || row.inherited_from !== null);
}
