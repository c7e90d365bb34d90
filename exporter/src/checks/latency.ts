import type { LatencyOutcome } from '../domain/health.ts';
import { latencyQuantile } from '../histogram/latency-buckets.ts';
import type { Traffic } from '../histogram/traffic.ts';
import { welchPValue } from '../statistics/hypothesis.ts';
import type { Check, ModelContext, ModelCounts } from './check.ts';
import { INSUFFICIENT, SIGNIFICANT_P, stateOf, tooFew } from './gate.ts';
import { ramp } from './ramp.ts';

/** The window's average latency against the baseline's. Significance by Welch's test on the logarithms: latency is skewed. */
export const latency: Check<LatencyOutcome> = {
  name: 'latency',
  needs: ['traffic'],
  evaluate({ baseline, settings }: ModelContext, { traffic }: ModelCounts, windowMs: number): LatencyOutcome {
    const then = baseline?.traffic ?? null;
    const averageSeconds = traffic.latencySum / traffic.latencyRows;
    const baselineAverageSeconds = then === null ? NaN : then.latencySum / then.latencyRows;
    const spikeRatio = averageSeconds / baselineAverageSeconds;
    const quantile = (q: number) => latencyQuantile(traffic.latency, q, traffic.maxSeconds);
    const common = {
      windowMs,
      samples: traffic.latencyRows,
      averageSeconds,
      baselineAverageSeconds,
      spikeRatio,
      p50Seconds: quantile(0.5),
      p95Seconds: quantile(0.95),
      p99Seconds: quantile(0.99),
      maxSeconds: traffic.latencyRows === 0 ? NaN : traffic.maxSeconds,
    };
    const lacking =
      tooFew(traffic.latencyRows, settings.minimumSamples, 'predictions with a latency') ?? lackingBaseline(then);
    if (lacking !== null || then === null) return { ...common, ...INSUFFICIENT, reason: lacking, pValue: NaN };
    const { latencySpike } = settings.thresholds;
    const pValue = welchPValue(logarithms(traffic), logarithms(then));
    const significant = pValue < SIGNIFICANT_P;
    const finding = {
      alert: spikeRatio > latencySpike && significant,
      warning: spikeRatio > 1 + (latencySpike - 1) / 2 && significant,
      samples: traffic.latencyRows,
    };
    // 100 at ratio 1, 50 at the threshold: what counts is the excess over the baseline.
    return {
      ...common,
      state: stateOf(finding, settings.minimumSamples.alert),
      score: ramp(spikeRatio - 1, latencySpike - 1),
      reason: null,
      pValue,
    };
  },
};

function lackingBaseline(baseline: Traffic | null): string | null {
  if (baseline === null) return 'there is no baseline yet';
  return baseline.latencyRows < 2 || baseline.latencySum <= 0 ? 'the baseline has no latency' : null;
}

function logarithms({ latencyRows: n, logSum, logSquareSum }: Traffic): { n: number; mean: number; variance: number } {
  const mean = logSum / n;
  return { n, mean, variance: Math.max(0, logSquareSum / n - mean * mean) * (n / (n - 1)) };
}
