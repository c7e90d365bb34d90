import { describe, expect, test } from '@jest/globals';
import type { RetrainingNeed } from '../domain/retraining.ts';
import { STORE_FAMILIES } from './families.ts';
import { publishRetraining } from './publish-retraining.ts';
import { SeriesStore } from './series-store.ts';
import { textFormat } from './text-format.ts';

const NEED: RetrainingNeed = {
  model: 'churn',
  needed: true,
  reasons: [{ code: 'error_rate', observed: 0.2, threshold: 0.1, windowSeconds: 3600, samples: 900, note: '' }],
  suggestions: [
    { code: 'drift_detected', observed: 0.5, threshold: 0.3, windowSeconds: 86_400, samples: 900, note: 'age' },
  ],
  blockedBy: [],
  cooldownEndMs: NaN,
  trainedAtMs: 1_000_000,
  newDataPoints: 5_000,
};

function shown(store: SeriesStore, name: string): string[] {
  const text = Buffer.concat(store.render(textFormat).map(({ bytes }) => bytes)).toString();
  return text.split('\n').filter((line) => line.startsWith(name));
}

describe('publishRetraining', () => {
  const store = new SeriesStore({ families: STORE_FAMILIES, seriesLimit: 1_000 });
  const status = {
    model: 'churn',
    version: '3',
    need: NEED,
    jobState: 'training' as const,
    ended: new Map([['rejected' as const, [30, 4_000]]]),
  };

  test('says what speaks for it, and where the job is', () => {
    publishRetraining(store, 'churn', status);
    expect(shown(store, 'ml_retraining_needed').filter((line) => line.endsWith(' 1'))).toEqual([
      'ml_retraining_needed{model="churn",reason="error_rate"} 1',
      'ml_retraining_needed{model="churn",reason="drift_detected"} 1',
    ]);
    expect(shown(store, 'ml_retraining_job_state').filter((line) => line.endsWith(' 1'))).toEqual([
      'ml_retraining_job_state{model="churn",state="training"} 1',
    ]);
    expect(shown(store, 'ml_retraining_jobs_total{model="churn",outcome="rejected"}')).toEqual([
      'ml_retraining_jobs_total{model="churn",outcome="rejected"} 2',
    ]);
    expect(
      shown(store, 'ml_retraining_job_duration_seconds_bucket{model="churn",outcome="rejected",le="60.0"}'),
    ).toEqual(['ml_retraining_job_duration_seconds_bucket{model="churn",outcome="rejected",le="60.0"} 1']);
    expect(shown(store, 'ml_model_trained_timestamp_seconds')).toEqual([
      'ml_model_trained_timestamp_seconds{model="churn",version="3"} 1000',
    ]);
  });

  test('without a job there is no cool-down and no state', () => {
    publishRetraining(store, 'churn', { ...status, jobState: null, ended: new Map() });
    expect(shown(store, 'ml_retraining_cooldown_end_timestamp_seconds')).toEqual([]);
    expect(shown(store, 'ml_retraining_job_state')).toEqual([]);
    expect(shown(store, 'ml_retraining_jobs_total')).toHaveLength(5);
  });

  test('a model without retraining has nothing', () => {
    publishRetraining(store, 'churn', null);
    expect(shown(store, 'ml_')).toEqual([]);
  });
});
