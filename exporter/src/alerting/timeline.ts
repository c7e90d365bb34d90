import type { StoredAlert } from '../domain/alert.ts';
import type { Maintenance } from './alertmanager.ts';

/** Something that happened to a model. */
export interface TimelineEvent {
  readonly kind: 'alert' | 'acknowledged' | 'verdict' | 'baseline' | 'maintenance';
  readonly atMs: number;
  /** null: a moment, or not over yet. */
  readonly untilMs: number | null;
  readonly version: string;
  readonly title: string;
  readonly text: string;
  readonly severity: string;
  /** Of the alert that it belongs to. */
  readonly alertId: string | null;
}

export interface BaselineMade {
  readonly version: string;
  readonly madeAtMs: number;
  readonly kind: string;
  readonly rows: number;
}

/** One story of a model, in order of time. */
export function timelineOf(
  alerts: readonly StoredAlert[],
  baselines: readonly BaselineMade[],
  maintenance: readonly Maintenance[],
): readonly TimelineEvent[] {
  const events: TimelineEvent[] = alerts.flatMap(eventsOf);
  for (const { version, madeAtMs, kind, rows } of baselines)
    events.push({
      ...MOMENT,
      kind: 'baseline',
      atMs: madeAtMs,
      version,
      title: `New baseline (${kind})`,
      text: `${rows} rows`,
    });
  for (const { version, fromMs, toMs, by, reason } of maintenance)
    events.push({
      ...MOMENT,
      kind: 'maintenance',
      atMs: fromMs,
      untilMs: toMs,
      version,
      title: `Maintenance by ${by}`,
      text: reason,
    });
  return events.sort((a, b) => a.atMs - b.atMs);
}

const MOMENT = { untilMs: null, severity: '', alertId: null };

function eventsOf(alert: StoredAlert): TimelineEvent[] {
  const of = { untilMs: null, version: alert.version, severity: alert.severity, alertId: alert.id };
  const events: TimelineEvent[] = [
    {
      ...of,
      kind: 'alert',
      atMs: alert.startsAtMs,
      untilMs: alert.endsAtMs,
      title: alert.annotations.summary ?? alert.alertname,
      text: alert.annotations.description ?? '',
    },
  ];
  if (alert.acknowledged !== null) {
    const { by, atMs, note } = alert.acknowledged;
    events.push({ ...of, kind: 'acknowledged', atMs, title: `${alert.alertname} acknowledged by ${by}`, text: note });
  }
  if (alert.verdict !== null) {
    const { verdict, decidedBy, decidedAtMs, note } = alert.verdict;
    events.push({
      ...of,
      kind: 'verdict',
      atMs: decidedAtMs,
      title: `${alert.alertname}: ${verdict}, by ${decidedBy}`,
      text: note,
    });
  }
  return events;
}
