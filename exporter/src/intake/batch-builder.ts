import type { FeatureColumn } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { PredictionBatch } from '../histogram/prediction-batch.ts';
import type { Envelope } from './envelope.ts';
import { writeIdKey } from './prediction-id.ts';
import { isRecord, kindOf, MAX_NAME_LENGTH, pointerTo, textFault, textProblem } from './read-values.ts';
import { className } from './target-wants.ts';

type Problem = { readonly pointer: string; readonly detail: string } | null;

/** Lays rows out in the columns of a PredictionBatch. A row with a problem leaves no trace. */
export class BatchBuilder {
  private rows = 0;
  private readonly capacity: number;
  private readonly targets: ModelTarget[] = [];
  private readonly index: Int32Array;
  private readonly timeMs: Float64Array;
  private readonly ids: Buffer;
  private readonly idTexts: (string | null)[] = [];
  private readonly stamped: Uint8Array;
  private readonly predictions: Float64Array;
  private readonly classes: (string | null)[] = [];
  private readonly scores: Float64Array;
  private readonly classScores: (readonly number[] | null)[] = [];
  private readonly latencyMs: Float32Array;
  private readonly errors: (string | null)[] = [];
  private readonly segments: (string | null)[] = [];
  private numbers: Float64Array;
  private readonly numberAt: Int32Array;
  private readonly texts: (string | null)[] = [];
  private readonly textAt: Int32Array;
  private readonly invalid: (readonly number[] | null)[] = [];
  private mapped: {
    readonly names: readonly string[];
    readonly target: ModelTarget;
    readonly features: (FeatureColumn | undefined)[];
  } | null = null;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.index = new Int32Array(capacity);
    this.timeMs = new Float64Array(capacity);
    this.ids = Buffer.allocUnsafe(capacity * 16);
    this.stamped = new Uint8Array(capacity);
    this.predictions = new Float64Array(capacity);
    this.scores = new Float64Array(capacity);
    this.latencyMs = new Float32Array(capacity);
    this.numbers = new Float64Array(0);
    this.numberAt = new Int32Array(capacity + 1);
    this.textAt = new Int32Array(capacity + 1);
  }

  add(envelope: Envelope, target: ModelTarget): Problem {
    const i = this.rows;
    const problem = this.setOutcome(i, envelope, target) ?? this.setFeatures(i, envelope, target);
    if (problem !== null) {
      this.texts.length = this.textAt[i]!;
      return problem;
    }
    this.targets[i] = target;
    this.index[i] = envelope.row.index;
    this.timeMs[i] = envelope.timeMs;
    this.idTexts[i] = writeIdKey(envelope.id, this.ids, i * 16);
    this.stamped[i] = envelope.stamped ? 1 : 0;
    this.scores[i] = envelope.score;
    this.latencyMs[i] = envelope.latencyMs;
    this.errors[i] = envelope.error;
    this.segments[i] = envelope.segment;
    this.rows++;
    return null;
  }

  build(): PredictionBatch {
    const { rows } = this;
    return {
      rows,
      targets: this.targets,
      index: this.index.subarray(0, rows),
      timeMs: this.timeMs.subarray(0, rows),
      ids: this.ids,
      idTexts: this.idTexts,
      stamped: this.stamped,
      predictions: this.predictions,
      classes: this.classes,
      scores: this.scores,
      classScores: this.classScores,
      latencyMs: this.latencyMs,
      errors: this.errors,
      segments: this.segments,
      numbers: this.numbers.subarray(0, this.numberAt[rows]),
      numberAt: this.numberAt,
      texts: this.texts.slice(0, this.textAt[rows]),
      textAt: this.textAt,
      invalid: this.invalid,
    };
  }

  private setOutcome(i: number, { row }: Envelope, target: ModelTarget): Problem {
    const { prediction } = row;
    this.predictions[i] = typeof prediction === 'number' ? prediction : NaN;
    this.classes[i] = null;
    if (prediction !== undefined && prediction !== null) {
      const problem = predictionProblem(prediction, target);
      if (problem !== null) return { pointer: '/prediction', detail: problem };
      this.classes[i] = className(prediction, target);
    }
    return this.setScores(i, row.scores, target);
  }

  private setScores(i: number, scores: unknown, target: ModelTarget): Problem {
    this.classScores[i] = null;
    if (scores === undefined || scores === null) return null;
    if (!isRecord(scores))
      return { pointer: '/scores', detail: `scores must be an object of class to score, not ${kindOf(scores)}` };
    const byCode = new Array<number>(target.classCodes.size).fill(NaN);
    for (const name in scores) {
      const score = scores[name];
      if (typeof score !== 'number' || !Number.isFinite(score))
        return { pointer: '/scores', detail: `every score must be a finite number, one is ${kindOf(score)}` };
      const code = target.classCodes.get(name);
      if (code !== undefined) byCode[code] = score;
    }
    this.classScores[i] = byCode;
    return null;
  }

  private setFeatures(i: number, { row: { features } }: Envelope, target: ModelTarget): Problem {
    const numberFrom = this.numberAt[i]!;
    const textFrom = this.textAt[i]!;
    this.numberAt[i + 1] = numberFrom + target.numericCount;
    this.textAt[i + 1] = textFrom + target.categoricalCount;
    this.reserveNumbers(this.numberAt[i + 1]!, target.numericCount);
    this.numbers.fill(NaN, numberFrom, this.numberAt[i + 1]);
    for (let k = 0; k < target.categoricalCount; k++) this.texts[textFrom + k] = null;
    this.invalid[i] = null;
    return features.kind === 'object'
      ? this.fromObject(i, features.value, target)
      : this.fromRow(i, features.names, features.values, target);
  }

  private fromObject(i: number, value: unknown, target: ModelTarget): Problem {
    if (value === undefined || value === null) return null;
    if (!isRecord(value)) return { pointer: '/features', detail: `features must be an object, not ${kindOf(value)}` };
    for (const feature of target.features) {
      const problem = this.put(i, feature, value[feature.name], target);
      if (problem !== null) return problem;
    }
    return null;
  }

  private fromRow(i: number, names: readonly string[], values: unknown, target: ModelTarget): Problem {
    if (values === undefined || values === null) return null;
    if (!Array.isArray(values)) return { pointer: '/x', detail: `x must be an array, not ${kindOf(values)}` };
    if (values.length > names.length)
      return { pointer: '/x', detail: `x has ${values.length} values for ${names.length} columns` };
    if (this.mapped?.names !== names || this.mapped.target !== target)
      this.mapped = { names, target, features: names.map((name) => target.featureByName.get(name)) };
    const { features } = this.mapped;
    for (let k = 0; k < values.length; k++) {
      const feature = features[k];
      if (feature === undefined) continue;
      const problem = this.put(i, feature, (values as readonly unknown[])[k], target);
      if (problem !== null) return problem;
    }
    return null;
  }

  /** One value in its place; a value of the wrong type is noted and stays missing. */
  private put(i: number, feature: FeatureColumn, value: unknown, target: ModelTarget): Problem {
    // A function can only be one of Object.prototype's, met by a feature named like it: the row has no such key.
    if (value === null || value === undefined || typeof value === 'function') return null;
    if (feature.kind === 'numeric') {
      if (typeof value === 'number') this.numbers[this.numberAt[i]! + feature.position] = value;
      else this.noteInvalid(i, feature.column);
      return null;
    }
    const text = categoryText(value, feature, target);
    if (text === null) {
      this.noteInvalid(i, feature.column);
      return null;
    }
    const problem = textProblem(text);
    if (problem !== null)
      return {
        pointer: `/features${pointerTo(feature.name)}`,
        detail: `the value of ${JSON.stringify(feature.name)} ${problem}`,
      };
    this.texts[this.textAt[i]! + feature.position] = text;
    return null;
  }

  private noteInvalid(i: number, column: number): void {
    this.invalid[i] = [...(this.invalid[i] ?? []), column];
  }

  private reserveNumbers(count: number, perRow: number): void {
    if (count <= this.numbers.length) return;
    const wanted = Math.max(count, this.numbers.length * 2, Math.min(this.capacity * perRow, 1 << 20));
    const grown = new Float64Array(wanted);
    grown.set(this.numbers);
    this.numbers = grown;
  }
}

/** Text and booleans; numbers only where the feature was declared categorical (a code such as a postal area). */
function categoryText(value: unknown, feature: FeatureColumn, target: ModelTarget): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'number' && target.declaredCategorical.has(feature.name) ? String(value) : null;
}

function predictionProblem(prediction: unknown, target: ModelTarget): string | null {
  if (typeof prediction === 'number') {
    if (!Number.isFinite(prediction)) return 'prediction is too large for a double';
    if ((target.task === 'binary' || target.task === 'multiclass') && !Number.isSafeInteger(prediction))
      return `${target.model} predicts classes: send the class as prediction and a probability as score`;
    return null;
  }
  if (target.task === 'regression')
    return `${target.model} is a regression: prediction must be a number, not ${kindOf(prediction)}`;
  if (typeof prediction === 'boolean') return null;
  if (typeof prediction !== 'string')
    return `prediction must be a number, a string or a boolean, not ${kindOf(prediction)}`;
  if (prediction.length === 0 || prediction.length > MAX_NAME_LENGTH)
    return `a class has 1 to ${MAX_NAME_LENGTH} characters`;
  const fault = textFault(prediction);
  return fault === null ? null : `prediction ${fault}`;
}
