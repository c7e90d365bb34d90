import type { BaselineDescription, BaselineFeatureSummary, BaselineRow, DesignEffects } from '../domain/baseline.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { ModelSettings } from '../domain/settings.ts';
import { BASELINE_CHUNKS } from '../histogram/bucket-codec.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import type { BinScheme, FeatureKind } from '../histogram/model-columns.ts';
import type { ModelTarget, TargetWant } from '../histogram/model-target.ts';
import { buildScheme, countBaseline, countChunks, learnModel } from './build-baseline.ts';
import type { LearntModel } from './build-baseline.ts';
import { designEffects } from './design-effects.ts';
import { isLaidOutLike, provisionalTarget } from './provisional-target.ts';
import { inferColumns, layOut } from './reference-rows.ts';
import type { UploadColumns } from './reference-rows.ts';
import { Spool } from './spool.ts';
import type { ReferenceBatch } from './spool.ts';

/** A baseline that is ready to take over. */
export interface Activation {
  readonly target: ModelTarget;
  readonly kind: 'reference' | 'captured';
  /** Id of the baseline of another version that it is a copy of; null: its own. */
  readonly inheritedFrom: number | null;
  readonly madeAtMs: number;
  /** Rows of a captured baseline lie in [fromMs, toMs); null for an upload. */
  readonly captured: { readonly fromMs: number; readonly toMs: number } | null;
  readonly learnt: LearntModel;
  readonly scheme: Omit<BinScheme, 'id'>;
  readonly counts: BucketCounts;
  /** In equal parts, for models whose thresholds calibrate themselves; else empty. */
  readonly chunks: readonly BucketCounts[];
  readonly designEffects: readonly DesignEffects[];
  readonly rows: number;
  readonly summaries: readonly BaselineFeatureSummary[];
  readonly ignoredColumns: readonly string[];
}

export interface BaselineDependencies {
  find(model: string, version: string): ModelTarget | undefined;
  /** Any version of the model. */
  findAny(model: string): ModelTarget | undefined;
  ensure(wants: readonly TargetWant[]): Promise<void>;
  /** What baselines of other versions of the model made of what it answers; undefined: there are none, or they could not tell. */
  learntByOthers(model: string, version: string): Omit<LearntModel, 'classes'> | undefined;
  settingsOf(model: string): ModelSettings;
  activate(activation: Activation): Promise<BaselineDescription>;
  /** Stored predictions of [fromMs, toMs) by time, the first `limit` of them. */
  stored(
    target: ModelTarget,
    fromMs: number,
    toMs: number,
    limit: number,
    onBatch: (rows: ReferenceBatch) => void,
  ): Promise<number>;
  now(): number;
  maxCategories(): number;
  maxFeatures(): number;
  /** Of temporary disk, for the rows of one baseline. */
  maxSpoolBytes(): number;
}

const FIRST_LOOK_ROWS = 2_000;
const CHUNK_ROWS = 2_000;
/** Fewer rows make no distribution to compare with. */
const MIN_ROWS = 20;

/**
 * A reference data set becomes the baseline. Streams: never more than 100,000 rows in memory. Nothing is registered or stored before the
 * last row was read.
 */
export async function uploadBaseline(
  model: string,
  version: string,
  rows: AsyncIterable<BaselineRow>,
  deps: BaselineDependencies,
): Promise<BaselineDescription> {
  const spool = new Spool(deps.maxSpoolBytes());
  try {
    const settings = deps.settingsOf(model);
    let provisional: ModelTarget | undefined;
    let columns: UploadColumns | undefined;
    for await (const chunk of chunked(rows, FIRST_LOOK_ROWS, CHUNK_ROWS)) {
      if (provisional === undefined) {
        const known = deps.find(model, version);
        columns = inferColumns(chunk, settings.features, known);
        provisional = provisionalTarget(model, version, columns, settings.task, known, deps.findAny(model));
        if (provisional.features.length > deps.maxFeatures())
          throw new ServiceError(
            'invalid',
            `${provisional.features.length} features are more than limits.features (${deps.maxFeatures()}) allows.`,
          );
      }
      spool.add(layOut(chunk, provisional));
    }
    if (provisional === undefined || columns === undefined)
      throw new ServiceError('invalid', 'The reference data has no rows.');
    requireRows(spool);
    await deps.ensure([
      { model, version, features: columns.features, classes: columns.classes, errorReasons: new Set() },
    ]);
    const target = deps.find(model, version);
    if (target === undefined || !isLaidOutLike(provisional, target))
      throw new ServiceError('conflict', `Model ${model} was changed during the upload; send it again.`);
    const present = new Set(columns.features.keys());
    return await finish(
      spool,
      target,
      present,
      { kind: 'reference', captured: null, ignoredColumns: columns.ignored },
      deps,
    );
  } finally {
    spool.close();
  }
}

/** Stored predictions become the baseline; they stay in their windows, too. `limit` Infinity: all of the range. */
export async function captureBaseline(
  model: string,
  version: string,
  range: { readonly fromMs: number; readonly toMs: number; readonly limit: number },
  deps: BaselineDependencies,
): Promise<BaselineDescription> {
  const target = deps.find(model, version);
  if (target === undefined)
    throw new ServiceError('not_found', `There is no model ${model} with version "${version}".`);
  const spool = new Spool(deps.maxSpoolBytes());
  try {
    await deps.stored(target, range.fromMs, range.toMs, range.limit, (rows) => {
      spool.add(rows);
    });
    requireRows(spool);
    const captured = { fromMs: spool.firstMs, toMs: Number.isFinite(range.limit) ? spool.lastMs + 1 : range.toMs };
    const present = new Set(target.features.map(({ name }) => name));
    return await finish(spool, target, present, { kind: 'captured', captured, ignoredColumns: [] }, deps);
  } finally {
    spool.close();
  }
}

async function finish(
  spool: Spool,
  before: ModelTarget,
  present: ReadonlySet<string>,
  what: Pick<Activation, 'kind' | 'captured' | 'ignoredColumns'>,
  deps: BaselineDependencies,
): Promise<BaselineDescription> {
  const settings = deps.settingsOf(before.model);
  // A declared task may not be that of the version's scheme yet; and rows of one version do not turn round what others go by.
  const others = deps.learntByOthers(before.model, before.version);
  const declared = { ...before, task: settings.task ?? others?.task ?? before.task };
  const learnt = await learnModel(spool, declared, settings.positiveClass ?? others?.positiveClass ?? undefined);
  await deps.ensure([
    {
      modelId: before.modelId,
      model: before.model,
      version: before.version,
      features: new Map<string, FeatureKind>(),
      classes: learnt.classes,
      errorReasons: new Set(),
    },
  ]);
  const current = deps.find(before.model, before.version);
  if (current?.versionId !== before.versionId)
    throw new ServiceError('conflict', `Model ${before.model} was deleted meanwhile.`);
  const target: ModelTarget = {
    ...current,
    task: learnt.task,
    positiveClass: learnt.positiveClass === null ? -1 : (current.classCodes.get(learnt.positiveClass) ?? -1),
  };
  const { scheme, summaries } = await buildScheme(spool, target, present, settings.features, deps.maxCategories());
  const counting = { ...target, scheme: { id: 0, ...scheme } };
  const counts = await countBaseline(spool, counting, present);
  const chunks = settings.selfCalibrated ? await countChunks(spool, counting, present, BASELINE_CHUNKS) : [];
  const { windows, extraWindows } = settings;
  const effects = await designEffects(spool, counting, [
    windows.data_drift,
    windows.prediction_drift,
    ...extraWindows.data_drift,
    ...extraWindows.prediction_drift,
  ]);
  const { rows } = spool;
  return deps.activate({
    target,
    ...what,
    inheritedFrom: null,
    madeAtMs: deps.now(),
    learnt,
    scheme,
    counts,
    chunks,
    designEffects: effects,
    rows,
    summaries,
  });
}

function requireRows({ rows }: Spool): void {
  if (rows < MIN_ROWS)
    throw new ServiceError('invalid', `A baseline needs at least ${MIN_ROWS} rows, this one has ${rows}.`);
}

async function* chunked<T>(rows: AsyncIterable<T>, first: number, others: number): AsyncGenerator<T[]> {
  let chunk: T[] = [];
  let size = first;
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
    size = others;
  }
  if (chunk.length > 0) yield chunk;
}
