import { Random } from '../random.ts';
import { MODELS, shifted } from './models.ts';
import type { Answer, Features, SimulatedModel } from './models.ts';

export const FAULTS = [
  'data_drift',
  'shifted_predictions',
  'latency_spike',
  'errors',
  'missing_values',
  'degraded_accuracy',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface LoadOptions {
  readonly seed: number;
  /** Mean predictions a second of each model; they arrive at random, as independent callers do. */
  readonly ratePerSecond: number;
  /** Distinguishes the ids of this run from those of others. */
  readonly run: string;
}

export interface SimulatedPrediction {
  readonly model: string;
  readonly predictionId: string;
  readonly timeMs: number;
  readonly features: Features;
  /** Absent when the model failed. */
  readonly answer: Answer | null;
  readonly error: string | null;
  readonly latencyMs: number;
}

export interface SimulatedLabel {
  readonly model: string;
  readonly predictionId: string;
  readonly timeMs: number;
  readonly label: string | number;
}

/** Traffic of the four models of an estate agency, with faults that can be switched on and off while it runs. */
export interface RealEstateLoad {
  readonly models: readonly string[];
  /** @throws RangeError for an unknown model */
  setFault(model: string, fault: Fault, on: boolean): void;
  isFaulty(model: string, fault: Fault): boolean;
  /** What happens from `fromMs` to before `toMs`, in the order of time. Spans must follow one another: labels come later than their predictions. */
  between(fromMs: number, toMs: number): { predictions: SimulatedPrediction[]; labels: SimulatedLabel[] };
  /** Rows of a reference data set, as the baseline upload takes them; never faulty. */
  baseline(model: string, rows: number): Record<string, unknown>[];
}

const LABEL_DELAY_MS = { shortest: 2_000, mean: 5_000 };
const LATENCY_SPREAD = 0.35;
const SPIKE = 4;
const ERROR_SHARE = 0.2;
const MISSING_SHARE = 0.3;
const ERROR_TYPES = ['timeout', 'timeout', 'upstream_unavailable'];

export function createRealEstateLoad({ seed, ratePerSecond, run }: LoadOptions): RealEstateLoad {
  const streams = MODELS.map((model, m) => new Stream(model, new Random(seed * 101 + m), 1_000 / ratePerSecond, run));
  const streamOf = (model: string): Stream => {
    const stream = streams.find(({ name }) => name === model);
    if (stream === undefined)
      throw new RangeError(`there is no model ${model}; there are ${MODELS.map(({ name }) => name).join(', ')}`);
    return stream;
  };
  return {
    models: MODELS.map(({ name }) => name),
    setFault: (model, fault, on) => {
      const { faults } = streamOf(model);
      if (on) faults.add(fault);
      else faults.delete(fault);
    },
    isFaulty: (model, fault) => streamOf(model).faults.has(fault),
    between: (fromMs, toMs) => {
      const parts = streams.map((stream) => stream.between(fromMs, toMs));
      return {
        predictions: parts.flatMap(({ predictions }) => predictions).sort(byTime),
        labels: parts.flatMap(({ labels }) => labels).sort(byTime),
      };
    },
    baseline: (model, rows) => streamOf(model).baseline(rows),
  };
}

/** One model's share of the traffic. */
class Stream {
  readonly faults = new Set<Fault>();
  private readonly model: SimulatedModel;
  private readonly random: Random;
  private readonly meanGapMs: number;
  private readonly run: string;
  private nextMs = NaN;
  private count = 0;
  private pending: SimulatedLabel[] = [];

  constructor(model: SimulatedModel, random: Random, meanGapMs: number, run: string) {
    this.model = model;
    this.random = random;
    this.meanGapMs = meanGapMs;
    this.run = run;
  }

  get name(): string {
    return this.model.name;
  }

  between(fromMs: number, toMs: number): { predictions: SimulatedPrediction[]; labels: SimulatedLabel[] } {
    if (Number.isNaN(this.nextMs)) this.nextMs = fromMs + this.random.exponential(this.meanGapMs);
    const predictions: SimulatedPrediction[] = [];
    for (; this.nextMs < toMs; this.nextMs += this.random.exponential(this.meanGapMs))
      predictions.push(this.predict(Math.floor(this.nextMs)));
    const labels = this.pending.filter(({ timeMs }) => timeMs < toMs);
    this.pending = this.pending.filter(({ timeMs }) => timeMs >= toMs);
    return { predictions, labels };
  }

  baseline(rows: number): Record<string, unknown>[] {
    return Array.from({ length: rows }, () => {
      const features = this.model.draw(this.random);
      const answer = this.model.answer(features);
      const label = this.model.truth(features, answer, this.random, false);
      return { ...features, ...columns(answer), label, latency_ms: this.latency() };
    });
  }

  private predict(timeMs: number): SimulatedPrediction {
    const { model, random, faults } = this;
    const features = model.draw(random);
    if (faults.has('data_drift')) model.drift(features);
    const learnt = model.answer(features);
    const answer = faults.has('shifted_predictions') ? shifted(learnt) : learnt;
    const predictionId = `${this.run}-${model.name}-${this.count++}`;
    const failed = faults.has('errors') && random.chance(ERROR_SHARE);
    if (!failed)
      this.pending.push({
        model: model.name,
        predictionId,
        timeMs: Math.floor(timeMs + LABEL_DELAY_MS.shortest + random.exponential(LABEL_DELAY_MS.mean)),
        label: model.truth(features, learnt, random, faults.has('degraded_accuracy')),
      });
    // The model answers by what it knows; what it did not get is only seen by the monitor.
    if (faults.has('missing_values') && random.chance(MISSING_SHARE)) features[model.oftenMissing] = null;
    return {
      model: model.name,
      predictionId,
      timeMs,
      features,
      answer: failed ? null : answer,
      error: failed ? random.pick(ERROR_TYPES) : null,
      latencyMs: this.latency() * (faults.has('latency_spike') ? SPIKE : 1),
    };
  }

  private latency(): number {
    return Math.round(1_000 * this.model.medianLatencyMs * Math.exp(this.random.normal(0, LATENCY_SPREAD))) / 1_000;
  }
}

/** A column for each class's score. */
function columns(answer: Answer): Record<string, unknown> {
  if (!('scores' in answer)) return answer;
  const { prediction, scores } = answer;
  return { prediction, ...Object.fromEntries(Object.entries(scores).map(([name, score]) => [`score_${name}`, score])) };
}

function byTime(a: { readonly timeMs: number }, b: { readonly timeMs: number }): number {
  return a.timeMs - b.timeMs;
}
