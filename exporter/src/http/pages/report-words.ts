import type { ModelReport } from '../../domain/model-report.ts';
import { CHECK_NAMES } from '../../domain/settings.ts';

/** From worst to best. `incomplete`: nothing is wrong as far as there is data, but some checks have none. */
export const STATUSES = ['alert', 'warning', 'incomplete', 'healthy'] as const;
export type Status = (typeof STATUSES)[number];
export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  alert: 'in alert',
  warning: 'with warnings',
  incomplete: 'incomplete',
  healthy: 'healthy',
};
/** Weights add up to 1 only up to this. */
const ROUNDING = 1e-9;
const SEVERITIES: readonly ModelReport['severity'][] = ['high', 'medium', 'low', 'none'];

interface Ranked {
  readonly report: ModelReport;
  readonly status: Status;
}

/** What needs a person comes first. */
export function worstFirst(reports: readonly ModelReport[]): readonly Ranked[] {
  return reports
    .map((report) => ({ report, status: statusOf(report) }))
    .sort(
      (a, b) =>
        STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status) ||
        SEVERITIES.indexOf(a.report.severity) - SEVERITIES.indexOf(b.report.severity) ||
        scoreOrder(a.report) - scoreOrder(b.report) ||
        (a.report.model < b.report.model ? -1 : 1),
    );
}

/** The page of a version. */
export function modelLink(model: string, version: string): string {
  return `/admin/ml/models/${encodeURIComponent(model)}?version=${encodeURIComponent(version)}`;
}

export function timeHtml(ms: number): string {
  return timeTo('second', ms);
}

export function minuteHtml(ms: number): string {
  return timeTo('minute', ms);
}

function timeTo(grain: 'second' | 'minute', ms: number): string {
  const iso = new Date(ms).toISOString();
  return `<time datetime="${iso}">${iso.slice(0, grain === 'second' ? 19 : 16).replace('T', ' ')} UTC</time>`;
}

/** The level, and how much of the weight stands behind it where that is not all. */
export function scoreNote({ level, coverage }: ModelReport['health']): string {
  if (level === 'unknown') return 'no data';
  return coverage > 1 - ROUNDING ? level : `${level}, ${Math.floor(100 * coverage + ROUNDING)} % covered`;
}

export function statusOf({ checks }: ModelReport): Status {
  const states = CHECK_NAMES.map((name) => checks[name].state);
  if (states.includes('alert')) return 'alert';
  if (states.includes('warning')) return 'warning';
  return states.includes('insufficient_data') ? 'incomplete' : 'healthy';
}

/** One decimal, never rounded up into another level. */
export function floorScore(score: number): string {
  return (Math.floor(score * 10) / 10).toFixed(1);
}

function scoreOrder({ health }: ModelReport): number {
  return Number.isNaN(health.score) ? -1 : health.score;
}

export function words(name: string): string {
  return name.replaceAll('_', ' ');
}

export function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
