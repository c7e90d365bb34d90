import { describe, expect, test } from '@jest/globals';
import { EVALUATED_AT_MS, TROUBLED_REPORT } from '../../test/fixtures/model-report.ts';
import { reportJson } from './health-report.ts';
import { checkFigures } from './pages/check-figures.ts';

const HOUR_MS = 3_600_000;
const json = JSON.parse(JSON.stringify(reportJson(TROUBLED_REPORT))) as {
  readonly scheme: number;
  readonly checks: {
    readonly data_drift: { readonly features: readonly unknown[]; readonly sequential: unknown };
    readonly prediction_drift: unknown;
  };
};
const sequentialOff = {
  ...TROUBLED_REPORT,
  checks: { ...TROUBLED_REPORT.checks, data_drift: { ...TROUBLED_REPORT.checks.data_drift, sequential: null } },
};

test('a report says under which bin scheme its figures were counted', () => expect(json.scheme).toBe(7));

describe('drift in the JSON of a report', () => {
  test('a feature, with what its rows are worth', () => {
    expect(json.checks.data_drift.features[0]).toEqual({
      feature: 'tenure_months',
      kind: 'numeric',
      kl_divergence: 0.42,
      ks_statistic: 0.255,
      ks_statistic_upper: 0.26,
      p_value: 1e-9,
      psi: 0.77,
      js_distance: 0.31,
      wasserstein: 0.65,
      cramers_v: null,
      verdict: 'significant',
      samples: 2_000,
      baseline_samples: 5_000,
      design_effect: 2.5,
      effective_samples: 800,
      ks_noise_floor: 0.072,
      kl_noise_floor: 0.018,
    });
  });

  test('where nothing is known of repetition', () => {
    expect(json.checks.data_drift.features[1]).toMatchObject({
      design_effect: null,
      effective_samples: null,
      ks_noise_floor: 0,
      kl_noise_floor: 0,
    });
  });

  test('the predictions', () => {
    expect(json.checks.prediction_drift).toEqual({
      state: 'ok',
      alert: false,
      score: 82,
      samples: 2_000,
      window_seconds: 86_400,
      ks_statistic: 0.036,
      p_value: 0.07,
      mean_shift: 0.015,
      kl_divergence: 0.021,
      psi: 0.043,
      design_effect: 1,
      effective_samples: 2_000,
      ks_noise_floor: 0,
      kl_noise_floor: 0,
    });
  });

  test('the evidence as predictions come', () => {
    expect(json.checks.data_drift.sequential).toEqual({
      since: new Date(EVALUATED_AT_MS - HOUR_MS).toISOString(),
      samples: 480,
      log_e_value: 8.52,
      alarm_from: Math.log(1_000),
      alarm: true,
      feature: 'tenure_months',
    });
    expect(reportJson(sequentialOff)).not.toHaveProperty('checks.data_drift.sequential');
  });
});

describe('figures of a page', () => {
  test('data drift: what repeats most, and the evidence as predictions come', () => {
    expect(checkFigures(TROUBLED_REPORT, 'data_drift')).toEqual([
      ['Features compared', '3', ''],
      ['Drifted significantly', '1', ''],
      ['Drifted moderately', '0', ''],
      ['Design effect', '2.5', ''],
      ['Independent rows', '800', ''],
      ['Noise floor, KS', '0.072', ''],
      ['Noise floor, KL', '0.018', ''],
      ['E-value since 11:00 UTC', '10^3.7', ''],
      ['E-value of an alarm', '10^3.0', ''],
      ['Predictions since then', '480', ''],
      ['Strongest evidence', 'tenure_months', ''],
    ]);
  });

  test('not asked for, or independent: nothing of it', () => {
    expect(checkFigures(sequentialOff, 'data_drift').map(([name]) => name)).not.toContain('Strongest evidence');
    expect(checkFigures(TROUBLED_REPORT, 'prediction_drift').map(([name]) => name)).not.toContain('Design effect');
  });
});
