import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

export const SCORECARD = 'modelhealth-scorecard-panel';
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const MODEL_PAGE = '/d/model-health-model?var-datasource=${datasource}&${__url_time_range}';
const MODEL_LINK = `${MODEL_PAGE}&var-model=\${__field.labels.model:percentencode}&var-version=\${__field.labels.version:percentencode}`;

/** Which models: every query of a model's series carries it. */
export const MODELS = 'model=~"$model", version=~"$version"';

/** Replicas take turns: at one moment only one exposes the models, and a change of turns is no second model. */
export const one = (metric: string, more = ''): string =>
  `max without (instance) (${metric}{${MODELS}${more === '' ? '' : `, ${more}`}})`;

/** Of a metric that has a series for each window of a check: those that are chosen. */
export const windowed = (metric: string, more = ''): string =>
  one(metric, `window=~"$window"${more === '' ? '' : `, ${more}`}`);

/** Grafana's grid is 24 wide. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Query {
  readonly expr: string;
  readonly legend?: string;
  /** The value now; else a line. */
  readonly instant?: boolean;
  /** The query's letter, by which the scorecard knows what an aggregation returns. */
  readonly name?: string;
}

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly place: Place;
  readonly queries: readonly Query[];
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly decimals?: number;
  readonly thresholds?: readonly (readonly [number | null, string])[];
}

/** The bounds of the exporter's levels. */
export const LEVELS = [
  [null, 'red'],
  [50, 'orange'],
  [70, 'light-green'],
  [90, 'green'],
] as const;

export const OK_FROM_ONE = [
  [null, 'red'],
  [1, 'green'],
] as const;

export const BAD_FROM_ONE = [
  [null, 'green'],
  [1, 'red'],
] as const;

function target(query: Query, position: number, asTable: boolean): prometheus.DataqueryBuilder {
  const builder = new prometheus.DataqueryBuilder()
    .refId(query.name ?? String.fromCharCode(65 + position))
    .expr(query.expr)
    .datasource(DATASOURCE);
  if (query.legend !== undefined) builder.legendFormat(query.legend);
  if (asTable) builder.format(prometheus.PromQueryFormat.Table);
  return query.instant === true || asTable ? builder.instant() : builder.range();
}

type Builder = dashboard.PanelBuilder | timeseries.PanelBuilder | stat.PanelBuilder | table.PanelBuilder;

function common<B extends Builder>(builder: B, panel: Panel, asTable = false): B {
  const { title, description, place, unit, min, max, decimals, thresholds } = panel;
  builder.title(title).description(description).gridPos(place).datasource(DATASOURCE);
  if (unit !== undefined) builder.unit(unit);
  if (min !== undefined) builder.min(min);
  if (max !== undefined) builder.max(max);
  if (decimals !== undefined) builder.decimals(decimals);
  if (thresholds !== undefined)
    builder.thresholds(
      new dashboard.ThresholdsConfigBuilder()
        .mode(dashboard.ThresholdsMode.Absolute)
        .steps(thresholds.map(([value, color]) => ({ value, color }))),
    );
  panel.queries.forEach((query, position) => builder.withTarget(target(query, position, asTable)));
  return builder;
}

export const lines = (panel: Panel): timeseries.PanelBuilder =>
  common(new timeseries.PanelBuilder(), panel).lineWidth(2).fillOpacity(0).spanNulls(false);

export function figure(panel: Panel): stat.PanelBuilder {
  const queries = panel.queries.map((query) => ({ instant: true, ...query }));
  const builder = common(new stat.PanelBuilder(), { ...panel, queries });
  // Without thresholds of its own a figure gets Grafana's, by which more than 80 of anything is red.
  return panel.thresholds === undefined
    ? builder.colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Fixed).fixedColor('text'))
    : builder;
}

/** @param columns the labels to show, in order, with the word for each; `Value` is the number */
export const rows = (panel: Panel, columns: Readonly<Record<string, string>>): table.PanelBuilder =>
  common(new table.PanelBuilder(), panel, true)
    .withTransformation({
      id: 'organize',
      options: {
        includeByName: Object.fromEntries(Object.keys(columns).map((name) => [name, true])),
        excludeByName: { Time: true, __name__: true, instance: true, job: true, alertstate: true },
        indexByName: Object.fromEntries(Object.keys(columns).map((name, i) => [name, i])),
        renameByName: columns,
      },
    })
    // The name of a model leads to it.
    .overrides([
      {
        matcher: { id: 'byName', options: columns.model ?? '' },
        properties: [
          {
            id: 'links',
            value: [{ title: 'Open the model', url: `${MODEL_PAGE}&var-model=\${__value.text:percentencode}` }],
          },
        ],
      },
    ]);

/** Everything that the scorecard knows how to read. */
const scorecardQueries = (drift: string): readonly Query[] => [
  { name: 'score', expr: one('ml_model_health_score') },
  { name: 'level', expr: `${one('ml_model_health_level')} == 1`, instant: true },
  { name: 'check', expr: one('ml_model_check_score'), instant: true },
  { name: 'weight', expr: one('ml_model_check_weight_ratio'), instant: true },
  { name: 'state', expr: `${one('ml_model_check_state')} == 1`, instant: true },
  { name: 'kl_divergence_nats', expr: drift, instant: true },
  { name: 'threshold', expr: one('ml_alert_threshold', 'signal="kl_divergence"'), instant: true },
  { name: 'updated', expr: one('ml_last_prediction_timestamp_seconds'), instant: true },
];

/**
 * The button that asks for a retraining, after a question. It posts through the data source of this uid (provisioning/datasources), which
 * holds the exporter's address and token; where there is none, the button says so.
 */
export const RETRAIN = {
  retrainMode: 'post',
  retrainUrl: '/api/datasources/proxy/uid/model-health-exporter/api/ml/retrain/${model}',
} as const;

/** Opt-in of a model (`exposition.bins`): without it the details say so. */
export const BIN_QUERIES: readonly Query[] = [
  { name: 'baseline', expr: one('ml_feature_baseline_bin_ratio'), instant: true },
  {
    name: 'current',
    expr: `sum without (instance) (increase(ml_feature_bin_total{${MODELS}}[$__range]))`,
    instant: true,
  },
];

export const scorecard = (
  panel: Omit<Panel, 'queries'>,
  options: Readonly<Record<string, unknown>>,
  more: readonly Query[] = [],
  /** Whether the dashboard has a choice of windows; else the panel shows the worst of all. */
  windows = false,
): dashboard.PanelBuilder =>
  common(new dashboard.PanelBuilder().type(SCORECARD).pluginVersion('0.1.0'), {
    thresholds: LEVELS,
    min: 0,
    max: 100,
    ...panel,
    queries: [...scorecardQueries((windows ? windowed : one)('ml_feature_drift_kl_divergence_nats')), ...more],
  })
    .dataLinks([
      new dashboard.DashboardLinkBuilder('Open the model')
        .type(dashboard.DashboardLinkType.Link)
        .url(MODEL_LINK)
        .targetBlank(false),
    ])
    .options(options);
