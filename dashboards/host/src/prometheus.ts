// A data source over Prometheus's HTTP API whose frames have the shapes of Grafana's own.
import * as D from '@grafana/data';

interface Target extends D.DataQuery {
  expr: string;
  instant?: boolean;
  range?: boolean;
  format?: string;
  legendFormat?: string;
}
interface Result {
  metric: Record<string, string>;
  values: [seconds: number, value: string][];
}
type Replace = (text: string, variables?: D.ScopedVars, format?: unknown) => string;

const SCRAPE_S = 5;
const api = async (path: string, parameters: Record<string, string>) => {
  const answer = await (
    await fetch(`/api/prometheus/${path}`, { method: 'POST', body: new URLSearchParams(parameters) })
  ).json();
  if (answer.status !== 'success') throw new Error(answer.error ?? answer.detail ?? 'Prometheus gave no answer');
  return answer.data;
};
const numberOf = (text: string) => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));

/** A value of a variable within a matcher, as Grafana's Prometheus data source escapes it. */
export function inMatcher(value: string | string[], variable?: { multi?: boolean; includeAll?: boolean }): string {
  const escape = (text: string) => text.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');
  if (Array.isArray(value)) return value.length === 1 ? escape(value[0]) : `(${value.map(escape).join('|')})`;
  return value === '.*' || !(variable?.multi || variable?.includeAll) ? value : escape(value);
}

export class PrometheusSource extends D.DataSourceApi<Target> {
  private readonly replace: Replace;

  constructor(settings: D.DataSourceInstanceSettings, replace: Replace) {
    super(settings);
    this.replace = replace;
  }

  async testDatasource() {
    return { status: 'success' as const, message: 'ok' };
  }

  async query(request: D.DataQueryRequest<Target>): Promise<D.DataQueryResponse> {
    const errors: D.DataQueryError[] = [];
    const several = request.targets.length > 1;
    const answers = await Promise.all(
      request.targets
        .filter(({ hide, expr }) => !hide && expr)
        .map(async (target) => {
          try {
            const results = await this.ask(target, request);
            return target.format === 'table'
              ? [tableOf(target, results, several)]
              : results.map((result) => seriesOf(target, result));
          } catch (error) {
            errors.push({ refId: target.refId, message: (error as Error).message });
            return [];
          }
        }),
    );
    return { data: answers.flat(), errors: errors.length > 0 ? errors : undefined };
  }

  private async ask(target: Target, { range, intervalMs, scopedVars }: D.DataQueryRequest<Target>): Promise<Result[]> {
    const [from, to] = [range.from.valueOf() / 1_000, range.to.valueOf() / 1_000];
    const step = Math.max(SCRAPE_S, Math.ceil(intervalMs / 1_000));
    const of = (text: string) => ({ text, value: text });
    const variables = {
      ...scopedVars,
      __range: of(`${Math.max(1, Math.ceil(to - from))}s`),
      __interval: of(`${step}s`),
      __rate_interval: of(`${Math.max(4 * SCRAPE_S, step + SCRAPE_S)}s`),
    };
    const query = this.replace(target.expr, variables, inMatcher);
    if (target.instant) {
      const { result } = await api('query', { query, time: String(to) });
      return result.map(({ metric, value }: { metric: Result['metric']; value: Result['values'][0] }) => ({
        metric,
        values: [value],
      }));
    }
    const aligned = (time: number) => String(Math.floor(time / step) * step);
    return (await api('query_range', { query, start: aligned(from), end: aligned(to), step: String(step) })).result;
  }

  override async metricFindQuery(
    query: string | { query: string },
    options?: { scopedVars?: D.ScopedVars },
  ): Promise<D.MetricFindValue[]> {
    const text = this.replace(typeof query === 'string' ? query : query.query, options?.scopedVars, inMatcher);
    const parts = /^label_values\((?:(.+),\s*)?(\w+)\)$/.exec(text);
    if (parts === null) throw new Error(`the stand-in host knows label_values(...) only, not ${text}`);
    const search = parts[1] ? `?${new URLSearchParams({ 'match[]': parts[1] })}` : '';
    const { data = [] } = await (await fetch(`/api/prometheus/label/${parts[2]}/values${search}`)).json();
    return data.map((value: string) => ({ text: value }));
  }
}

function seriesOf({ refId, legendFormat }: Target, { metric, values }: Result): D.DataFrame {
  const { __name__ = '', ...labels } = metric;
  const written = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  const name = legendFormat
    ? legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) =>
        Object.hasOwn(metric, label) ? metric[label] : '',
      )
    : `${__name__}{${written.join(', ')}}`;
  return {
    refId,
    name,
    length: values.length,
    meta: { type: D.DataFrameType.TimeSeriesMulti },
    fields: [
      { name: 'Time', type: D.FieldType.time, config: {}, values: values.map(([seconds]) => seconds * 1_000) },
      {
        name: 'Value',
        type: D.FieldType.number,
        config: { displayNameFromDS: name },
        labels: metric,
        values: values.map(([, value]) => numberOf(value)),
      },
    ],
  };
}

function tableOf({ refId }: Target, results: Result[], several: boolean): D.DataFrame {
  const names = [...new Set(results.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return {
    refId,
    length: results.length,
    meta: { preferredVisualisationType: 'table' },
    fields: [
      { name: 'Time', type: D.FieldType.time, config: {}, values: results.map(({ values }) => values[0][0] * 1_000) },
      ...names.map((name) => ({
        name,
        type: D.FieldType.string,
        config: {},
        values: results.map(({ metric }) => metric[name] ?? ''),
      })),
      {
        name: several ? `Value #${refId}` : 'Value',
        type: D.FieldType.number,
        config: {},
        values: results.map(({ values }) => numberOf(values[0][1])),
      },
    ],
  };
}
