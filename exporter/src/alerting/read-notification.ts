import type { AlertNotification, AlertStatus } from '../domain/alert.ts';

export interface ReadNotifications {
  readonly notifications: readonly AlertNotification[];
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  /** Alerts that Alertmanager left out of the message (max_alerts of the receiver). */
  readonly truncated: number;
}

const MAX_LABELS = 200;
const MAX_TEXT = 16_384;
const MAX_FINGERPRINT = 64;

/**
 * Alertmanager's webhook message, version 4 (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config). An alert that
 * cannot be read does not sink the others. Never throws; a message that is none at all has one error and no notifications.
 */
export function readNotification(message: unknown): ReadNotifications {
  if (!isObject(message)) return refused('', 'must be an object: the webhook message of Alertmanager');
  if (message.version !== '4') return refused('/version', 'must be "4", the message of Alertmanager 0.16 and newer');
  if (!Array.isArray(message.alerts)) return refused('/alerts', 'must be an array');
  const receiver = typeof message.receiver === 'string' ? clean(message.receiver) : '';
  const notifications: AlertNotification[] = [];
  const errors: { pointer: string; detail: string }[] = [];
  (message.alerts as readonly unknown[]).forEach((alert, index) => {
    const read = readAlert(alert, receiver);
    if ('detail' in read) errors.push({ pointer: `/alerts/${index}${read.pointer}`, detail: read.detail });
    else notifications.push(read);
  });
  const truncated = Number(message.truncatedAlerts ?? 0);
  return { notifications, errors, truncated: Number.isFinite(truncated) ? truncated : 0 };
}

function refused(pointer: string, detail: string): ReadNotifications {
  return { notifications: [], errors: [{ pointer, detail }], truncated: 0 };
}

function readAlert(
  alert: unknown,
  receiver: string,
): AlertNotification | { readonly pointer: string; readonly detail: string } {
  if (!isObject(alert)) return { pointer: '', detail: 'must be an object' };
  const { status, fingerprint } = alert;
  if (status !== 'firing' && status !== 'resolved') return { pointer: '/status', detail: 'must be firing or resolved' };
  if (typeof fingerprint !== 'string' || fingerprint === '' || fingerprint.length > MAX_FINGERPRINT)
    return { pointer: '/fingerprint', detail: `must be a text of 1 to ${MAX_FINGERPRINT} characters` };
  const labels = readTexts(alert.labels);
  if (labels === null || labels.alertname === undefined)
    return { pointer: '/labels', detail: `must be at most ${MAX_LABELS} texts by name, alertname among them` };
  const annotations = readTexts(alert.annotations ?? {});
  if (annotations === null) return { pointer: '/annotations', detail: `must be at most ${MAX_LABELS} texts by name` };
  const startsAtMs = readTime(alert.startsAt);
  if (startsAtMs === null) return { pointer: '/startsAt', detail: 'must be a time' };
  return {
    fingerprint: clean(fingerprint),
    startsAtMs,
    endsAtMs: endOf(status, readTime(alert.endsAt), startsAtMs),
    status,
    labels,
    annotations,
    generatorUrl: typeof alert.generatorURL === 'string' ? clean(alert.generatorURL) : '',
    receiver,
    suppressed: null,
  };
}

/** Alertmanager writes the year 1 for an end that is not known. An end before the start comes from clocks that disagree. */
function endOf(status: AlertStatus, endsAtMs: number | null, startsAtMs: number): number | null {
  if (status === 'firing') return null;
  return Math.max(endsAtMs ?? startsAtMs, startsAtMs);
}

/** null: no time, or one before 1970 or after 9999, which the database could not hold with its zone. */
export function readTime(value: unknown): number | null {
  const ms = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : NaN;
  return ms > 0 && ms < Date.UTC(9999, 0) ? ms : null;
}

export function readTexts(value: unknown): Record<string, string> | null {
  if (!isObject(value)) return null;
  const entries = Object.entries(value);
  if (entries.length > MAX_LABELS || entries.some(([, text]) => typeof text !== 'string')) return null;
  return Object.fromEntries(entries.map(([name, text]) => [clean(name), clean(text as string)]));
}

/** PostgreSQL takes neither NUL nor half a surrogate pair in a text; a label may carry both. */
function clean(text: string): string {
  return text
    .slice(0, MAX_TEXT)
    .replaceAll(/\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
