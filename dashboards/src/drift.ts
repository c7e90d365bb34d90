import { buildDashboard } from './dashboard.ts';
import { BIN_QUERIES, lines, one, rows, scorecard, windowed } from './panels.ts';

/** Which inputs are not what they were, by which measure. */
export const drift = () =>
  buildDashboard(
    {
      uid: 'model-health-drift',
      title: 'Model health / Drift',
      description: 'Features and predictions that are not what they were in the baseline.',
      windows: true,
    },
    [
      scorecard(
        {
          title: 'Features',
          description:
            'Kullback-Leibler divergence of each feature. Red is over the threshold; a cell leads to its distributions.',
          place: { x: 0, y: 0, w: 24, h: 10 },
        },
        { layout: 'features' },
        BIN_QUERIES,
        true,
      ),
      lines({
        title: 'Kullback-Leibler divergence',
        description: 'In nats, beside the threshold.',
        place: { x: 0, y: 10, w: 12, h: 8 },
        min: 0,
        queries: [
          { expr: windowed('ml_feature_drift_kl_divergence_nats'), legend: '{{model}} {{feature}} ({{window}})' },
          { expr: `max(${one('ml_alert_threshold', 'signal="kl_divergence"')})`, legend: 'threshold' },
        ],
      }),
      lines({
        title: 'Kolmogorov-Smirnov statistic',
        description: 'The certified lower and upper bound: the exact statistic lies between the two.',
        place: { x: 12, y: 10, w: 12, h: 8 },
        min: 0,
        max: 1,
        queries: [
          { expr: windowed('ml_feature_drift_ks_statistic'), legend: '{{model}} {{feature}} ({{window}})' },
          { expr: windowed('ml_feature_drift_ks_statistic_bound'), legend: '{{model}} {{feature}} upper ({{window}})' },
        ],
      }),
      lines({
        title: 'Population stability index',
        description: 'By custom, from 0.1 moderate and from 0.25 significant.',
        place: { x: 0, y: 18, w: 12, h: 8 },
        min: 0,
        queries: [{ expr: windowed('ml_feature_drift_psi'), legend: '{{model}} {{feature}} ({{window}})' }],
      }),
      rows(
        {
          title: 'P-values',
          description:
            'Benjamini-Hochberg adjusted over the features of a model. Small alone is no fault: the effect has to be large as well.',
          place: { x: 12, y: 18, w: 12, h: 8 },
          unit: 'sci',
          decimals: 1,
          queries: [{ expr: `sort(${windowed('ml_feature_drift_ks_pvalue')})` }],
        },
        { model: 'Model', version: 'Version', feature: 'Feature', window: 'Window', Value: 'p' },
      ),
      lines({
        title: 'Prediction drift',
        description: 'Kolmogorov-Smirnov statistic of the predictions against those of the baseline.',
        place: { x: 0, y: 26, w: 12, h: 8 },
        min: 0,
        max: 1,
        queries: [{ expr: windowed('ml_prediction_drift_ks_statistic'), legend: '{{model}} {{version}} ({{window}})' }],
      }),
      lines({
        title: 'Drifted features',
        description: 'How many features of a model are significant or moderate.',
        place: { x: 12, y: 26, w: 12, h: 8 },
        min: 0,
        queries: [{ expr: windowed('ml_model_drifted_features'), legend: '{{model}} {{verdict}} ({{window}})' }],
      }),
    ],
  );
