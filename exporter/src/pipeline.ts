import { recordNotification } from './alerting/record-notification.ts';
import type { RecordDependencies, RecordReply } from './alerting/record-notification.ts';
import type { BusinessMetricsReply, BusinessValue, RawBusinessValue } from './domain/business-metric.ts';
import type { Clock } from './domain/clock.ts';
import type {
  DecodedRows,
  ForeignReply,
  GroundTruthReply,
  PredictionsReply,
  RawGroundTruth,
  RawPrediction,
} from './domain/prediction.ts';
import type { KeyedHalf } from './domain/prediction-half.ts';
import type { RowError } from './domain/row-error.ts';
import { ServiceError } from './domain/service-error.ts';
import { acceptBusinessMetrics } from './intake/accept-business-metrics.ts';
import { acceptGroundTruth } from './intake/accept-ground-truth.ts';
import type { AcceptedLabel } from './intake/accept-ground-truth.ts';
import { acceptPredictions } from './intake/accept-predictions.ts';
import type { AcceptedPredictions, TargetCatalog } from './intake/accept-predictions.ts';
import type { HalfJoiner } from './intake/join-halves.ts';

/** What intake counts for the exporter's own metrics. */
export interface IntakeMeter {
  accepted(kind: IntakeKind, rows: number): void;
  duplicates(kind: IntakeKind, rows: number): void;
  rejected(kind: IntakeKind, reason: string, rows: number): void;
}
export type IntakeKind = 'prediction' | 'ground_truth';

export interface IntakeDependencies {
  readonly clock: Clock;
  readonly meter: IntakeMeter;
  readonly catalog: TargetCatalog & { ensureModel(name: string, classes: ReadonlySet<string>): Promise<number> };
  readonly predictions: {
    append(batch: AcceptedPredictions['batch']): Promise<{ readonly stored: Uint8Array | null }>;
  };
  readonly groundTruth: {
    append(
      rows: readonly (AcceptedLabel & { readonly modelId: number })[],
      nowMs: number,
    ): Promise<Pick<GroundTruthReply, 'joined' | 'waiting' | 'updated' | 'duplicates'>>;
  };
  readonly limits: () => { readonly rows: number; readonly features: number };
  readonly retentionMs: () => number;
}

/** Predictions come in: validated, counted, and stored with what they count, before the reply. */
export async function onPredictions(
  decoded: DecodedRows<RawPrediction>,
  deps: IntakeDependencies,
): Promise<PredictionsReply> {
  const limits = deps.limits();
  const { batch, errors, madeIds } = await acceptPredictions(decoded, {
    catalog: deps.catalog,
    clock: deps.clock,
    retentionMs: deps.retentionMs(),
    maxRows: limits.rows,
    maxFeatures: limits.features,
  });
  const { stored } = await deps.predictions.append(batch);
  const accepted = stored === null ? batch.rows : stored.reduce((sum, one) => sum + one, 0);
  count(deps.meter, 'prediction', accepted, batch.rows - accepted, errors);
  const reply = { accepted, duplicates: batch.rows - accepted, rejected: errors.length, errors };
  return madeIds.length === 0 ? reply : { ...reply, ids: madeIds };
}

/** Labels come in: validated, stored, and joined to their predictions where those are known. */
export async function onGroundTruth(
  decoded: DecodedRows<RawGroundTruth>,
  deps: IntakeDependencies,
): Promise<GroundTruthReply> {
  const { labels, errors } = acceptGroundTruth(decoded, deps.clock, deps.limits().rows);
  const classes = new Map<string, Set<string>>();
  for (const { model, className } of labels) {
    const known = classes.get(model) ?? new Set();
    if (className !== null) known.add(className);
    classes.set(model, known);
  }
  const ids = new Map<string, number>();
  const refused = new Map<string, string>();
  for (const [model, names] of classes) {
    try {
      ids.set(model, await deps.catalog.ensureModel(model, names));
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'invalid') throw error;
      refused.set(model, error.message);
    }
  }
  const rows = labels.flatMap((label) => {
    const modelId = ids.get(label.model);
    return modelId === undefined ? [] : [{ ...label, modelId }];
  });
  const all: RowError[] = [...errors];
  for (const { index, model } of labels) {
    const detail = refused.get(model);
    if (detail !== undefined) all.push({ index, pointer: '/model', detail });
  }
  const counts = await deps.groundTruth.append(rows, deps.clock.now());
  count(deps.meter, 'ground_truth', rows.length - counts.duplicates, counts.duplicates, all);
  return { ...counts, rejected: all.length, errors: all };
}

/** Figures of the business come in: validated and stored; the weekly reports set them beside the health of their model. */
export async function onBusinessMetrics(
  decoded: DecodedRows<RawBusinessValue>,
  deps: Pick<IntakeDependencies, 'clock' | 'limits'> & {
    readonly business: {
      append(values: readonly BusinessValue[]): Promise<Omit<BusinessMetricsReply, 'rejected'>>;
    };
  },
): Promise<BusinessMetricsReply> {
  const { values, errors } = acceptBusinessMetrics(decoded, deps.clock, deps.limits().rows);
  const stored = await deps.business.append(values);
  const all = [...errors, ...stored.errors].sort((a, b) => a.index - b.index);
  return { ...stored, rejected: all.length, errors: all };
}

/** What the events of a foreign format turned out to be. */
export interface ForeignIntake {
  readonly halves: readonly KeyedHalf[];
  readonly predictions: readonly RawPrediction[];
  readonly labels: readonly RawGroundTruth[];
  readonly errors: readonly RowError[];
}

/** Events of a foreign format come in: halves wait for each other in the database, whole predictions and labels go the usual way. */
export async function onForeignEvents(
  source: string,
  events: ForeignIntake,
  joiner: Pick<HalfJoiner, 'take'>,
  deps: IntakeDependencies,
): Promise<ForeignReply> {
  const receivedAtMs = deps.clock.now();
  const { rows: most } = deps.limits();
  const fits = ({ half }: KeyedHalf) => (half.side === 'request' ? half.inputs.rows : half.outcomes).length <= most;
  const halves = events.halves.filter(fits);
  const tooMany = events.halves
    .filter((half) => !fits(half))
    .map(({ index }): RowError => ({ index, pointer: '', detail: `more than ${most} rows are not allowed` }));
  await joiner.take(halves.map(({ key, half }) => ({ source, key, half, receivedAtMs })));
  const none = { accepted: 0, duplicates: 0, errors: [] };
  const predictions =
    events.predictions.length === 0 ? none : await onPredictions({ rows: events.predictions, errors: [] }, deps);
  const labels =
    events.labels.length === 0
      ? { joined: 0, waiting: 0, updated: 0, duplicates: 0, errors: [] }
      : await onGroundTruth({ rows: events.labels, errors: [] }, deps);
  const unread = [...events.errors, ...tooMany];
  for (const { pointer } of unread) deps.meter.rejected('prediction', reasonOf(pointer), 1);
  const errors = [...unread, ...predictions.errors, ...labels.errors].sort((a, b) => a.index - b.index);
  return {
    accepted: halves.length + predictions.accepted + labels.joined + labels.waiting + labels.updated,
    duplicates: predictions.duplicates + labels.duplicates,
    rejected: errors.length,
    errors,
  };
}

function count(
  meter: IntakeMeter,
  kind: IntakeKind,
  accepted: number,
  duplicates: number,
  errors: readonly RowError[],
): void {
  if (accepted > 0) meter.accepted(kind, accepted);
  if (duplicates > 0) meter.duplicates(kind, duplicates);
  for (const { pointer } of errors) meter.rejected(kind, reasonOf(pointer), 1);
}

/** The key at fault, of the few that there are: a label value that senders cannot multiply. */
function reasonOf(pointer: string): string {
  const key = /^\/([a-z_]+)/.exec(pointer)?.[1] ?? '';
  return KNOWN_KEYS.has(key) ? key : 'row';
}

const KNOWN_KEYS: ReadonlySet<string> = new Set([
  'model',
  'version',
  'prediction_id',
  'timestamp',
  'features',
  'prediction',
  'score',
  'scores',
  'latency_ms',
  'error',
  'segment',
  'label',
]);

/** Alertmanager tells of alerts: they become history, once each; those whose rule says `retrain="true"` have the triggers looked at. */
export function onAlertNotification(message: unknown, deps: RecordDependencies): Promise<RecordReply> {
  return recordNotification(message, deps);
}

/** The parts of a tick, in the order of their names. */
export interface TickDependencies {
  /** Applies what was committed; false while another replica holds the lease. */
  catchUp(): Promise<boolean>;
  /** First predictions of new models become their baselines; false when the lease was lost meanwhile. */
  captureBaselines(): Promise<boolean>;
  /** Evaluates what changed, and publishes it. */
  evaluate(): Promise<void>;
  /** Once a minute of the models' clock: stores evaluations, and judges alerts by them. */
  store(): Promise<void>;
  /** Once a minute: joins waiting labels, folds, keeps partitions. */
  maintain(): Promise<void>;
  /** Another replica evaluates: ours must publish nothing of the models. */
  standBy(): Promise<void>;
}

/** Time passes: statistics catch up, models are evaluated, their series published. */
export async function onTick(deps: TickDependencies): Promise<void> {
  if (!(await deps.catchUp()) || !(await deps.captureBaselines())) {
    await deps.standBy();
    return;
  }
  await deps.evaluate();
  await deps.store();
  await deps.maintain();
}
