import type { Champion, GateFacts, GateFigures, LossName } from '../domain/retraining.ts';
import type { GateSettings } from '../domain/retraining-settings.ts';
import { ksDistance } from '../statistics/kolmogorov-smirnov.ts';
import { pairedDifference } from '../statistics/paired-difference.ts';

/** A row of the holdout: the truth, what the champion said when it was asked, what the candidate says. */
export interface GateRow {
  readonly y: string | number;
  readonly champion: Answer;
  readonly candidate: Answer;
}

interface Answer {
  readonly prediction: string | number | null;
  /** Of the positive class; of several, of the one that was answered. */
  readonly score: number | null;
  /** Of several classes: the probability that was given to the one that came true. */
  readonly likelihood: number | null;
}

export interface GateInput {
  readonly task: 'binary' | 'multiclass' | 'regression';
  readonly positiveClass: string | null;
  readonly rows: readonly GateRow[];
  /** Rows of the holdout, those that the candidate did not answer included. */
  readonly holdoutRows: number;
  readonly champion: Champion;
  readonly settings: GateSettings;
  /** Fall of accuracy (regressions: relative rise of the error) that would be an alert. */
  readonly accuracyDrop: number;
}

const LEAST_PROBABILITY = 1e-9;
/** A candidate must answer nearly all of the holdout: what it leaves out could be what it cannot do. */
const LEAST_ANSWERED = 0.99;

/**
 * Scores the candidate by our own labels, beside the champion's logged answers on the same rows.
 *
 * reject: an absolute minimum is missed, or the candidate is worse beyond chance, or worse than its own absence (a constant answer).
 * approve: to replace a healthy champion it must be better beyond chance; a degraded one, no worse than the tolerance.
 * inconclusive: too few rows, or neither can be told from these.
 */
export function judgeCandidate(input: GateInput): GateFacts {
  const { rows, settings, champion } = input;
  const loss = lossOf(input);
  const base = { selfReported: false, rows: rows.length, loss, scoreDistance: null };
  if (rows.length < LEAST_ANSWERED * input.holdoutRows)
    return {
      ...base,
      verdict: 'reject',
      reasons: [`the candidate answered ${rows.length} of ${input.holdoutRows} rows of the holdout`],
      champion: null,
      candidate: null,
      improvement: null,
    };
  const figures = {
    champion: figuresOf(input, loss, ({ champion: answer }) => answer),
    candidate: figuresOf(input, loss, ({ candidate: answer }) => answer),
  };
  const { mean, lower, upper } = pairedDifference(
    rows.map((row) => rowLoss(input, loss, row.y, row.champion)),
    rows.map((row) => rowLoss(input, loss, row.y, row.candidate)),
  );
  const improvement = { mean, lower, upper };
  const failures = [...absoluteFailures(figures.candidate, settings), ...trivialFailures(input, loss)];
  const baseline = baselineFailure(input, figures.candidate);
  if (baseline !== null) failures.push(baseline);
  if (upper < 0)
    failures.push(
      `worse than the champion: ${words(loss)} higher by ${round(-mean)} (${round(-upper)} to ${round(-lower)})`,
    );
  const found = (verdict: GateFacts['verdict'], reasons: readonly string[]): GateFacts => ({
    ...base,
    verdict,
    reasons,
    scoreDistance: scoreDistanceOf(rows),
    ...figures,
    improvement: Number.isNaN(mean) ? null : improvement,
  });
  if (rows.length < settings.minRows)
    return found('inconclusive', [
      `${rows.length} rows of the holdout are fewer than gate.min_rows (${settings.minRows})`,
    ]);
  if (failures.length > 0) return found('reject', failures);
  const change = `${words(loss)} lower by ${round(mean)} (95 %: ${round(lower)} to ${round(upper)})`;
  if (lower > 0) return found('approve', [`better than the champion: ${change}`]);
  const margin = settings.tolerance * figures.champion.loss;
  if (champion.degraded && lower > -margin) return found('approve', [`no worse than a degraded champion: ${change}`]);
  return found('inconclusive', [
    champion.degraded
      ? `it could still be worse than the tolerance (${round(margin)}): ${change}`
      : `not better than a healthy champion beyond chance: ${change}`,
  ]);
}

/** What is left when the trainer sends no predictions: what it says itself, which a person must believe. */
export function selfReported(reason: string): GateFacts {
  return {
    verdict: 'inconclusive',
    reasons: [`the figures are the trainer's own: ${reason}`],
    selfReported: true,
    rows: 0,
    loss: null,
    champion: null,
    candidate: null,
    improvement: null,
    scoreDistance: null,
  };
}

function scoreDistanceOf(rows: readonly GateRow[]): number | null {
  const scored = rows.flatMap(({ champion: { score: before }, candidate: { score: after } }) =>
    before === null || after === null ? [] : [[before, after] as const],
  );
  if (scored.length === 0) return null;
  return ksDistance(
    scored.map(([before]) => before),
    scored.map(([, after]) => after),
  );
}

/** Log loss where both scored every row, else how often they are wrong. */
function lossOf({ task, rows }: GateInput): LossName {
  if (task === 'regression') return 'absolute_error';
  const of = task === 'binary' ? 'score' : 'likelihood';
  return rows.every(({ champion, candidate }) => champion[of] !== null && candidate[of] !== null)
    ? 'log_loss'
    : 'zero_one';
}

function rowLoss({ task, positiveClass }: GateInput, loss: LossName, y: string | number, answer: Answer): number {
  switch (loss) {
    case 'absolute_error':
      return Math.abs(Number(y) - Number(answer.prediction ?? NaN));
    case 'zero_one':
      return Number(String(answer.prediction) !== String(y));
    case 'log_loss': {
      const p =
        task === 'multiclass' ? answer.likelihood! : String(y) === positiveClass ? answer.score! : 1 - answer.score!;
      return -Math.log(Math.max(p, LEAST_PROBABILITY));
    }
  }
}

function figuresOf(input: GateInput, loss: LossName, of: (row: GateRow) => Answer): GateFigures {
  const { rows, task, positiveClass } = input;
  const meanOf = (value: (row: GateRow) => number) => rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
  const none = {
    accuracy: null,
    rocAuc: null,
    logLoss: null,
    brierScore: null,
    calibrationGap: null,
    meanAbsoluteError: null,
    rootMeanSquaredError: null,
  };
  const meanLoss = meanOf((row) => rowLoss(input, loss, row.y, of(row)));
  if (task === 'regression')
    return {
      ...none,
      loss: meanLoss,
      meanAbsoluteError: meanLoss,
      rootMeanSquaredError: Math.sqrt(meanOf((row) => rowLoss(input, loss, row.y, of(row)) ** 2)),
    };
  const accuracy = 1 - meanOf((row) => rowLoss(input, 'zero_one', row.y, of(row)));
  if (loss !== 'log_loss') return { ...none, loss: meanLoss, accuracy };
  if (task === 'multiclass') return { ...none, loss: meanLoss, accuracy, logLoss: meanLoss };
  const actual = (row: GateRow) => Number(String(row.y) === positiveClass);
  const area = exactRocAuc(
    rows.map((row) => of(row).score!),
    rows.map(actual),
  );
  return {
    ...none,
    loss: meanLoss,
    accuracy,
    logLoss: meanLoss,
    rocAuc: Number.isNaN(area) ? null : area,
    brierScore: meanOf((row) => (of(row).score! - actual(row)) ** 2),
    calibrationGap: meanOf((row) => of(row).score! - actual(row)),
  };
}

/** By ranks, with ties counted half: the holdout is small enough to sort. NaN when a class is missing. */
function exactRocAuc(scores: readonly number[], actual: readonly number[]): number {
  const order = scores.map((_score, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let ranks = 0;
  let positives = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++;
    for (let at = from; at < to; at++) {
      if (actual[order[at]!] !== 1) continue;
      positives++;
      ranks += (from + to + 1) / 2;
    }
    from = to;
  }
  const negatives = order.length - positives;
  return positives > 0 && negatives > 0 ? (ranks - (positives * (positives + 1)) / 2) / (positives * negatives) : NaN;
}

function absoluteFailures(candidate: GateFigures, settings: GateSettings): string[] {
  const failures: string[] = [];
  const check = (name: string, value: number | null, limit: number | null, below: boolean): void => {
    if (limit === null || value === null || (below ? value >= limit : value <= limit)) return;
    failures.push(
      `${name} ${round(value)} is ${below ? 'below' : 'above'} gate.${below ? 'min' : 'max'}_${name} (${limit})`,
    );
  };
  check('accuracy', candidate.accuracy, settings.minAccuracy, true);
  check('roc_auc', candidate.rocAuc, settings.minRocAuc, true);
  check('log_loss', candidate.logLoss, settings.maxLogLoss, false);
  check('mean_absolute_error', candidate.meanAbsoluteError, settings.maxMeanAbsoluteError, false);
  return failures;
}

/** The best constant answer to this very holdout needs no model: a candidate that loses to it beyond chance learnt nothing. */
function trivialFailures(input: GateInput, loss: LossName): string[] {
  const { rows } = input;
  const constant = constantAnswer(input, loss);
  const { mean, upper } = pairedDifference(
    rows.map((row) => rowLoss(input, loss, row.y, constant(row.y))),
    rows.map((row) => rowLoss(input, loss, row.y, row.candidate)),
  );
  return upper < 0 ? [`worse than one constant answer: ${words(loss)} higher by ${round(-mean)}`] : [];
}

/** Of several classes their shares are the constant, of which each row is asked for its own. */
function constantAnswer({ rows, positiveClass }: GateInput, loss: LossName): (y: string | number) => Answer {
  const always = { prediction: null, score: null, likelihood: null };
  switch (loss) {
    case 'log_loss': {
      const shares = new Map<string, number>();
      for (const { y } of rows) shares.set(String(y), (shares.get(String(y)) ?? 0) + 1 / rows.length);
      const score = positiveClass === null ? null : (shares.get(positiveClass) ?? 0);
      return (y) => ({ ...always, score, likelihood: shares.get(String(y)) ?? 0 });
    }
    case 'zero_one': {
      const counts = new Map<string, number>();
      for (const { y } of rows) counts.set(String(y), (counts.get(String(y)) ?? 0) + 1);
      const [commonest = ['']] = [...counts].sort((a, b) => b[1] - a[1]);
      return () => ({ ...always, prediction: commonest[0] });
    }
    case 'absolute_error': {
      const sorted = rows.map(({ y }) => Number(y)).sort((a, b) => a - b);
      return () => ({ ...always, prediction: sorted[Math.floor(sorted.length / 2)] ?? null });
    }
  }
}

/** It must not raise the alarm on its first day: so much worse than the baseline would be one. */
function baselineFailure({ champion, accuracyDrop, task }: GateInput, candidate: GateFigures): string | null {
  const { baselineFigure } = champion;
  if (baselineFigure === null) return null;
  if (task === 'regression') {
    const rise = (candidate.meanAbsoluteError! - baselineFigure) / baselineFigure;
    return rise > accuracyDrop ? `mean absolute error is ${round(100 * rise)} % above the baseline's` : null;
  }
  const drop = baselineFigure - candidate.accuracy!;
  return drop > accuracyDrop ? `accuracy is ${round(drop)} below the baseline's` : null;
}

function words(loss: LossName): string {
  return loss === 'zero_one' ? 'error' : loss.replaceAll('_', ' ');
}

function round(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
