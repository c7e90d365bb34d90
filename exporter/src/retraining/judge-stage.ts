import type { StageFinding, StageVerdict, VersionTraffic } from '../domain/retraining.ts';
import type { RolloutSettings, StageSettings } from '../domain/retraining-settings.ts';
import { wilsonInterval } from '../statistics/intervals.ts';
import { ksDistance, ksPValue } from '../statistics/kolmogorov-smirnov.ts';
import { meanDifference } from '../statistics/paired-difference.ts';

/** What was seen of both versions since the stage began, at the same time. */
export interface StageTraffic {
  readonly champion: VersionTraffic;
  readonly candidate: VersionTraffic;
  /** Candidate's latencies beyond the allowed multiple of the champion's p95, and how many have a latency; null without either. */
  readonly slow: { readonly beyond: number; readonly of: number } | null;
  /** The newest scores of each, as many as were looked at. */
  readonly scores: { readonly champion: readonly number[]; readonly candidate: readonly number[] };
}

export interface StageInput {
  readonly stage: StageSettings;
  readonly settings: RolloutSettings;
  readonly elapsedMs: number;
  readonly traffic: StageTraffic;
  /**
   * How far the scores of both lay apart on the holdout: the gate has seen that, and found it good, for who mends a calibration moves
   * scores. null: nobody has seen them, and scores that moved far are taken for a fault.
   */
  readonly scoreDistance: number | null;
}

/** Fewer say nothing about errors or latency. */
const MIN_COMPARED = 50;
/** Of what is beyond the champion's p95, a twentieth is usual. */
const USUAL_TAIL = 0.05;
const SIGNIFICANT_P = 0.001;
/** Of the share of traffic that the stage asks for, at least so much must have arrived. */
const SHIFTED = 0.25;

/**
 * Compares the candidate with the champion at the same time, never with the past. Errors, slow answers and far drifted scores fail at
 * once, each only beyond chance; a loss that is worse by ground truth holds the stage, and fails it when its time is up. Passes after the
 * least time, predictions and labels. No traffic is inconclusive, and rolled back when the time is up.
 */
export function judgeStage(input: StageInput): {
  readonly verdict: StageVerdict | 'wait';
  readonly reasons: readonly string[];
} {
  const { stage, settings, elapsedMs, traffic } = input;
  const failures = [
    ...errorFailures(traffic, settings),
    ...latencyFailures(traffic, settings),
    ...scoreFailures(traffic, settings, input.scoreDistance),
  ];
  if (failures.length > 0) return { verdict: 'fail', reasons: failures };
  const missing = missingEvidence(input);
  const worse = worseByTruth(traffic);
  const isTimeUp = elapsedMs >= settings.stageTimeoutMs;
  if (worse !== null && isTimeUp) return { verdict: 'fail', reasons: [worse] };
  const waiting = worse === null ? missing : [worse, ...missing];
  if (waiting.length === 0) return { verdict: 'pass', reasons: [summary(traffic)] };
  if (isTimeUp && elapsedMs >= stage.minTimeMs) return { verdict: 'inconclusive', reasons: waiting };
  return { verdict: 'wait', reasons: waiting };
}

/** Whether ground truth says that the candidate is worse, beyond chance; in words. */
export function worseByTruth({ champion, candidate }: Pick<StageTraffic, 'champion' | 'candidate'>): string | null {
  if (champion.meanLoss === null || candidate.meanLoss === null) return null;
  const { mean, lower } = meanDifference(
    { n: candidate.labelled, mean: candidate.meanLoss, variance: candidate.lossVariance ?? NaN },
    { n: champion.labelled, mean: champion.meanLoss, variance: champion.lossVariance ?? NaN },
  );
  return lower > 0
    ? `worse by ground truth: loss higher by ${round(mean)} (at least ${round(lower)}) on ${candidate.labelled} labels`
    : null;
}

export function finding(
  stage: string,
  verdict: StageFinding['verdict'],
  reasons: readonly string[],
  traffic: StageTraffic,
): StageFinding {
  return { stage, verdict, reasons, champion: traffic.champion, candidate: traffic.candidate };
}

function errorFailures({ champion, candidate }: StageTraffic, { maxErrorIncrease }: RolloutSettings): string[] {
  if (candidate.predictions < MIN_COMPARED || champion.predictions < MIN_COMPARED) return [];
  const { lower } = wilsonInterval(candidate.errors, candidate.predictions);
  const { upper } = wilsonInterval(champion.errors, champion.predictions);
  const difference = candidate.errors / candidate.predictions - champion.errors / champion.predictions;
  return difference > maxErrorIncrease && lower > upper
    ? [`error rate higher by ${round(difference)} on ${candidate.predictions} predictions`]
    : [];
}

function latencyFailures({ champion, candidate, slow }: StageTraffic, { maxLatencyRatio }: RolloutSettings): string[] {
  if (slow === null || slow.of < MIN_COMPARED || champion.predictions < MIN_COMPARED) return [];
  const { lower } = wilsonInterval(slow.beyond, slow.of);
  if (!(lower > USUAL_TAIL)) return [];
  return [
    `${round((100 * slow.beyond) / slow.of)} % of its answers take longer than ${maxLatencyRatio} times the champion's p95 (p95 ${round(candidate.p95LatencyMs ?? NaN)} ms against ${round(champion.p95LatencyMs ?? NaN)} ms)`,
  ];
}

function scoreFailures(
  { scores: { champion, candidate } }: StageTraffic,
  { maxScoreDrift }: RolloutSettings,
  atGate: number | null,
): string[] {
  if (champion.length < MIN_COMPARED || candidate.length < MIN_COMPARED) return [];
  const distance = ksDistance(champion, candidate);
  if (
    distance - (atGate ?? 0) <= maxScoreDrift ||
    ksPValue(distance, champion.length, candidate.length) > SIGNIFICANT_P
  )
    return [];
  const seen = atGate === null ? 'the gate saw none' : `${round(atGate)} at the gate`;
  return [`its scores are far from the champion's: KS ${round(distance)}, ${seen}`];
}

function missingEvidence({ stage, elapsedMs, traffic: { champion, candidate } }: StageInput): string[] {
  const missing: string[] = [];
  if (elapsedMs < stage.minTimeMs) missing.push('the least time of the stage is not over');
  if (candidate.predictions < stage.minPredictions)
    missing.push(`${candidate.predictions} of ${stage.minPredictions} predictions of the candidate`);
  if (candidate.labelled < stage.minLabels)
    missing.push(`${candidate.labelled} of ${stage.minLabels} labels of the candidate`);
  const share = candidate.predictions / (candidate.predictions + champion.predictions);
  if (stage.percent > 0 && !(100 * share >= SHIFTED * stage.percent))
    missing.push(
      `traffic has not shifted: ${Number.isNaN(share) ? 'none at all' : `${round(100 * share)} % of ${stage.percent} %`}`,
    );
  return missing;
}

function summary({ champion, candidate }: StageTraffic): string {
  return `${candidate.predictions} predictions beside ${champion.predictions}, ${candidate.errors} errors, ${candidate.labelled} labels`;
}

function round(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
