import type { BackTest } from '../alerting/back-test.ts';
import type { Effectiveness, Share } from '../alerting/effectiveness.ts';
import type { TimelineEvent } from '../alerting/timeline.ts';
import type { StoredAlert } from '../domain/alert.ts';
import type { BackTestQuestion } from './services.ts';

/** Alerts as the API shows them: snake_case, times as RFC 3339, null for what is not known. */

export function alertJson(alert: StoredAlert): object {
  const { acknowledged, verdict } = alert;
  return {
    id: alert.id,
    alertname: alert.alertname,
    severity: alert.severity,
    model: alert.model,
    version: alert.version,
    check: alert.check,
    status: alert.status,
    starts_at: iso(alert.startsAtMs),
    ends_at: alert.endsAtMs === null ? null : iso(alert.endsAtMs),
    summary: alert.annotations.summary ?? '',
    description: alert.annotations.description ?? '',
    labels: alert.labels,
    annotations: alert.annotations,
    suppressed: alert.suppressed,
    fingerprint: alert.fingerprint,
    acknowledged:
      acknowledged === null ? null : { by: acknowledged.by, at: iso(acknowledged.atMs), note: acknowledged.note },
    verdict:
      verdict === null
        ? null
        : {
            verdict: verdict.verdict,
            source: verdict.source,
            by: verdict.decidedBy,
            at: iso(verdict.decidedAtMs),
            note: verdict.note,
          },
  };
}

export function effectivenessJson({ rules, losses, misses }: Effectiveness): object {
  return {
    rules: rules.map((rule) => ({
      alertname: rule.alertname,
      fired: rule.fired,
      suppressed: rule.suppressed,
      verdicts: rule.verdicts,
      precision: shareJson(rule.precision),
      recall: rule.recall === null ? null : shareJson(rule.recall),
      foretold: rule.foretold,
      lead_time_seconds: figure(rule.leadTimeSeconds),
      acknowledged: rule.acknowledged,
      time_to_acknowledge_seconds: figure(rule.timeToAcknowledgeSeconds),
    })),
    losses,
    misses: misses.map(({ model, version, fromMs, toMs }) => ({ model, version, from: iso(fromMs), to: iso(toMs) })),
  };
}

export function backTestJson({ fromMs, toMs, ...question }: BackTestQuestion, found: BackTest): object {
  return {
    ...question,
    from: iso(fromMs),
    to: iso(toMs),
    evaluations: found.evaluations,
    too_few_samples: found.tooFewSamples,
    with_loss: found.fired.filter(({ withLoss }) => withLoss).length,
    fired: found.fired.map((episode) => ({
      from: iso(episode.fromMs),
      to: iso(episode.toMs),
      peak: episode.peak,
      samples: episode.samples,
      with_loss: episode.withLoss,
    })),
  };
}

export function timelineJson(events: readonly TimelineEvent[]): readonly object[] {
  return events.map(({ kind, atMs, untilMs, version, title, text, severity, alertId }) => ({
    kind,
    at: iso(atMs),
    until: untilMs === null ? null : iso(untilMs),
    version,
    title,
    text,
    severity,
    alert_id: alertId,
  }));
}

/** Grafana's annotations: https://grafana.com/docs/grafana/latest/developers/http_api/annotations/ */
export function annotationsJson(events: readonly TimelineEvent[], model: string): readonly object[] {
  return events.map(({ kind, atMs, untilMs, title, text, severity }) => ({
    time: atMs,
    ...(untilMs === null ? {} : { timeEnd: untilMs }),
    title,
    text: text === '' ? title : `${title}: ${text}`,
    tags: [kind, model, ...(severity === '' ? [] : [severity])],
  }));
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function shareJson({ value, lower, upper, of }: Share): object {
  return { value: figure(value), lower: figure(lower), upper: figure(upper), of };
}

function figure(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
