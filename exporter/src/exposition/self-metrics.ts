import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Family, MetricType } from './families.ts';
import { alertFamilies, exporterFamilies as families } from './families.ts';
import { boundText, labelText, samplePrefix, valueText } from './sample-text.ts';
import type { ExpositionFormat } from './text-format.ts';

/** What the exporter says of itself. Times are epoch milliseconds. A gauge is absent until it is first set. */
export interface SelfMetrics {
  readonly databaseUp: (up: boolean) => void;
  /** Whether this process is the one that evaluates. */
  readonly leaseHeld: (held: boolean) => void;
  /** After each load of the configuration, the first one included. */
  readonly configReloaded: (successful: boolean, atMs: number) => void;
  /** Whether a check ran for every model in the evaluation just ended. */
  readonly checkEvaluated: (check: string, success: boolean) => void;
  /** After each evaluation of all models; `success`: no check failed. */
  readonly evaluated: (durationSeconds: number, success: boolean, endedAtMs: number) => void;
  readonly ingestQueue: (length: number, capacity: number) => void;
  /** Counts of intake, in records. */
  readonly ingest: {
    readonly accepted: (kind: string, records: number) => void;
    readonly duplicates: (kind: string, records: number) => void;
    readonly rejected: (kind: string, reason: string, records: number) => void;
  };
  /** News of an alert; `seconds`: how long it fired, null while it does. */
  readonly alertNotified: (alertname: string, severity: string, status: string, seconds: number | null) => void;
  readonly alertJudged: (alertname: string, verdict: string) => void;
  readonly alertAcknowledged: (alertname: string, seconds: number) => void;
  readonly render: (format: ExpositionFormat) => Promise<string>;
}

export interface Build {
  readonly version: string;
  readonly revision: string;
}

/** Gauges of prom-client whose names end like a counter's, which promtool refuses. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

const OTHER = '__other__';
const MAX_ALERT_NAMES = 100;
const SEVERITIES: ReadonlySet<string> = new Set(['high', 'medium', 'low', 'none', '']);
/** A minute to a week. */
const ALERT_BUCKETS = [60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600, 86_400, 3 * 86_400, 7 * 86_400];

/** @param kinds values of `kind`: their counters start at 0, so that the first increase is one */
export function createSelfMetrics(build: Build, kinds: readonly string[]): SelfMetrics {
  const registry = new Registry();
  const gauge = (family: Family) => new Gauge(definition(family, registry));
  const counter = (family: Family) => new Counter(definition(family, registry));
  const alertTimes = (family: Family) => new Histogram({ ...definition(family, registry), buckets: ALERT_BUCKETS });
  const notifications = counter(alertFamilies.notifications);
  const verdicts = counter(alertFamilies.verdicts);
  const timeToAcknowledge = alertTimes(alertFamilies.timeToAcknowledge);
  const alertDuration = alertTimes(alertFamilies.duration);
  const alertLabel = cappedNames(MAX_ALERT_NAMES);
  const databaseUp = settable(gauge(families.databaseUp));
  const leader = settable(gauge(families.leader));
  const reloadSuccessful = settable(gauge(families.configLastReloadSuccessful));
  const reloadTimestamp = settable(gauge(families.configLastReloadSuccessTimestamp));
  const evaluationDuration = settable(gauge(families.evaluationDuration));
  const evaluationTimestamp = settable(gauge(families.evaluationLastSuccessTimestamp));
  const queueLength = settable(gauge(families.ingestQueueLength));
  const queueCapacity = settable(gauge(families.ingestQueueCapacity));
  const evaluationSuccess = gauge(families.evaluationSuccess);
  const records = counter(families.ingestRecords);
  const duplicates = counter(families.ingestDuplicates);
  const rejected = counter(families.ingestRejected);
  gauge(families.buildInfo).set({ ...build }, 1);
  for (const kind of kinds) for (const metric of [records, duplicates]) metric.inc({ kind }, 0);
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);

  return {
    databaseUp: (up) => databaseUp(Number(up)),
    leaseHeld: (held) => leader(Number(held)),
    configReloaded: (successful, atMs) => {
      reloadSuccessful(Number(successful));
      if (successful) reloadTimestamp(atMs / 1000);
    },
    checkEvaluated: (check, success) => evaluationSuccess.set({ check }, Number(success)),
    evaluated: (durationSeconds, success, endedAtMs) => {
      evaluationDuration(durationSeconds);
      if (success) evaluationTimestamp(endedAtMs / 1000);
    },
    ingestQueue: (length, capacity) => {
      queueLength(length);
      queueCapacity(capacity);
    },
    ingest: {
      accepted: (kind, count) => records.inc({ kind }, count),
      duplicates: (kind, count) => duplicates.inc({ kind }, count),
      rejected: (kind, reason, count) => rejected.inc({ kind, reason }, count),
    },
    alertNotified: (name, severity, status, seconds) => {
      const alertname = alertLabel(name);
      notifications.inc({ alertname, severity: SEVERITIES.has(severity) ? severity : OTHER, status });
      if (seconds !== null) alertDuration.observe({ alertname }, seconds);
    },
    alertJudged: (name, verdict) => verdicts.inc({ alertname: alertLabel(name), verdict }),
    alertAcknowledged: (name, seconds) => timeToAcknowledge.observe({ alertname: alertLabel(name) }, seconds),
    render: (format) => renderRegistry(registry, format),
  };
}

/** Names that come from outside: after so many of them all others are one. */
function cappedNames(max: number): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    if (known.size >= max) return OTHER;
    known.add(name);
    return name;
  };
}

function definition({ name, help, labels }: Family, registry: Registry) {
  return { name, help, labelNames: labels, registers: [registry] };
}

/** prom-client shows a gauge without labels as 0 from the start; a time of 0 or a database that is "down" before anyone looked are lies. */
function settable(gauge: Gauge): (value: number) => void {
  gauge.remove();
  return (value) => gauge.set(value);
}

/** A metric as getMetricsAsJSON has it. */
interface MetricJson {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number>>;
    readonly value: number;
    readonly metricName?: string;
  }[];
}

/**
 * Both formats come from the metrics' JSON. registry.metrics() would do for the text format only: a single render as OpenMetrics renames
 * its counters for good (https://github.com/siimon/prom-client/issues/794).
 */
async function renderRegistry(registry: Registry, format: ExpositionFormat): Promise<string> {
  // Its types call `type` an enum and leave `metricName` out.
  const metrics = (await registry.getMetricsAsJSON()) as unknown as readonly MetricJson[];
  let text = '';
  for (const metric of metrics) {
    if (metric.values.length === 0) continue;
    text += format.header(metric);
    for (const { labels, value, metricName = metric.name } of metric.values) {
      const names = Object.keys(labels);
      const values = names.map((name) => labelValue(name, labels[name]!));
      text += `${samplePrefix(metricName, labelText(names, values))}${valueText(value)}\n`;
    }
  }
  return text;
}

function labelValue(name: string, value: string | number): string {
  return name === 'le' && typeof value === 'number' ? boundText(value) : String(value);
}
