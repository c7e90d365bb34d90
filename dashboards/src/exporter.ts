import { buildDashboard } from './dashboard.ts';
import { figure, lines, OK_FROM_ONE } from './panels.ts';

/** The exporter itself: whether what the other dashboards say can be believed. */
export const exporter = () =>
  buildDashboard(
    {
      uid: 'model-health-exporter',
      title: 'Model health / Exporter',
      description: 'The exporter itself: database, evaluation, intake, series, process.',
      plain: true,
    },
    [
      figure({
        title: 'Exporter',
        description: 'Whether Prometheus reaches it.',
        place: { x: 0, y: 0, w: 4, h: 4 },
        thresholds: OK_FROM_ONE,
        queries: [{ expr: 'min(up and on (instance, job) ml_exporter_build_info)', legend: 'up' }],
      }),
      figure({
        title: 'Database',
        description: 'Whether the last query reached PostgreSQL.',
        place: { x: 4, y: 0, w: 4, h: 4 },
        thresholds: OK_FROM_ONE,
        queries: [{ expr: 'min(ml_exporter_database_up)', legend: 'up' }],
      }),
      figure({
        title: 'Last evaluation',
        description: 'Time since the last evaluation without a failed check.',
        place: { x: 8, y: 0, w: 4, h: 4 },
        unit: 's',
        decimals: 0,
        thresholds: [
          [null, 'green'],
          [120, 'red'],
        ],
        queries: [{ expr: 'time() - max(ml_exporter_evaluation_last_success_timestamp_seconds)', legend: 'age' }],
      }),
      figure({
        title: 'Configuration',
        description: 'Whether the last load succeeded.',
        place: { x: 12, y: 0, w: 4, h: 4 },
        thresholds: OK_FROM_ONE,
        queries: [{ expr: 'min(ml_exporter_config_last_reload_successful)', legend: 'loaded' }],
      }),
      figure({
        title: 'Version',
        description: 'The running builds.',
        place: { x: 16, y: 0, w: 8, h: 4 },
        queries: [{ expr: 'count by (version) (ml_exporter_build_info)', legend: '{{version}}' }],
      }),
      lines({
        title: 'Intake',
        description: 'Stored records a second.',
        place: { x: 0, y: 4, w: 12, h: 8 },
        unit: 'reqps',
        min: 0,
        queries: [{ expr: 'sum by (kind) (rate(ml_exporter_ingest_records_total[5m]))', legend: '{{kind}}' }],
      }),
      lines({
        title: 'Refused and repeated',
        description: 'Refused records a second, and those that were already stored.',
        place: { x: 12, y: 4, w: 12, h: 8 },
        unit: 'reqps',
        min: 0,
        queries: [
          {
            expr: 'sum by (kind, reason) (rate(ml_exporter_ingest_rejected_total[5m]))',
            legend: 'refused {{kind}} {{reason}}',
          },
          { expr: 'sum by (kind) (rate(ml_exporter_ingest_duplicates_total[5m]))', legend: 'repeated {{kind}}' },
        ],
      }),
      lines({
        title: 'Intake queue',
        description: 'Requests that wait to be stored, as a share of the room for them.',
        place: { x: 0, y: 12, w: 12, h: 8 },
        unit: 'percentunit',
        min: 0,
        queries: [
          { expr: 'ml_exporter_ingest_queue_length / ml_exporter_ingest_queue_capacity', legend: '{{instance}}' },
        ],
      }),
      lines({
        title: 'Evaluation',
        description: 'How long the last evaluation took.',
        place: { x: 12, y: 12, w: 12, h: 8 },
        unit: 's',
        min: 0,
        queries: [{ expr: 'ml_exporter_evaluation_duration_seconds', legend: '{{instance}}' }],
      }),
      lines({
        title: 'Series',
        description: 'Exposed series of each model, as a share of their limit.',
        place: { x: 0, y: 20, w: 12, h: 8 },
        unit: 'percentunit',
        min: 0,
        queries: [
          {
            expr: 'max by (model) (ml_exporter_series / on (instance, job, model) ml_exporter_series_limit)',
            legend: '{{model}}',
          },
        ],
      }),
      lines({
        title: 'Memory',
        description: 'Resident memory in bytes.',
        place: { x: 12, y: 20, w: 6, h: 8 },
        unit: 'bytes',
        min: 0,
        queries: [
          {
            expr: 'process_resident_memory_bytes and on (instance, job) ml_exporter_build_info',
            legend: '{{instance}}',
          },
        ],
      }),
      lines({
        title: 'Processor',
        description: 'Cores in use.',
        place: { x: 18, y: 20, w: 6, h: 8 },
        min: 0,
        queries: [
          {
            expr: 'rate(process_cpu_seconds_total[5m]) and on (instance, job) ml_exporter_build_info',
            legend: '{{instance}}',
          },
        ],
      }),
    ],
  );
