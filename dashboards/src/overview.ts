import { BigValueTextMode } from '@grafana/grafana-foundation-sdk/common';
import { buildDashboard } from './dashboard.ts';
import { BAD_FROM_ONE, figure, LEVELS, lines, MODELS, one, rows, scorecard } from './panels.ts';

const COLORS = { excellent: 'green', good: 'light-green', fair: 'orange', poor: 'red', unknown: 'text' };

/** What is sick, and why, at one look. */
export const overview = () =>
  buildDashboard(
    {
      uid: 'model-health-overview',
      title: 'Model health / Overview',
      description: 'Every model, the worst first, with what is wrong with it.',
      from: 'now-1h',
    },
    [
      figure({
        title: 'Models by level',
        description: 'How many models have which level of health. Without a score a model is unknown, never healthy.',
        place: { x: 0, y: 0, w: 9, h: 4 },
        queries: [{ expr: `count by (level) (${one('ml_model_health_level')} == 1)`, legend: '{{level}}' }],
      })
        .textMode(BigValueTextMode.ValueAndName)
        .overrides(
          Object.entries(COLORS).map(([level, fixedColor]) => ({
            matcher: { id: 'byName', options: level },
            properties: [{ id: 'color', value: { mode: 'fixed', fixedColor } }],
          })),
        ),
      figure({
        title: 'Checks in alert',
        description:
          'Checks beyond their threshold, on enough samples, of all shown models. Without models there is no number.',
        place: { x: 9, y: 0, w: 5, h: 4 },
        thresholds: BAD_FROM_ONE,
        queries: [
          {
            expr: `sum(${one('ml_model_check_state', 'state="alert"')})`,
            legend: 'checks in alert',
          },
        ],
      }),
      figure({
        title: 'Lowest score',
        description: 'The health score of the least healthy model.',
        place: { x: 14, y: 0, w: 5, h: 4 },
        thresholds: LEVELS,
        decimals: 0,
        queries: [{ expr: `min(${one('ml_model_health_score')})`, legend: 'lowest score' }],
      }),
      figure({
        title: 'Predictions',
        description: 'Accepted predictions a second, of all shown models.',
        place: { x: 19, y: 0, w: 5, h: 4 },
        unit: 'reqps',
        decimals: 1,
        queries: [{ expr: `sum(rate(ml_predictions_total{${MODELS}}[5m]))`, legend: 'predictions' }],
      }),
      scorecard(
        {
          title: 'Models',
          description:
            'Worst first. A name leads to the model; filters, order and layout are for every viewer to choose.',
          place: { x: 0, y: 4, w: 24, h: 12 },
        },
        { layout: 'auto', sortBy: 'worst' },
      ),
      rows(
        {
          title: 'What is wrong',
          description: 'The checks in alert, by score: 50 is at the threshold, 0 at twice the threshold.',
          place: { x: 0, y: 16, w: 12, h: 8 },
          thresholds: LEVELS,
          decimals: 0,
          queries: [
            {
              expr: `sort(${one('ml_model_check_score')} and on (model, version, check) (${one('ml_model_check_state', 'state="alert"')} == 1))`,
            },
          ],
        },
        { model: 'Model', version: 'Version', check: 'Check', Value: 'Score' },
      ),
      rows(
        {
          title: 'Firing alerts',
          description: 'The alerting rules that fire now, silenced ones among them.',
          place: { x: 12, y: 16, w: 12, h: 8 },
          queries: [{ expr: 'ALERTS{alertname=~"ML.*", alertstate="firing"}' }],
        },
        { alertname: 'Alert', severity: 'Severity', model: 'Model', check: 'Check' },
      ),
      lines({
        title: 'Health score',
        description: 'Weighted mean of the checks that have data. A gap is a time without a score.',
        place: { x: 0, y: 24, w: 24, h: 9 },
        min: 0,
        max: 100,
        queries: [{ expr: one('ml_model_health_score'), legend: '{{model}} {{version}}' }],
      }),
    ],
  );
