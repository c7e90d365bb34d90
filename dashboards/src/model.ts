import { buildDashboard } from './dashboard.ts';
import { BIN_QUERIES, lines, MODELS, one, RETRAIN, rows, scorecard, windowed } from './panels.ts';

/** Everything of one model, its versions side by side. */
export const model = () =>
  buildDashboard(
    {
      uid: 'model-health-model',
      title: 'Model health / Model',
      description: 'One model: its checks, quality, latency and errors, its versions side by side.',
      single: true,
      windows: true,
    },
    [
      scorecard(
        {
          title: 'Now',
          description: 'The model, how far each of its features has drifted, and where a feature has moved.',
          place: { x: 0, y: 0, w: 16, h: 14 },
        },
        { layout: 'detail', ...RETRAIN },
        BIN_QUERIES,
        true,
      ),
      rows(
        {
          title: 'Versions',
          description: 'Score of each version. A version that is silent longer than its time to live is gone.',
          place: { x: 16, y: 0, w: 8, h: 6 },
          decimals: 1,
          queries: [{ expr: one('ml_model_health_score') }],
        },
        { model: 'Model', version: 'Version', Value: 'Score' },
      ),
      lines({
        title: 'Traffic',
        description: 'Accepted predictions a second, by version.',
        place: { x: 16, y: 6, w: 8, h: 8 },
        unit: 'reqps',
        min: 0,
        queries: [
          { expr: `sum without (instance) (rate(ml_predictions_total{${MODELS}}[5m]))`, legend: 'version {{version}}' },
        ],
      }),
      lines({
        title: 'Health score',
        description: 'From 0 to 100, by version.',
        place: { x: 0, y: 14, w: 12, h: 8 },
        min: 0,
        max: 100,
        queries: [{ expr: one('ml_model_health_score'), legend: 'version {{version}}' }],
      }),
      lines({
        title: 'Checks',
        description: 'Score of each check: 50 at the threshold, 0 at twice the threshold. A gap is insufficient data.',
        place: { x: 12, y: 14, w: 12, h: 8 },
        min: 0,
        max: 100,
        queries: [{ expr: one('ml_model_check_score'), legend: '{{check}} {{version}}' }],
      }),
      lines({
        title: 'Accuracy',
        description:
          'Share of correct predictions of the labelled window with its 95 % interval, beside the baseline. Classifiers only.',
        place: { x: 0, y: 22, w: 12, h: 8 },
        unit: 'percentunit',
        max: 1,
        queries: [
          { expr: windowed('ml_model_accuracy_ratio'), legend: 'accuracy {{version}} ({{window}})' },
          { expr: windowed('ml_model_accuracy_bound_ratio'), legend: '{{bound}} bound {{version}} ({{window}})' },
          { expr: one('ml_model_baseline_accuracy_ratio'), legend: 'baseline {{version}}' },
        ],
      }),
      lines({
        title: 'Mean absolute error',
        description: 'Of the labelled window, beside the baseline. Regressions only.',
        place: { x: 12, y: 22, w: 12, h: 8 },
        queries: [
          { expr: windowed('ml_model_mean_absolute_error'), legend: 'error {{version}} ({{window}})' },
          { expr: one('ml_model_baseline_mean_absolute_error'), legend: 'baseline {{version}}' },
        ],
      }),
      lines({
        title: 'Latency',
        description: 'Quantiles of the window, beside the average of the baseline.',
        place: { x: 0, y: 30, w: 8, h: 8 },
        unit: 's',
        min: 0,
        queries: [
          {
            expr: windowed('ml_model_latency_seconds', 'statistic!="max"'),
            legend: '{{statistic}} {{version}} ({{window}})',
          },
          {
            expr: windowed('ml_model_latency_baseline_average_seconds'),
            legend: 'baseline average {{version}} ({{window}})',
          },
        ],
      }),
      lines({
        title: 'Errors',
        description: 'Share of failed predictions, and the thresholds of its alerts.',
        place: { x: 8, y: 30, w: 8, h: 8 },
        unit: 'percentunit',
        min: 0,
        queries: [
          { expr: windowed('ml_model_error_ratio'), legend: 'errors {{version}} ({{window}})' },
          { expr: one('ml_alert_threshold', 'signal="error_rate"'), legend: '{{severity}} {{version}}' },
        ],
      }),
      lines({
        title: 'Label coverage',
        description: 'Share of the predictions of the window whose truth is known.',
        place: { x: 16, y: 30, w: 8, h: 8 },
        unit: 'percentunit',
        min: 0,
        max: 1,
        queries: [{ expr: windowed('ml_label_coverage_ratio'), legend: 'version {{version}} ({{window}})' }],
      }),
    ],
  );
