import type { BaselineRow } from '../domain/baseline.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { FeatureSettings } from '../domain/settings.ts';
import type { Label } from '../histogram/count-label.ts';
import type { FeatureKind } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { ReferenceBatch } from './spool.ts';

/** What the first rows of an upload say of its columns. */
export interface UploadColumns {
  /** Features to read, with their kinds, in order. */
  readonly features: ReadonlyMap<string, FeatureKind>;
  /** Classes named by score columns. */
  readonly classes: ReadonlySet<string>;
  /** Columns that are no declared feature. */
  readonly ignored: readonly string[];
}

const MAX_NAME_LENGTH = 200;
/** PostgreSQL holds no NUL, and of half a surrogate pair it would make another name. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;
/** As at intake. */
const MAX_TEXT_LENGTH = 1_000;
const MISSING_WORDS: ReadonlySet<string> = new Set(['', 'nan', 'na', 'n/a', 'null', 'none']);

/**
 * With declared features only those are read; with none every other column is a feature. Kinds are the declared ones, else those under
 * which the model's predictions were registered, else numeric when every value of the first rows that is not missing is a number.
 * Throws ServiceError invalid for a name that cannot be registered.
 */
export function inferColumns(
  rows: readonly BaselineRow[],
  declared: ReadonlyMap<string, FeatureSettings>,
  known: ModelTarget | undefined,
): UploadColumns {
  const names = new Set<string>();
  const classes = new Set<string>();
  for (const row of rows) {
    for (const name of Object.keys(row.features)) names.add(name);
    for (const name of Object.keys(row.scores ?? {})) classes.add(name);
  }
  for (const name of names) checkFeatureName(name);
  for (const name of classes) checkClassName(name);
  const features = new Map<string, FeatureKind>();
  const ignored: string[] = [];
  for (const name of names) {
    if (declared.size > 0 && !declared.has(name)) {
      ignored.push(name);
      continue;
    }
    features.set(name, declared.get(name)?.type ?? known?.featureByName.get(name)?.kind ?? inferKind(rows, name));
  }
  return { features, classes, ignored };
}

/** The rules of intake: a feature is a key of objects, a class is a text like any other. */
function checkFeatureName(name: string): void {
  if (name === '__proto__') throw badName('feature', name, ', and not __proto__');
  if (isBadName(name)) throw badName('feature', name);
}

function checkClassName(name: string): void {
  if (isBadName(name)) throw badName('class', name);
}

function isBadName(name: string): boolean {
  return name === '' || name.length > MAX_NAME_LENGTH || UNSTORABLE.test(name);
}

function badName(what: string, name: string, more = ''): ServiceError {
  return new ServiceError(
    'invalid',
    `The reference data names a ${what} ${JSON.stringify(name.slice(0, 40))}; a name is Unicode text of 1 to ${MAX_NAME_LENGTH} characters, without NUL${more}.`,
  );
}

function inferKind(rows: readonly BaselineRow[], name: string): FeatureKind {
  let seen = false;
  for (const row of rows) {
    const value = row.features[name];
    if (isMissing(value)) continue;
    seen = true;
    if (Number.isNaN(toNumber(value))) return 'categorical';
  }
  return seen ? 'numeric' : 'categorical';
}

/**
 * Rows of an upload laid out as predictions of `target`. CSV brings text, NDJSON brings JSON values; both are read.
 *
 * @param timeMs of rows without a time of their own
 */
export function layOut(rows: readonly BaselineRow[], target: ModelTarget, timeMs = NaN): ReferenceBatch {
  const count = rows.length;
  const numbers = new Float64Array(count * target.numericCount).fill(NaN);
  const texts = new Array<string | null>(count * target.categoricalCount).fill(null);
  const predictions = new Float64Array(count).fill(NaN);
  const classes = new Array<string | null>(count).fill(null);
  const scores = new Float64Array(count).fill(NaN);
  const classScores = new Array<readonly number[] | null>(count).fill(null);
  const latencyMs = new Float32Array(count).fill(NaN);
  const errors = new Array<string | null>(count).fill(null);
  const invalid = new Array<readonly number[] | null>(count).fill(null);
  const labels = new Array<Label | null>(count).fill(null);
  rows.forEach((row, i) => {
    invalid[i] = layOutFeatures(row, target, numbers, i * target.numericCount, texts, i * target.categoricalCount);
    const outcome = readOutcome(row.prediction, target);
    predictions[i] = outcome.value;
    classes[i] = outcome.className;
    scores[i] = toNumber(row.score);
    classScores[i] = row.scores === undefined ? null : scoresByCode(row.scores, target);
    latencyMs[i] = toLatency(row.latencyMs);
    errors[i] = isMissing(row.error) ? null : (textOf(row.error) ?? 'unknown');
    labels[i] = isMissing(row.label) ? null : readOutcome(row.label, target);
  });
  const perRow = (width: number) => Int32Array.from({ length: count + 1 }, (_, i) => i * width);
  return {
    batch: {
      rows: count,
      targets: new Array<ModelTarget>(count).fill(target),
      index: Int32Array.from({ length: count }, (_, i) => i),
      timeMs: Float64Array.from(rows, ({ timestamp }) => (isMissing(timestamp) ? timeMs : toTime(timestamp))),
      ids: Buffer.alloc(0),
      idTexts: [],
      stamped: new Uint8Array(count),
      predictions,
      classes,
      scores,
      classScores,
      latencyMs,
      errors,
      segments: [],
      numbers,
      numberAt: perRow(target.numericCount),
      texts,
      textAt: perRow(target.categoricalCount),
      invalid,
    },
    labels,
  };
}

function layOutFeatures(
  row: BaselineRow,
  target: ModelTarget,
  numbers: Float64Array,
  numberAt: number,
  texts: (string | null)[],
  textAt: number,
): number[] | null {
  let wrong: number[] | null = null;
  for (const { name, kind, position, column } of target.features) {
    const value = row.features[name];
    if (isMissing(value)) continue;
    const text = kind === 'categorical' ? textOf(value) : null;
    if (text !== null) texts[textAt + position] = text;
    else {
      const number = kind === 'numeric' ? toNumber(value) : NaN;
      if (Number.isNaN(number)) (wrong ??= []).push(column);
      else numbers[numberAt + position] = number;
    }
  }
  return wrong;
}

/** A class, a value, or both: the rules of intake, with numbers in text read as numbers (a CSV knows no other). */
function readOutcome(value: unknown, target: ModelTarget): Label {
  if (isMissing(value)) return { className: null, value: NaN };
  const number = toNumber(value);
  if (!Number.isNaN(number)) {
    const isClass = target.task !== 'regression' && Number.isSafeInteger(number);
    return { className: isClass ? String(number) : null, value: number };
  }
  if (typeof value !== 'string' && typeof value !== 'boolean')
    throw new ServiceError(
      'invalid',
      'A prediction or label of the reference data is neither a number, a string nor a boolean.',
    );
  const className = String(value);
  checkClassName(className);
  return { className, value: NaN };
}

function scoresByCode(scores: Readonly<Record<string, unknown>>, target: ModelTarget): number[] {
  const byCode = new Array<number>(target.classCodes.size).fill(NaN);
  for (const [name, score] of Object.entries(scores)) {
    const code = target.classCodes.get(name);
    if (code !== undefined) byCode[code] = toNumber(score);
  }
  return byCode;
}

function isMissing(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    // Only one of Object.prototype's, met by a feature named like it: the row has no such key.
    typeof value === 'function' ||
    (typeof value === 'string' && MISSING_WORDS.has(value.trim().toLowerCase()))
  );
}

/** null for what is neither text, number nor boolean, and for text that intake would refuse. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value.length > MAX_TEXT_LENGTH || UNSTORABLE.test(value) ? null : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** Milliseconds; NaN for what intake would refuse: negative, or not finite as float32. */
function toLatency(value: unknown): number {
  const latency = Math.fround(toNumber(value));
  return latency >= 0 && latency < Infinity ? latency : NaN;
}

/** Epoch milliseconds; text is RFC 3339, and UTC where it has no zone. NaN for what is no time. */
function toTime(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return NaN;
  const text = value.trim();
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return Date.parse(DATE_TIME.test(text) ? `${text.replace(' ', 'T')}Z` : text);
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/;

/** NaN for what is no number. */
function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return NaN;
  const text = value.trim();
  return text === '' ? NaN : Number(text);
}
