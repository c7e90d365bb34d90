import type { DatasetFacts, DatasetFeature } from '../domain/retraining.ts';
import type { TrainingDataSettings } from '../domain/retraining-settings.ts';
import { PartWriter } from './snapshot-parts.ts';

/** A row of the database, as it is exported. */
export interface SourceRow {
  readonly id: string;
  readonly timeMs: number;
  readonly version: string;
  readonly features: Readonly<Record<string, number | string | null>>;
  readonly labelClass: string | null;
  readonly labelValue: number | null;
  readonly predictedClass: string | null;
  readonly predictedValue: number | null;
  readonly score: number | null;
  /** Probability that was given to the class that came true; null without scores by class. */
  readonly likelihood: number | null;
}

export interface SnapshotSource {
  survey(
    range: { readonly modelId: number; readonly fromMs: number; readonly toMs: number },
    maxRows: number,
    shares: readonly number[],
  ): Promise<{
    readonly rows: number;
    readonly predictions: number;
    readonly fromMs: number;
    readonly cutsMs: readonly number[];
  }>;
  readLabelled(
    range: { readonly modelId: number; readonly fromMs: number; readonly toMs: number },
    onRows: (rows: readonly SourceRow[]) => Promise<void>,
  ): Promise<void>;
}

export type PreparedPart = 'train' | 'test' | 'holdout' | 'truth';

/** A line of `train` and `test`. */
export interface TrainingLine {
  readonly id: string;
  readonly t: string;
  readonly features: Readonly<Record<string, number | string | null>>;
  readonly label: string | number;
}

/** A line of `truth`: never leaves the exporter. */
export interface TruthLine {
  readonly id: string;
  readonly y: string | number;
  /** What the champion answered. */
  readonly p: string | number | null;
  readonly s: number | null;
  readonly l: number | null;
}

export interface PrepareRequest {
  readonly modelId: number;
  readonly champion: string;
  readonly task: 'binary' | 'multiclass' | 'regression';
  readonly positiveClass: string | null;
  readonly settings: TrainingDataSettings;
  readonly nowMs: number;
  readonly store: (part: PreparedPart, piece: number, bytes: Buffer) => Promise<void>;
  readonly signal: AbortSignal;
}

export type Prepared =
  | { readonly kind: 'prepared'; readonly dataset: DatasetFacts }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** A feature with more missing values than this is worth a word. */
const MANY_MISSING = 0.5;

/**
 * Takes a snapshot of labelled rows and splits it by time: the oldest to train, then to test, the newest withheld for the gate. The
 * holdout has only rows that the champion answered, so that both can be compared on the same ones; its labels go into a part of their own.
 *
 * Refused: too few rows, too few of them labelled, one class only, a class of the later parts that the training part lacks.
 */
export async function prepareData(request: PrepareRequest, source: SnapshotSource): Promise<Prepared> {
  const { modelId, settings, nowMs, task } = request;
  const trainShare = 1 - settings.testShare - settings.holdoutShare;
  const survey = await source.survey({ modelId, fromMs: nowMs - settings.windowMs, toMs: nowMs }, settings.maxRows, [
    trainShare,
    1 - settings.holdoutShare,
  ]);
  if (survey.rows < settings.minRows)
    return refused(
      'too_few_rows',
      `There are ${survey.rows} labelled rows; retraining.data.min_rows asks for ${settings.minRows}.`,
    );
  const labelCoverage = survey.rows / Math.max(survey.predictions, survey.rows);
  if (labelCoverage < settings.minLabelCoverage)
    return refused(
      'too_few_labels',
      `Only ${percent(labelCoverage)} of the predictions have ground truth; retraining.data.min_label_coverage asks for ${percent(settings.minLabelCoverage)}.`,
    );
  const [trainEndMs, testEndMs] = survey.cutsMs as [number, number];
  const range = { modelId, fromMs: survey.fromMs, toMs: nowMs };
  const writers = {
    train: writer(request, 'train'),
    test: writer(request, 'test'),
    holdout: writer(request, 'holdout'),
    truth: writer(request, 'truth'),
  };
  const quality = new Quality(task);
  await source.readLabelled(range, async (rows) => {
    request.signal.throwIfAborted();
    const usable = rows.filter((row) => labelOf(row, task) !== null);
    const train = usable.filter(({ timeMs }) => timeMs < trainEndMs);
    const test = usable.filter(({ timeMs }) => timeMs >= trainEndMs && timeMs < testEndMs);
    const holdout = usable.filter(({ timeMs, version }) => timeMs >= testEndMs && version === request.champion);
    quality.add(train, test, holdout);
    await writers.train.write(train.map((row) => trainingLine(row, task)));
    await writers.test.write(test.map((row) => trainingLine(row, task)));
    await writers.holdout.write(holdout.map(({ id, timeMs, features }) => ({ id, t: iso(timeMs), features })));
    await writers.truth.write(holdout.map((row) => truthLine(row, task)));
  });
  const parts = {
    train: await writers.train.end(),
    test: await writers.test.end(),
    holdout: await writers.holdout.end(),
  };
  await writers.truth.end();
  const problem = quality.problem();
  if (problem !== null) return problem;
  const dataset: DatasetFacts = {
    rows: parts.train.rows + parts.test.rows + parts.holdout.rows,
    task,
    positiveClass: request.positiveClass,
    classes: quality.classes,
    features: quality.features,
    parts,
    fromMs: survey.fromMs,
    trainEndMs,
    testEndMs,
    toMs: nowMs,
    labelCoverage,
    warnings: quality.warnings,
  };
  return { kind: 'prepared', dataset };
}

function writer({ store }: PrepareRequest, part: PreparedPart): PartWriter {
  return new PartWriter((piece, bytes) => store(part, piece, bytes));
}

function labelOf({ labelClass, labelValue }: SourceRow, task: PrepareRequest['task']): string | number | null {
  return task === 'regression' ? labelValue : labelClass;
}

function trainingLine(row: SourceRow, task: PrepareRequest['task']): TrainingLine {
  return { id: row.id, t: iso(row.timeMs), features: row.features, label: labelOf(row, task)! };
}

function truthLine(row: SourceRow, task: PrepareRequest['task']): TruthLine {
  const p = task === 'regression' ? row.predictedValue : row.predictedClass;
  return { id: row.id, y: labelOf(row, task)!, p, s: row.score, l: row.likelihood };
}

/** What is counted while the rows go by. */
class Quality {
  private readonly task: PrepareRequest['task'];
  private readonly seen = new Map<string, { readonly kind: 'numeric' | 'categorical'; values: number }>();
  private readonly trained = new Map<string | number, number>();
  private readonly later = new Set<string | number>();
  private rows = 0;

  constructor(task: PrepareRequest['task']) {
    this.task = task;
  }

  add(train: readonly SourceRow[], ...others: readonly (readonly SourceRow[])[]): void {
    for (const row of train) {
      this.rows++;
      const label = labelOf(row, this.task)!;
      // Of a regression two values are enough to know that it is not constant.
      if (this.task !== 'regression' || this.trained.size < 2)
        this.trained.set(label, (this.trained.get(label) ?? 0) + 1);
      for (const [name, value] of Object.entries(row.features)) this.count(name, value);
    }
    if (this.task !== 'regression')
      for (const rows of others) for (const row of rows) this.later.add(labelOf(row, this.task)!);
  }

  private count(name: string, value: number | string | null): void {
    if (value === null) return;
    const known = this.seen.get(name);
    if (known === undefined)
      this.seen.set(name, { kind: typeof value === 'number' ? 'numeric' : 'categorical', values: 1 });
    else known.values++;
  }

  get classes(): readonly string[] {
    return this.task === 'regression' ? [] : [...this.trained.keys()].map(String).sort();
  }

  get features(): readonly DatasetFeature[] {
    return [...this.seen].map(([name, { kind, values }]) => ({ name, kind, missing: 1 - values / this.rows }));
  }

  get warnings(): readonly string[] {
    return this.features
      .filter(({ missing }) => missing > MANY_MISSING)
      .map(({ name, missing }) => `${name} is missing in ${percent(missing)} of the training rows`);
  }

  problem(): Prepared | null {
    if (this.seen.size === 0) return refused('no_features', 'No row has a feature.');
    if (this.trained.size < 2) return refused('one_class', 'All training rows have the same label.');
    const unseen = [...this.later].filter((label) => !this.trained.has(label));
    if (unseen.length > 0)
      return refused('unseen_class', `${unseen.length} classes of the newest rows do not occur in the training rows.`);
    return null;
  }
}

function refused(code: string, message: string): Prepared {
  return { kind: 'refused', code, message };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
