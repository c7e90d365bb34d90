import type { RowOutcome } from '../../domain/prediction-half.ts';
import type { ForeignOptions } from './foreign-events.ts';
import { isObject } from './parse-json.ts';

type Reading = Pick<ForeignOptions, 'classes' | 'output'>;

/** Keys under which servers answer, in order of preference. */
const PREDICTION_KEYS = ['prediction', 'predicted_label', 'label', 'class', 'predicted_class', 'result', 'output'];
const SCORE_KEYS = ['score', 'probability', 'confidence'];
const SCORES_KEYS = ['scores', 'probabilities', 'proba', 'predicted_proba'];
/** Scores are rounded on their way: they add up to 1 only so far. */
const SUM_TOLERANCE = 0.02;

/**
 * What a server answered for one row. A lonely value is the prediction (or, with `output` score, the score of the positive class); a
 * list of numbers is one per class, of which the greatest is predicted, and scores when they add up to 1; an object is read by its keys.
 */
export function outcomeOf(value: unknown, reading: Reading): RowOutcome {
  if (Array.isArray(value)) return ofList(value as readonly unknown[], null, reading);
  if (isObject(value)) return ofObject(value, reading);
  if (typeof value !== 'number' || reading.output === 'prediction') return { prediction: value };
  const { classes } = reading;
  return { prediction: value >= 0.5 ? (classes?.[1] ?? '1') : (classes?.[0] ?? '0'), score: value };
}

/** The same for values whose classes the answer names. */
export function outcomeOfClasses(values: readonly unknown[], names: readonly string[], reading: Reading): RowOutcome {
  return ofList(values, names, reading);
}

function ofList(values: readonly unknown[], names: readonly string[] | null, reading: Reading): RowOutcome {
  if (values.length === 0) return {};
  if (values.length === 1) return outcomeOf(values[0], reading);
  if (!values.every((value) => typeof value === 'number')) return {};
  const nameOf = (i: number) => reading.classes?.[i] ?? names?.[i] ?? String(i);
  const greatest = values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
  const sum = values.reduce((total, value) => total + value, 0);
  const areScores = Math.abs(sum - 1) <= SUM_TOLERANCE && values.every((value) => value >= 0);
  const scores = areScores ? { scores: Object.fromEntries(values.map((value, i) => [nameOf(i), value])) } : {};
  return { prediction: nameOf(greatest), ...scores };
}

function ofObject(value: Readonly<Record<string, unknown>>, reading: Reading): RowOutcome {
  const find = (keys: readonly string[]) => keys.map((key) => value[key]).find((one) => one !== undefined);
  const prediction = find(PREDICTION_KEYS);
  const score = find(SCORE_KEYS);
  const many = find(SCORES_KEYS);
  const ofScores: RowOutcome =
    Array.isArray(many) && many.length > 1
      ? ofList(many as readonly unknown[], null, reading)
      : isObject(many)
        ? ofList(Object.values(many), Object.keys(many), { ...reading, classes: null })
        : {};
  if (prediction !== undefined || score !== undefined || many !== undefined)
    return {
      ...ofScores,
      ...(typeof score === 'number' ? { score } : {}),
      ...(prediction === undefined ? {} : { prediction: single(prediction) }),
    };
  const values = Object.values(value);
  return values.length === 1
    ? outcomeOf(values[0], reading)
    : ofList(values, Object.keys(value), { ...reading, classes: null });
}

function single(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? (value as readonly unknown[])[0] : value;
}
