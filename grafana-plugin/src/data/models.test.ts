import { DataFrame } from '@grafana/data';
import { NOW, series, table } from '../test/frames';
import { ModelHealth, ModelsOptions, readModels } from './models';

const options: ModelsOptions = {
  modelLabel: 'model',
  versionLabel: 'version',
  checkLabel: 'check',
  featureLabel: 'feature',
  staleAfter: '1h',
  driftStatistic: 'auto',
  driftThreshold: 0,
  now: NOW,
};
const read = (frames: DataFrame[], more: Partial<ModelsOptions> = {}) => readModels(frames, { ...options, ...more });
const churn = { model: 'churn', version: '2' };

test('of a feature with a series for each window the worst is shown, once', () => {
  const drift = (window: string, value: number) =>
    series('ml_feature_drift_kl_divergence_nats', { ...churn, feature: 'age', window }, [value]);
  const [{ features }] = read([drift('24h', 0.4), drift('7d', 0.9), drift('1h', 0.1)]);
  expect(features.map(({ name, value }) => [name, value])).toEqual([['age', 0.9]]);
});

describe('the score of a model', () => {
  const cases: Array<[string, DataFrame[], Partial<ModelHealth>]> = [
    [
      'a series',
      [series('ml_model_health_score', churn, [90, 80])],
      { score: 80, change: -10, level: 'good', version: '2' },
    ],
    ['zero', [series('ml_model_health_score', churn, [3, 0])], { score: 0, change: -3, level: 'poor', status: 'poor' }],
    [
      'NaN',
      [series('ml_model_health_score', churn, [NaN, NaN])],
      { score: null, change: null, level: 'unknown', status: 'unknown' },
    ],
    ['no value', [series('ml_model_health_score', churn, [null])], { score: null, level: 'unknown' }],
    ['an infinity', [series('ml_model_health_score', churn, [50, Infinity])], { score: 50 }],
    ['one point', [series('ml_model_health_score', churn, [77])], { score: 77, change: null }],
    ['without a version', [series('ml_model_health_score', { model: 'churn', version: '' }, [77])], { version: null }],
    ['just under a level', [series('ml_model_health_score', churn, [89.99])], { level: 'good' }],
    ['a bare value of an aggregation', [series('', churn, [77])], { score: 77 }],
    ['the role as the letter of the query', [series('', churn, [77], 'score')], { score: 77 }],
    ['a table', [table('A', { model: ['churn'], version: ['2'] }, [66])], { score: 66, version: '2', level: 'fair' }],
    ['a joined table', [table('A', { model: ['churn'] }, [66], 'Value #score')], { score: 66 }],
    [
      'a table with a name',
      [table('A', { __name__: ['ml_model_health_score'], model: ['churn'] }, [12])],
      { score: 12 },
    ],
    [
      'two replicas, one after the other',
      [
        series('ml_model_health_score', { ...churn, instance: 'a' }, [90, 91, null, null]),
        series('ml_model_health_score', { ...churn, instance: 'b' }, [null, null, 80, 70]),
      ],
      { score: 70, change: -20 },
    ],
  ];
  test.each(cases)('%s', (_, frames, expected) => {
    const models = read(frames);
    expect(models).toHaveLength(1);
    expect(models[0]).toMatchObject({ name: 'churn', ...expected });
  });

  test("the exporter's own level counts, not the panel's thresholds", () => {
    const [model] = read([
      series('ml_model_health_score', churn, [69.9]),
      series('ml_model_health_level', { ...churn, level: 'poor' }, [0]),
      series('ml_model_health_level', { ...churn, level: 'good' }, [1]),
    ]);
    expect(model.level).toBe('good');
  });

  test('a level without a score is unknown', () => {
    expect(read([series('ml_model_health_level', { ...churn, level: 'excellent' }, [1])])[0].level).toBe('unknown');
  });

  test('gaps stay gaps', () => {
    const [{ trend }] = read([series('ml_model_health_score', churn, [1, null, NaN, 4])]);
    expect(trend.map(([, value]) => value)).toEqual([1, null, null, 4]);
  });

  test('versions are models of their own, and a series without a model is left out', () => {
    const models = read([
      series('ml_model_health_score', { model: 'churn', version: '1' }, [1]),
      series('ml_model_health_score', { model: 'churn', version: '2' }, [2]),
      series('ml_model_health_score', { job: 'x' }, [3]),
      series('ml_model_health_score', { model: '' }, [3]),
    ]);
    expect(models.map(({ version }) => version)).toEqual(['1', '2']);
  });

  test('labels of other names', () => {
    const frames = [series('ml_model_health_score', { name: 'churn', release: '7' }, [5])];
    expect(read(frames, { modelLabel: 'name', versionLabel: 'release' })[0]).toMatchObject({
      name: 'churn',
      version: '7',
    });
  });

  test.each([
    ['nothing', []],
    ['an empty table', [table('A', { model: [] }, [])]],
    ['no number', [{ ...table('A', { model: ['a'] }, [1]), fields: [] }]],
  ])('%s is no model', (_, frames) => expect(read(frames as DataFrame[])).toEqual([]));
});

describe('staleness', () => {
  const score = series('ml_model_health_score', churn, [95, 95]);
  const seen = (ago: number) => series('ml_last_prediction_timestamp_seconds', churn, [(NOW - ago) / 1000]);
  test.each([
    ['a fresh prediction', [score, seen(60_000)], '1h', 'excellent'],
    ['an old prediction', [score, seen(2 * 3_600_000)], '1h', 'stale'],
    ['an old prediction, and never stale', [score, seen(2 * 3_600_000)], '', 'excellent'],
    ['no duration', [score, seen(2 * 3_600_000)], 'soon', 'excellent'],
    [
      'a score that ended before the range',
      [series('ml_model_health_score', churn, [95, 95], 'A', NOW - 7_200_000)],
      '1h',
      'stale',
    ],
  ])('%s', (_, frames, staleAfter, status) => {
    expect(read(frames, { staleAfter })[0].status).toBe(status);
  });
});

describe('checks', () => {
  test('score, weight and state come together', () => {
    const drift = { ...churn, check: 'data_drift' };
    const [{ checks }] = read([
      series('ml_model_check_score', drift, [12]),
      series('ml_model_check_weight_ratio', drift, [0.25]),
      series('ml_model_check_state', { ...drift, state: 'ok' }, [0]),
      series('ml_model_check_state', { ...drift, state: 'alert' }, [1]),
    ]);
    expect(checks).toEqual([{ name: 'data_drift', score: 12, weight: 0.25, state: 'alert' }]);
  });

  test('without a score a check has no data, and is not zero', () => {
    const [{ checks }] = read([
      series('ml_model_check_state', { ...churn, check: 'latency', state: 'insufficient_data' }, [1]),
    ]);
    expect(checks).toEqual([{ name: 'latency', score: null, weight: null, state: 'insufficient_data' }]);
  });
});

describe('drift', () => {
  const drift = (statistic: string, feature: string, value: number) =>
    series(`ml_feature_drift_${statistic}`, { ...churn, feature }, [value]);

  test('worst first, over the threshold that the data brings', () => {
    const [{ features }] = read([
      drift('kl_divergence_nats', 'age', 0.1),
      drift('kl_divergence_nats', 'income', 0.4),
      series('ml_alert_threshold', { ...churn, signal: 'kl_divergence' }, [0.35]),
      series('ml_alert_threshold', { ...churn, signal: 'error_rate', severity: 'high' }, [0.1]),
    ]);
    expect(features.map(({ name, threshold, drifted }) => [name, threshold, drifted])).toEqual([
      ['income', 0.35, true],
      ['age', 0.35, false],
    ]);
    expect(features[0].statistic.name).toBe('KL');
  });

  test('of several statistics the chosen one, or else what the exporter judges by', () => {
    const frames = [drift('psi', 'age', 0.4), drift('kl_divergence_nats', 'age', 0.2)];
    expect(read(frames)[0].features[0]).toMatchObject({ value: 0.2, statistic: { name: 'KL' } });
    expect(read(frames, { driftStatistic: 'psi' })[0].features[0]).toMatchObject({
      value: 0.4,
      statistic: { name: 'PSI' },
    });
  });

  test('a bound or a p-value is no size of drift', () => {
    const [model] = read([
      series('ml_model_health_score', churn, [1]),
      drift('ks_pvalue', 'age', 0.9),
      drift('ks_statistic_bound', 'age', 0.9),
    ]);
    expect(model.features).toEqual([]);
  });

  test('a threshold of the panel goes before that of the data', () => {
    const [{ features }] = read([drift('psi', 'age', 0.4)], { driftThreshold: 0.5 });
    expect(features[0]).toMatchObject({ threshold: 0.5, drifted: false });
  });
});

describe('distributions', () => {
  const bins = (metric: string, counts: Record<string, number>) =>
    Object.entries(counts).map(([bin, count]) => series(metric, { ...churn, feature: 'age', bin }, [count]));

  test('counts become shares, numeric bins in order', () => {
    const [{ distributions }] = read([
      ...bins('ml_feature_bin_total', { '+Inf': 30, '10': 10, '9': 0 }),
      ...bins('ml_feature_baseline_bin_ratio', { '+Inf': 0.5, '10': 0.25, '9': 0.25 }),
    ]);
    expect(distributions.get('age')).toEqual([
      { name: '9', baseline: 0.25, current: 0 },
      { name: '10', baseline: 0.25, current: 0.25 },
      { name: '+Inf', baseline: 0.5, current: 0.75 },
    ]);
  });

  test('no value at all is no division by nothing', () => {
    const [{ distributions }] = read(bins('ml_feature_bin_total', { north: 0, south: 0 }));
    expect(distributions.get('age')!.map(({ current }) => current)).toEqual([0, 0]);
  });
});

test('a thousand models are read', () => {
  const frames = Array.from({ length: 1000 }, (_, i) => series('ml_model_health_score', { model: `m${i}` }, [i / 10]));
  expect(read(frames)).toHaveLength(1000);
});
