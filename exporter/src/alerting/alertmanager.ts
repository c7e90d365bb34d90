import type { AlertNotification, Suppression } from '../domain/alert.ts';
import { ServiceError } from '../domain/service-error.ts';
import { readTexts, readTime } from './read-notification.ts';

/** A maintenance window: alerts of a model that nobody is told of. A silence in Alertmanager, which keeps it. */
export interface Maintenance {
  readonly id: string;
  readonly model: string;
  /** '' for all versions. */
  readonly version: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly by: string;
  readonly reason: string;
  readonly state: string;
}

export interface AlertmanagerClient {
  /** Everything that it knows of models: also what is silenced or inhibited, and reaches no webhook. */
  alerts(): Promise<readonly AlertNotification[]>;
  maintenance(): Promise<readonly Maintenance[]>;
  /** Returns the silence's id. */
  startMaintenance(window: Omit<Maintenance, 'id' | 'state'>): Promise<string>;
  endMaintenance(id: string): Promise<void>;
}

type Fetch = (url: string, options: RequestInit) => Promise<Response>;
const TIMEOUT_MS = 5_000;
const OURS = /^ML[A-Z]/;

/**
 * Alertmanager's API v2 at `url`, without a slash at the end. Rejects with ServiceError invalid for what Alertmanager refuses, in its
 * words, and unavailable when it does not answer as it should.
 */
export function alertmanagerClient(url: string, fetch: Fetch): AlertmanagerClient {
  const call = async (path: string, options: RequestInit = {}): Promise<unknown> => {
    try {
      const response = await fetch(`${url}/api/v2${path}`, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
      const body = await response.text();
      if (response.status === 400) throw new ServiceError('invalid', `Alertmanager refuses it: ${refusal(body)}.`);
      if (!response.ok) throw new Error(`it answered ${response.status}: ${body.slice(0, 200)}`);
      return body === '' ? null : (JSON.parse(body) as unknown);
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      throw new ServiceError('unavailable', 'Alertmanager (alerts.alertmanager_url) does not answer as it should.', {
        cause: error,
      });
    }
  };
  return {
    alerts: async () => list(await call('/alerts?active=true&silenced=true&inhibited=true')).flatMap(readAlert),
    maintenance: async () => list(await call('/silences')).flatMap(readSilence),
    startMaintenance: async ({ model, version, fromMs, toMs, by, reason }) => {
      const matcher = (name: string, value: string) => ({ name, value, isRegex: false, isEqual: true });
      const created = await call('/silences', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          matchers: [matcher('model', model), ...(version === '' ? [] : [matcher('version', version)])],
          startsAt: new Date(fromMs).toISOString(),
          endsAt: new Date(toMs).toISOString(),
          createdBy: by,
          comment: reason,
        }),
      });
      return text((created as { silenceID?: unknown } | null)?.silenceID);
    },
    endMaintenance: async (id) => {
      await call(`/silence/${encodeURIComponent(id)}`, { method: 'DELETE' });
    },
  };
}

/** An alert of GET /api/v2/alerts; those that are not ours, or cannot be read, are left out. All that it lists is firing. */
function readAlert(alert: Readonly<Record<string, unknown>>): AlertNotification[] {
  const labels = readTexts(alert.labels);
  const annotations = readTexts(alert.annotations ?? {});
  const startsAtMs = readTime(alert.startsAt);
  const { fingerprint, generatorURL: generatorUrl } = alert;
  if (labels === null || annotations === null || startsAtMs === null || typeof fingerprint !== 'string') return [];
  if (!OURS.test(labels.alertname ?? '')) return [];
  return [
    {
      fingerprint,
      startsAtMs,
      endsAtMs: null,
      status: 'firing',
      labels,
      annotations,
      generatorUrl: typeof generatorUrl === 'string' ? generatorUrl : '',
      receiver: null,
      suppressed: suppressionOf(alert.status),
    },
  ];
}

function suppressionOf(status: unknown): Suppression | null {
  const { silencedBy, inhibitedBy } = (status ?? {}) as { silencedBy?: unknown; inhibitedBy?: unknown };
  if (Array.isArray(silencedBy) && silencedBy.length > 0) return 'silenced';
  return Array.isArray(inhibitedBy) && inhibitedBy.length > 0 ? 'inhibited' : null;
}

function readSilence(silence: Readonly<Record<string, unknown>>): Maintenance[] {
  const matchers = list(silence.matchers).filter(({ isRegex, isEqual }) => isRegex !== true && isEqual !== false);
  const valueOf = (name: string) => matchers.find((matcher) => matcher.name === name)?.value;
  const model = valueOf('model');
  const version = valueOf('version');
  const fromMs = readTime(silence.startsAt);
  const toMs = readTime(silence.endsAt);
  if (typeof model !== 'string' || fromMs === null || toMs === null) return [];
  const { state } = (silence.status ?? {}) as { state?: unknown };
  return [
    {
      id: text(silence.id),
      model,
      version: typeof version === 'string' ? version : '',
      fromMs,
      toMs,
      by: text(silence.createdBy),
      reason: text(silence.comment),
      state: typeof state === 'string' ? state : '',
    },
  ];
}

/** A JSON text, or what a proxy says. */
function refusal(body: string): string {
  try {
    const said: unknown = JSON.parse(body);
    if (typeof said === 'string') return said.slice(0, 200);
  } catch {
    // Then as it is.
  }
  return body.trim().slice(0, 200);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? (value as readonly Readonly<Record<string, unknown>>[]) : [];
}
