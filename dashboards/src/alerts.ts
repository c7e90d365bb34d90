import { BigValueTextMode } from '@grafana/grafana-foundation-sdk/common';
import { buildDashboard } from './dashboard.ts';
import { figure, lines, RETRAIN, rows, scorecard } from './panels.ts';

/** What fired, what came of it, and what is being retrained: from metrics alone. */
export const alerts = () =>
  buildDashboard(
    {
      uid: 'model-health-alerts',
      title: 'Model health / Alerts and retraining',
      description: 'Alerts that fire, their history and verdicts, and the retraining jobs.',
      from: 'now-24h',
    },
    [
      rows(
        {
          title: 'Firing now',
          description: 'The alerting rules that fire, silenced ones among them.',
          place: { x: 0, y: 0, w: 12, h: 8 },
          queries: [{ expr: 'ALERTS{alertname=~"ML.*", alertstate="firing"}' }],
        },
        { alertname: 'Alert', severity: 'Severity', model: 'Model', check: 'Check' },
      ),
      lines({
        title: 'Firing over time',
        description: 'How many alerts fire, by rule.',
        place: { x: 12, y: 0, w: 12, h: 8 },
        min: 0,
        queries: [
          { expr: 'count by (alertname) (ALERTS{alertname=~"ML.*", alertstate="firing"})', legend: '{{alertname}}' },
        ],
      }),
      lines({
        title: 'Notifications',
        description: 'Notifications that reached the history, by rule and status.',
        place: { x: 0, y: 8, w: 8, h: 8 },
        min: 0,
        queries: [
          {
            expr: 'sum by (alertname, status) (increase(ml_alert_notifications_total[1h]))',
            legend: '{{alertname}} {{status}}',
          },
        ],
      }),
      figure({
        title: 'Verdicts',
        description: 'What people, or later labels, said of alerts: true, false, benign, duplicate, unactionable.',
        place: { x: 8, y: 8, w: 8, h: 8 },
        queries: [{ expr: 'sum by (verdict) (ml_alert_verdicts_total)', legend: '{{verdict}}' }],
      }).textMode(BigValueTextMode.ValueAndName),
      lines({
        title: 'Time to acknowledge',
        description: 'Median over six hours.',
        place: { x: 16, y: 8, w: 8, h: 8 },
        unit: 's',
        min: 0,
        queries: [
          {
            expr: 'histogram_quantile(0.5, sum by (le) (rate(ml_alert_time_to_acknowledge_seconds_bucket[6h])))',
            legend: 'median',
          },
        ],
      }),
      scorecard(
        {
          title: 'Models',
          description:
            'Worst first. The button at the end of a row asks for a retraining of the model, after a question.',
          place: { x: 0, y: 16, w: 24, h: 8 },
        },
        { layout: 'table', ...RETRAIN },
      ),
      rows(
        {
          title: 'Retraining is needed',
          description: 'Why a model ought to be retrained. Drift alone suggests, and starts nothing.',
          place: { x: 0, y: 24, w: 12, h: 8 },
          queries: [{ expr: 'max without (instance) (ml_retraining_needed{model=~"$model"}) == 1' }],
        },
        { model: 'Model', reason: 'Reason' },
      ),
      rows(
        {
          title: 'Retraining jobs',
          description: 'The state of the last job of each model.',
          place: { x: 12, y: 24, w: 12, h: 8 },
          queries: [{ expr: 'max without (instance) (ml_retraining_job_state{model=~"$model"}) == 1' }],
        },
        { model: 'Model', state: 'State' },
      ),
      lines({
        title: 'Jobs by outcome',
        description: 'Ended jobs a day.',
        place: { x: 0, y: 32, w: 12, h: 8 },
        min: 0,
        queries: [
          {
            expr: 'sum by (model, outcome) (increase(ml_retraining_jobs_total{model=~"$model"}[1d]))',
            legend: '{{model}} {{outcome}}',
          },
        ],
      }),
      lines({
        title: 'Age of the baseline',
        description: 'Time since the active baseline was made. A rule speaks up after 90 days.',
        place: { x: 12, y: 32, w: 12, h: 8 },
        unit: 's',
        min: 0,
        queries: [
          {
            expr: 'time() - max without (instance) (ml_model_baseline_timestamp_seconds{model=~"$model", version=~"$version"})',
            legend: '{{model}} {{version}}',
          },
        ],
      }),
    ],
  );
