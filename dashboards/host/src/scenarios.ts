// Answers of a Prometheus data source, made up: the panel's states that a healthy Prometheus does not show.
import { createDataFrame, DataFrameType, FieldType, LoadingState } from '@grafana/data';
import type { DataFrame, PanelData } from '@grafana/data';

const NAMES = [
  'move_probability',
  'transaction_type',
  'contact_timing',
  'property_value',
  'churn',
  'fraud',
  'search_ranking',
  'delivery_time',
  'credit_risk',
  'spam',
];
const FEATURES = [
  'tenure_years',
  'income',
  'region',
  'device',
  'session_length',
  'basket_value',
  'age',
  'hour_of_day',
  'referrer',
  'plan',
];
const CHECKS: [name: string, weight: number][] = [
  ['performance', 0.3],
  ['data_drift', 0.25],
  ['prediction_drift', 0.2],
  ['latency', 0.1],
  ['error_rate', 0.1],
  ['data_quality', 0.05],
];
const TEAMS = ['sales', 'logistics', 'risk'];
const STEP_MS = 60_000;

export interface Fleet {
  now: number;
  models: number;
  points: number;
  /** Every third model is silent. */
  stale?: boolean;
  /** Every fourth has no score, every fifth has gaps. */
  gaps?: boolean;
}

/** The small generator of Numerical Recipes: the same picture each time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_664_525 + 1_013_904_223) >>> 0) / 2 ** 32;
}

function series(
  refId: string,
  name: string,
  labels: Record<string, string>,
  times: number[],
  values: (number | null)[],
): DataFrame {
  return createDataFrame({
    refId,
    name,
    meta: { type: DataFrameType.TimeSeriesMulti },
    fields: [
      { name: 'Time', type: FieldType.time, values: times, config: {} },
      { name: 'Value', type: FieldType.number, values, labels: { __name__: name, ...labels }, config: {} },
    ],
  });
}

export function fleet({ now, models, points, stale, gaps }: Fleet): DataFrame[] {
  const random = generator(11);
  const times = Array.from({ length: points }, (_, i) => now - (points - 1 - i) * STEP_MS);
  const at = [now];
  return Array.from({ length: models }, (_, m) => {
    const model = NAMES[m % NAMES.length] + (m < NAMES.length ? '' : `_${Math.floor(m / NAMES.length)}`);
    const labels = { model, version: String(1 + (m % 4)), team: TEAMS[m % 3] };
    // Most of a fleet is well; each fifth has one fault, and each tenth more.
    const scores = CHECKS.map(([, weight], c) =>
      m % 10 === 1
        ? [10, 5, 20, 100, 96, 99][c]
        : m % 5 === 0 && c === m % 6
          ? 8
          : m % 7 === 3 && weight > 0.2
            ? 46
            : 88 + random() * 12,
    );
    const score = CHECKS.reduce((sum, [, weight], c) => sum + weight * scores[c], 0);
    const fell = m % 10 === 1 ? 45 : m % 5 === 0 ? 18 : 0;
    const line: (number | null)[] = times.map((_, i) =>
      Math.min(
        100,
        score + fell / (1 + Math.exp((i / points - 0.6) * 22)) + (i < points - 1 ? (random() - 0.5) * 3 : 0),
      ),
    );
    const silent = stale === true && m % 3 === 2;
    const unknown = gaps === true && m % 4 === 3;
    const seen = silent ? now - 3 * 3_600_000 : now - 12_000;
    const shown = unknown
      ? line.map(() => null)
      : gaps && m % 5 === 1
        ? line.map((value, i) => (i % 13 < 3 ? null : value))
        : line;
    const level = score >= 90 ? 'excellent' : score >= 70 ? 'good' : score >= 50 ? 'fair' : 'poor';
    return [
      series('score', 'ml_model_health_score', labels, times, shown),
      ...(unknown ? [] : [series('level', 'ml_model_health_level', { ...labels, level }, at, [1])]),
      ...CHECKS.flatMap(([check, weight], c) => [
        ...(unknown ? [] : [series('check', 'ml_model_check_score', { ...labels, check }, at, [scores[c]])]),
        series('weight', 'ml_model_check_weight_ratio', { ...labels, check }, at, [weight]),
        series(
          'state',
          'ml_model_check_state',
          {
            ...labels,
            check,
            state: unknown ? 'insufficient_data' : scores[c] < 30 ? 'alert' : scores[c] < 60 ? 'warning' : 'ok',
          },
          at,
          [1],
        ),
      ]),
      ...FEATURES.slice(0, 4 + (m % 6)).map((feature, f) =>
        series('drift', 'ml_feature_drift_kl_divergence_nats', { ...labels, feature }, at, [
          m % 10 === 1 && f < 5 ? 0.9 - f * 0.13 : m % 7 === 3 && f < 2 ? 0.16 : 0.01 + random() * 0.06,
        ]),
      ),
      series('threshold', 'ml_alert_threshold', { ...labels, signal: 'kl_divergence' }, at, [0.3]),
      series('updated', 'ml_last_prediction_timestamp_seconds', labels, at, [seen / 1_000]),
    ];
  }).flat();
}

function bins(now: number): DataFrame[] {
  const labels = { model: 'transaction_type', version: '2' };
  const upper = ['1.2', '2.1', '3.4', '4.8', '6.2', '8.1', '10.4', '13.9', '18.6', '+Inf'];
  const moved = [26, 21, 16, 12, 9, 6, 4, 3, 2, 1];
  return [
    ...upper.map((bin) =>
      series('baseline', 'ml_feature_baseline_bin_ratio', { ...labels, feature: 'tenure_years', bin }, [now], [0.1]),
    ),
    ...upper.map((bin, i) =>
      series('current', 'ml_feature_bin_total', { ...labels, feature: 'tenure_years', bin }, [now], [moved[i] * 40]),
    ),
    ...['north', 'south', 'east', 'west'].flatMap((bin, i) => [
      series(
        'baseline',
        'ml_feature_baseline_bin_ratio',
        { ...labels, feature: 'region', bin },
        [now],
        [[0.4, 0.3, 0.2, 0.1][i]],
      ),
      series(
        'current',
        'ml_feature_bin_total',
        { ...labels, feature: 'region', bin },
        [now],
        [[0.1, 0.2, 0.3, 0.4][i] * 900],
      ),
    ]),
  ];
}

function table(models: number, now: number): DataFrame[] {
  const rows = Array.from({ length: models }, (_, m) => m);
  const columns = (rest: object[]) => [
    { name: 'Time', type: FieldType.time, values: rows.map(() => now), config: {} },
    { name: 'model', type: FieldType.string, values: rows.map((m) => NAMES[m % NAMES.length]), config: {} },
    {
      name: 'version',
      type: FieldType.string,
      values: rows.map((m) => String(1 + Math.floor(m / NAMES.length))),
      config: {},
    },
    ...rest,
  ];
  return [
    createDataFrame({
      refId: 'score',
      fields: columns([
        { name: 'Value #score', type: FieldType.number, values: rows.map((m) => 30 + ((m * 37) % 70)), config: {} },
      ]) as any,
    }),
  ];
}

const unlabelled = (now: number) => [series('A', 'up', { job: 'x' }, [now], [1])];

/** The data of a scenario, before field settings are applied. */
export function scenario(name: string, { now, models, points }: Fleet): Pick<PanelData, 'state' | 'series' | 'errors'> {
  const done = (frames: DataFrame[]) => ({ state: LoadingState.Done, series: frames });
  switch (name) {
    case 'loading':
      return { state: LoadingState.Loading, series: [] };
    case 'refreshing':
      return { state: LoadingState.Loading, series: fleet({ now, models, points }) };
    case 'empty':
      return done([]);
    case 'error':
      return {
        state: LoadingState.Error,
        series: [],
        errors: [{ message: 'bad_data: invalid parameter "query": 1:7: parse error: unexpected character' }],
      };
    case 'no-label':
      return done(unlabelled(now));
    case 'zero':
      return done([series('score', 'ml_model_health_score', { model: 'churn' }, [now - STEP_MS, now], [4, 0])]);
    case 'boundary':
      return done(
        [69.7, 89.99, 49.6].map((value, i) =>
          series('score', 'ml_model_health_score', { model: NAMES[i] }, [now - STEP_MS, now], [value, value]),
        ),
      );
    case 'stale':
      return done(fleet({ now, models, points, stale: true, gaps: true }));
    case 'table':
      return done(table(models, now));
    case 'bins':
      return done([...fleet({ now, models, points }), ...bins(now)]);
    default:
      return done(fleet({ now, models, points }));
  }
}
