import { describe, expect, test } from '@jest/globals';
import {
  EVALUATED_AT_MS,
  NEW_REPORT,
  NEW_TOTALS,
  TROUBLED_REPORT,
  TROUBLED_TOTALS,
} from '../../test/fixtures/model-report.ts';
import type { ModelReport, ModelTotals } from '../domain/model-report.ts';
import type { ModelSettings } from '../domain/settings.ts';
import { STORE_FAMILIES } from './families.ts';
import { publishModel } from './publish-model.ts';
import { SeriesStore } from './series-store.ts';
import { textFormat } from './text-format.ts';

const M = 'model="move_probability",version="2026-01"';

function newStore(): SeriesStore {
  return new SeriesStore({ families: STORE_FAMILIES, seriesLimit: 10_000 });
}

/** Samples of a name, or all. */
function samples(store: SeriesStore, name = ''): string[] {
  const text = Buffer.concat(store.render(textFormat).map(({ bytes }) => bytes)).toString();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || (name === '' && /^ml_(?!exporter)/.test(line)));
}

function published(report: ModelReport, totals: ModelTotals, name = ''): string[] {
  const store = newStore();
  publishModel(store, report, totals);
  return samples(store, name);
}

function withSettings(settings: Partial<ModelSettings>): ModelReport {
  return { ...TROUBLED_REPORT, settings: { ...TROUBLED_REPORT.settings, ...settings } };
}

describe('what is published', () => {
  test('no sample is NaN', () => {
    for (const line of [...published(TROUBLED_REPORT, TROUBLED_TOTALS), ...published(NEW_REPORT, NEW_TOTALS)])
      expect(line).not.toMatch(/NaN|undefined|null/);
  });

  test('score, weight and coverage of the checks come to the health score', () => {
    const value = (name: string, check: string) =>
      Number(
        published(TROUBLED_REPORT, TROUBLED_TOTALS, name)
          .find((line) => line.includes(`"${check}"`))
          ?.split(' ')[1],
      );
    const checks = Object.keys(TROUBLED_REPORT.checks);
    const sum = checks.reduce(
      (total, check) => total + value('ml_model_check_score', check) * value('ml_model_check_weight_ratio', check),
      0,
    );
    // By hand: .3 * 30 + .25 * 42.5 + .2 * 82 + .1 * 62.5 + .1 * 90 + .05 * 100
    expect(sum).toBeCloseTo(56.275, 10);
    expect(published(TROUBLED_REPORT, TROUBLED_TOTALS, 'ml_model_health_score')).toEqual([
      `ml_model_health_score{${M}} 56.275`,
    ]);
  });

  test('levels and states are one-hot', () => {
    const levels = published(TROUBLED_REPORT, TROUBLED_TOTALS, 'ml_model_health_level');
    expect(levels).toHaveLength(5);
    expect(levels.filter((line) => line.endsWith(' 1'))).toEqual([`ml_model_health_level{${M},level="fair"} 1`]);
    const states = published(TROUBLED_REPORT, TROUBLED_TOTALS, 'ml_model_check_state');
    expect(states).toHaveLength(24);
    expect(states.filter((line) => line.endsWith(' 1'))).toHaveLength(6);
  });

  test('thresholds are graded where severity is, and follow the task', () => {
    const signals = (report: ModelReport, totals: ModelTotals) =>
      published(report, totals, 'ml_alert_threshold').map((line) =>
        /signal="(.*)",severity="(.*)"} (.*)/.exec(line)!.slice(1).join(' '),
      );
    expect(signals(TROUBLED_REPORT, TROUBLED_TOTALS)).toEqual([
      'accuracy_drop medium 0.05',
      'accuracy_drop high 0.1',
      'error_rate medium 0.05',
      'error_rate high 0.1',
      'calibration_gap  0.05',
      'error_budget  0.01',
      'latency_budget  0.05',
      'kl_divergence  0.3',
      'ks_pvalue  0.05',
      'ks_statistic  0.1',
      'latency_spike  2',
      'data_quality  0.05',
      'min_samples  500',
      'min_labels  200',
      'label_coverage  0',
    ]);
    expect(signals(NEW_REPORT, NEW_TOTALS).slice(0, 2)).toEqual(['mae_rise medium 0.05', 'mae_rise high 0.1']);
  });
});

describe('too little data', () => {
  test('a new model has states, information and counters, and no figures', () => {
    const names = new Set(
      published(NEW_REPORT, NEW_TOTALS).map((line) => line.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '')),
    );
    expect([...names]).toEqual([
      'ml_model_info',
      'ml_model_health_coverage_ratio',
      'ml_model_health_level',
      'ml_model_check_weight_ratio',
      'ml_model_check_samples',
      'ml_model_check_state',
      'ml_alert_threshold',
      'ml_predictions_total',
      'ml_prediction_duration_seconds',
      'ml_last_prediction_timestamp_seconds',
      'ml_labels_total',
      'ml_labels_unmatched_total',
      'ml_label_delay_seconds',
      'ml_label_coverage_ratio',
    ]);
  });

  test('figures vanish when samples fall below the minimum, and come back', () => {
    const store = newStore();
    const { checks } = TROUBLED_REPORT;
    const few = {
      ...TROUBLED_REPORT,
      checks: {
        ...checks,
        latency: { ...checks.latency, samples: 99 },
        performance: { ...checks.performance, samples: 99 },
      },
    };
    publishModel(store, TROUBLED_REPORT, TROUBLED_TOTALS);
    const all = samples(store);
    publishModel(store, few, TROUBLED_TOTALS);
    for (const name of [
      'ml_model_latency_seconds',
      'ml_model_latency_spike_ratio',
      'ml_model_accuracy_ratio',
      'ml_model_accuracy_bound_ratio',
      'ml_model_accuracy_drop_ratio',
    ])
      expect(samples(store, name)).toEqual([]);
    expect(samples(store, 'ml_model_baseline_accuracy_ratio')).toHaveLength(1);
    publishModel(store, TROUBLED_REPORT, TROUBLED_TOTALS);
    expect(samples(store)).toEqual(all);
  });

  test('a feature without enough rows has its sample counts only', () => {
    const lines = published(TROUBLED_REPORT, TROUBLED_TOTALS).filter(
      (line) => line.includes('feature="rare"') && !line.includes('_total{'),
    );
    expect(lines).toEqual([
      `ml_feature_window_samples{${M},feature="rare",window="24h"} 40`,
      `ml_feature_baseline_samples{${M},feature="rare"} 95`,
    ]);
  });

  test('latency needs no baseline', () => {
    const { checks } = TROUBLED_REPORT;
    const latency = {
      ...checks.latency,
      state: 'insufficient_data',
      score: NaN,
      baselineAverageSeconds: NaN,
      spikeRatio: NaN,
    } as const;
    const report = { ...TROUBLED_REPORT, checks: { ...checks, latency } };
    expect(published(report, TROUBLED_TOTALS, 'ml_model_latency_seconds')).toHaveLength(4);
    expect(published(report, TROUBLED_TOTALS, 'ml_model_latency_spike_ratio')).toEqual([]);
  });

  test('a regression has no accuracy drop', () => {
    const report = { ...TROUBLED_REPORT, task: 'regression' } as const;
    expect(published(report, TROUBLED_TOTALS, 'ml_model_accuracy_drop_ratio')).toEqual([]);
  });
});

describe('a silent version', () => {
  const ago = (predictionMs: number, labelMs: number): ModelTotals => ({
    ...TROUBLED_TOTALS,
    lastPredictionMs: EVALUATED_AT_MS - predictionMs,
    lastLabelMs: EVALUATED_AT_MS - labelMs,
  });
  const ttl = TROUBLED_REPORT.settings.exposition.seriesTtlMs;

  test.each([
    ['past its TTL is gone', ago(ttl + 1, NaN), false],
    ['past its TTL with older labels is gone', ago(ttl + 1, ttl + 2), false],
    ['at its TTL is there', ago(ttl, NaN), true],
    ['with a newer label is there', ago(ttl + 1, ttl), true],
    ['never heard of is there', ago(NaN, NaN), true],
  ])('%s', (_name, totals, present) => {
    const store = newStore();
    publishModel(store, TROUBLED_REPORT, TROUBLED_TOTALS);
    publishModel(store, TROUBLED_REPORT, totals);
    expect(samples(store, 'ml_model_info')).toHaveLength(present ? 1 : 0);
    expect(samples(store).length > 0).toBe(present);
  });
});

describe('worst:N', () => {
  const exposed = (report: ModelReport): string[] => {
    const names = published(report, TROUBLED_TOTALS).map((line) => /feature="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]);
    return [...new Set(names)].filter((name) => name !== undefined);
  };
  const exposition = TROUBLED_REPORT.settings.exposition;

  test.each([
    [0, []],
    [1, ['tenure_months']],
    [2, ['tenure_months', 're\\"gi\\\\on\\n']],
    [3, ['tenure_months', 're\\"gi\\\\on\\n', 'rare']],
    [Infinity, ['tenure_months', 're\\"gi\\\\on\\n', 'rare']],
  ])('%p features', (worstFeatures, names) => {
    expect(exposed(withSettings({ exposition: { ...exposition, worstFeatures } }))).toEqual(names);
  });

  test('bad data is bad too', () => {
    const { checks } = TROUBLED_REPORT;
    const issues = [{ type: 'missing', feature: 'rare', share: 0.6, baselineShare: 0.1 }] as const;
    const report = {
      ...withSettings({ exposition: { ...exposition, worstFeatures: 1 } }),
      checks: { ...checks, data_quality: { ...checks.data_quality, issues } },
    };
    expect(exposed(report)).toEqual(['rare']);
  });

  test('the count of drifted features is of all', () => {
    const report = withSettings({ exposition: { ...exposition, worstFeatures: 0 } });
    expect(published(report, TROUBLED_TOTALS, 'ml_model_drifted_features')).toEqual([
      `ml_model_drifted_features{${M},window="24h",verdict="moderate"} 0`,
      `ml_model_drifted_features{${M},window="24h",verdict="significant"} 1`,
    ]);
  });
});

describe('bins', () => {
  test('a counter and the share of the baseline, of the features that are shown', () => {
    const exposition = { ...TROUBLED_REPORT.settings.exposition, worstFeatures: 1 };
    const other = { ...TROUBLED_TOTALS.bins[0]!, feature: 'rare' };
    const totals = { ...TROUBLED_TOTALS, bins: [...TROUBLED_TOTALS.bins, other] };
    expect(published(withSettings({ exposition }), totals, 'ml_feature_bin_total')).toEqual([
      `ml_feature_bin_total{${M},feature="tenure_months",bin="12.5"} 60000`,
      `ml_feature_bin_total{${M},feature="tenure_months",bin="+Inf"} 58797`,
    ]);
    expect(published(TROUBLED_REPORT, totals, 'ml_feature_baseline_bin_ratio')).toHaveLength(4);
  });
});

describe('further windows', () => {
  const { checks } = TROUBLED_REPORT;
  const report: ModelReport = {
    ...TROUBLED_REPORT,
    extraWindows: [
      { check: 'performance', outcome: { ...checks.performance, windowMs: 7 * 86_400_000 } },
      { check: 'data_drift', outcome: { ...checks.data_drift, windowMs: 3_600_000 } },
      { check: 'prediction_drift', outcome: { ...checks.prediction_drift, windowMs: 3_600_000 } },
      { check: 'latency', outcome: { ...checks.latency, windowMs: 300_000, averageSeconds: 0.5 } },
      { check: 'error_rate', outcome: { ...checks.error_rate, windowMs: 300_000 } },
      { check: 'data_quality', outcome: { ...checks.data_quality, windowMs: 3_600_000 } },
    ],
  };

  test.each([
    ['ml_model_accuracy_ratio', ['24h', '7d']],
    ['ml_label_coverage_ratio', ['24h', '7d']],
    ['ml_model_drifted_features', ['24h', '24h', '1h', '1h']],
    ['ml_prediction_drift_psi', ['24h', '1h']],
    ['ml_model_latency_average_seconds', ['1h', '5m']],
    ['ml_model_error_ratio', ['1h', '5m']],
    ['ml_model_check_state', []],
  ])('%s has them under their own label', (name, windows) => {
    const found = published(report, TROUBLED_TOTALS, name).flatMap((line) => /window="(\w+)"/.exec(line)?.[1] ?? []);
    expect(found).toEqual(windows);
  });

  test('a figure is that of its window', () => {
    expect(published(report, TROUBLED_TOTALS, 'ml_model_latency_average_seconds')).toEqual([
      `ml_model_latency_average_seconds{${M},window="1h"} 0.035`,
      `ml_model_latency_average_seconds{${M},window="5m"} 0.5`,
    ]);
  });

  test('features beyond the worst ones have none there either', () => {
    const exposition = { ...report.settings.exposition, worstFeatures: 1 };
    const few = { ...report, settings: { ...report.settings, exposition } };
    expect(published(few, TROUBLED_TOTALS, 'ml_feature_drift_psi')).toHaveLength(2);
  });
});

describe('segments', () => {
  test('in families of their own; a check without data has no score', () => {
    const of = (name: string) => published(TROUBLED_REPORT, TROUBLED_TOTALS, name);
    const labels = `${M},segment="channel",value="web"`;
    expect(of('ml_segment_health_score')).toEqual([`ml_segment_health_score{${labels}} 71.5`]);
    expect(of('ml_segment_window_samples')).toEqual([`ml_segment_window_samples{${labels}} 700`]);
    expect(of('ml_segment_check_score')).toHaveLength(5);
    expect(of('ml_segment_check_score')[0]).toBe(`ml_segment_check_score{${labels},check="data_drift"} 61`);
  });
});
