import type { ExpositionFormat } from './text-format.ts';

/**
 * OpenMetrics 1.0: a counter's family is named without the `_total` of its samples, and the end is marked, so that a truncated scrape
 * cannot pass for a whole one. Reference: https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export const openMetricsFormat: ExpositionFormat = {
  contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  header: ({ name, type, help }) => {
    const family = type === 'counter' ? name.replace(/_total$/, '') : name;
    return `# TYPE ${family} ${type}\n# HELP ${family} ${help}\n`;
  },
  trailer: '# EOF\n',
};
