import type { AlertNotification } from '../domain/alert.ts';
import { severityWord } from '../domain/alert.ts';
import type { Log } from '../domain/log.ts';
import { ServiceError } from '../domain/service-error.ts';
import { readNotification } from './read-notification.ts';

export interface RecordDependencies {
  /** Stores all of them or none; returns those that were not stored before. */
  readonly store: {
    record(notifications: readonly AlertNotification[], nowMs: number): Promise<readonly AlertNotification[]>;
  };
  readonly meter: { alertNotified(alertname: string, severity: string, status: string, seconds: number | null): void };
  /** Told of what was stored now for the first time. */
  readonly onNews: (news: readonly AlertNotification[]) => Promise<void>;
  readonly now: () => number;
  readonly log: Log;
}

export interface RecordReply {
  /** Read and stored, now or before. */
  readonly accepted: number;
  readonly news: number;
  readonly rejected: number;
  readonly truncated: number;
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
}

/**
 * Keeps what Alertmanager tells, before the reply. Delivery is at least once and in any order: an incident is known by fingerprint and
 * start, its end is final, and what was heard before changes nothing. Throws ServiceError invalid when nothing in the message can be read.
 */
export async function recordNotification(message: unknown, deps: RecordDependencies): Promise<RecordReply> {
  const { notifications, errors, truncated } = readNotification(message);
  if (notifications.length === 0 && errors.length > 0)
    throw new ServiceError('invalid', 'This is not a webhook message of Alertmanager that could be stored.', {
      fields: errors,
    });
  const unique = oneByIncident(notifications);
  const news = unique.length === 0 ? [] : await deps.store.record(unique, deps.now());
  for (const { labels, status, startsAtMs, endsAtMs } of news)
    deps.meter.alertNotified(
      labels.alertname ?? '',
      severityWord(labels.severity ?? ''),
      status,
      endsAtMs === null ? null : (endsAtMs - startsAtMs) / 1000,
    );
  await deps.onNews(news);
  if (truncated > 0)
    deps.log.warn({ truncated }, 'Alertmanager left alerts out of a message; set max_alerts: 0 for this receiver');
  return { accepted: notifications.length, news: news.length, rejected: errors.length, truncated, errors };
}

/** A statement cannot touch a row twice; the end of an incident says more than its start. */
function oneByIncident(notifications: readonly AlertNotification[]): readonly AlertNotification[] {
  const byIncident = new Map<string, AlertNotification>();
  for (const one of notifications) {
    const key = `${one.fingerprint}\0${one.startsAtMs}`;
    if (byIncident.get(key)?.status !== 'resolved') byIncident.set(key, one);
  }
  return [...byIncident.values()];
}
