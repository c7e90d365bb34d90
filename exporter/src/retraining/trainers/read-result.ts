import type { TrainingResult } from '../../domain/retraining.ts';
import type { HoldoutPrediction } from './trainer.ts';

const MAX_METRICS = 100;

/** The candidate and metrics that a trainer tells of, or in words what is wrong with them. */
export function readResult(value: unknown, suggestedVersion: string): TrainingResult | string {
  if (!isObject(value)) return 'the result must be an object';
  const { candidate = {}, metrics = {} } = value;
  if (!isObject(candidate)) return 'candidate must be an object';
  const { version = suggestedVersion, uri = '', sha256 = null, framework = null } = candidate;
  if (!isText(version, 200) || version === '') return 'candidate.version must be text of 1 to 200 characters';
  if (!isText(uri, 2_000)) return 'candidate.uri must be text of at most 2000 characters';
  if (sha256 !== null && !(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)))
    return 'candidate.sha256 must be 64 hexadecimal digits, in lower case';
  if (framework !== null && !isText(framework, 200))
    return 'candidate.framework must be text of at most 200 characters';
  if (!isObject(metrics) || Object.keys(metrics).length > MAX_METRICS)
    return `metrics must be an object of at most ${MAX_METRICS} numbers`;
  const numbers = Object.entries(metrics).filter((entry): entry is [string, number] => Number.isFinite(entry[1]));
  if (numbers.length < Object.keys(metrics).length) return 'every metric must be a finite number';
  return { candidate: { version, uri, sha256, framework }, metrics: Object.fromEntries(numbers) };
}

/** A line of predictions of the holdout, or in words what is wrong with it. */
export function readPrediction(value: unknown): HoldoutPrediction | string {
  if (!isObject(value) || typeof value.id !== 'string') return 'a prediction needs the id of its row';
  const { id, prediction = null, score = null, scores = null } = value;
  if (typeof prediction === 'boolean') return readPrediction({ id, prediction: String(prediction), score, scores });
  if (
    prediction !== null &&
    typeof prediction !== 'string' &&
    !(typeof prediction === 'number' && Number.isFinite(prediction))
  )
    return 'prediction must be a class or a finite number';
  if (score !== null && !(typeof score === 'number' && score >= 0 && score <= 1))
    return 'score must be a number from 0 to 1';
  if (scores !== null && !isScores(scores)) return 'scores must have a number from 0 to 1 for each class';
  return { id, prediction, score, scores };
}

function isScores(value: unknown): value is Readonly<Record<string, number>> {
  return isObject(value) && Object.values(value).every((one) => typeof one === 'number' && one >= 0 && one <= 1);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length <= max && !value.includes('\0');
}
