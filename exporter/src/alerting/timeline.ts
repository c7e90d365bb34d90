import type { StoredAlert } from '../domain/alert.ts';
import type { JobEvent, ToldJob } from '../domain/retraining.ts';
import type { Maintenance } from './alertmanager.ts';

/** Something that happened to a model. */
export interface TimelineEvent {
  readonly kind: 'alert' | 'acknowledged' | 'verdict' | 'job' | 'gate' | 'stage' | 'baseline' | 'maintenance';
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

/** What a model's story is made of. */
export interface TimelineParts {
  readonly alerts: readonly StoredAlert[];
  readonly jobs: readonly ToldJob[];
  readonly baselines: readonly BaselineMade[];
  readonly maintenance: readonly Maintenance[];
}

/** One story of a model, in order of time. */
export function timelineOf({ alerts, jobs, baselines, maintenance }: TimelineParts): readonly TimelineEvent[] {
  const events: TimelineEvent[] = [...alerts.flatMap(eventsOf), ...jobs.flatMap(eventsOfJob)];
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

/** The job itself, then what its gate, a person and the stages of its rollout said. */
function eventsOfJob({ job, events }: ToldJob): TimelineEvent[] {
  const { state, champion, facts, trigger, requestedBy, reasons } = job;
  const version = facts.training?.candidate.version ?? champion.version;
  const finished = Number.isFinite(job.finishedAtMs);
  const why = reasons.map(({ code, note }) => (note === '' ? spaced(code) : `${spaced(code)}: ${note}`));
  const whole: TimelineEvent = {
    ...MOMENT,
    kind: 'job',
    atMs: job.createdAtMs,
    untilMs: finished ? job.finishedAtMs : null,
    version,
    title: `Retraining ${finished ? spaced(state) : `under way: ${spaced(state)}`}`,
    text: [
      `${trigger}, asked for by ${requestedBy}`,
      ...why,
      ...(facts.error === undefined ? [] : [facts.error.message]),
    ].join('; '),
  };
  const steps = events.flatMap((event) => {
    const told = stepOf(event);
    return told === null ? [] : [{ ...MOMENT, ...told, atMs: event.atMs, version }];
  });
  return [whole, ...steps];
}

function stepOf({ kind, from, to, actor, detail }: JobEvent): Pick<TimelineEvent, 'kind' | 'title' | 'text'> | null {
  if (kind === 'approved' || kind === 'rejected')
    return { kind: 'gate', title: `Candidate ${kind} by ${actor}`, text: words(detail.note) };
  if (kind === 'stage_applied' || kind === 'stage_passed')
    return {
      kind: 'stage',
      title: `Stage ${words(detail.stage)} ${kind === 'stage_applied' ? 'begins' : 'passed'}`,
      text: words(detail.reasons),
    };
  if (kind !== 'transition') return null;
  if (from === 'validating' && detail.verdict !== undefined)
    return { kind: 'gate', title: `Gate: ${words(detail.verdict)}`, text: words(detail.reasons) };
  if (to === 'monitoring') return { kind: 'stage', title: 'Promoted', text: '' };
  return to === 'rolled_back' ? { kind: 'stage', title: 'Rolled back', text: words(detail.reason) } : null;
}

function words(value: unknown): string {
  if (Array.isArray(value)) return value.map(words).join('; ');
  return typeof value === 'string' ? value : '';
}

function spaced(code: string): string {
  return code.replaceAll('_', ' ');
}
