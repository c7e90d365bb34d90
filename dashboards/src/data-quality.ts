import { buildDashboard } from './dashboard.ts';
import { lines, MODELS, one, rows } from './panels.ts';
import type { Place } from './panels.ts';

const share = (counter: string, over: string): string =>
  `sum without (instance) (rate(${counter}{${MODELS}}[${over}])) / sum without (instance) (rate(ml_feature_values_total{${MODELS}}[${over}]))`;

const issue = (title: string, counter: string, description: string, place: Place) =>
  lines({
    title,
    description,
    place,
    unit: 'percentunit',
    min: 0,
    queries: [{ expr: `${share(counter, '5m')} > 0`, legend: '{{model}} {{feature}}' }],
  });

/** What is wrong with single values, feature by feature. */
export const dataQuality = () =>
  buildDashboard(
    {
      uid: 'model-health-data-quality',
      title: 'Model health / Data quality',
      description: 'Missing, mistyped, out-of-range, unseen and outlying values, by feature.',
    },
    [
      lines({
        title: 'Data quality check',
        description: 'Score of the check: 50 at the threshold, 0 at twice the threshold.',
        place: { x: 0, y: 0, w: 12, h: 8 },
        min: 0,
        max: 100,
        queries: [{ expr: one('ml_model_check_score', 'check="data_quality"'), legend: '{{model}} {{version}}' }],
      }),
      rows(
        {
          title: 'Most missing',
          description: 'Share of rows without a value, over the shown time.',
          place: { x: 12, y: 0, w: 12, h: 8 },
          unit: 'percentunit',
          decimals: 1,
          queries: [{ expr: `topk(20, ${share('ml_feature_missing_values_total', '$__range')})` }],
        },
        { model: 'Model', version: 'Version', feature: 'Feature', Value: 'Missing' },
      ),
      issue('Missing values', 'ml_feature_missing_values_total', 'Share of rows without a value of the feature.', {
        x: 0,
        y: 8,
        w: 12,
        h: 8,
      }),
      issue('Type errors', 'ml_feature_type_errors_total', 'Share of values that are not of the type of the feature.', {
        x: 12,
        y: 8,
        w: 12,
        h: 8,
      }),
      issue('Out of range', 'ml_feature_out_of_range_total', 'Share of values outside the configured range.', {
        x: 0,
        y: 16,
        w: 12,
        h: 8,
      }),
      issue(
        'Unseen categories',
        'ml_feature_unseen_categories_total',
        'Share of values that are no category of the baseline.',
        { x: 12, y: 16, w: 12, h: 8 },
      ),
      issue(
        'Outliers',
        'ml_feature_outliers_total',
        'Share of values more than three interquartile ranges outside the quartiles of the baseline.',
        { x: 0, y: 24, w: 12, h: 8 },
      ),
    ],
  );
