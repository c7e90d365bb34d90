/** What an alert was worth. benign: it was so, and did no harm. duplicate: another alert said the same. unactionable: nothing can be done. */
export const VERDICTS = ['true', 'false', 'benign', 'duplicate', 'unactionable'] as const;
export type Verdict = (typeof VERDICTS)[number];
export type AlertStatus = 'firing' | 'resolved';
/** Why Alertmanager told nobody. */
export type Suppression = 'silenced' | 'inhibited';

/** One alert as Alertmanager tells it, checked. Times are epoch milliseconds. */
export interface AlertNotification {
  /** Of its labels; the same alert has the same one each time it fires. */
  readonly fingerprint: string;
  readonly startsAtMs: number;
  /** null while it fires. */
  readonly endsAtMs: number | null;
  readonly status: AlertStatus;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly generatorUrl: string;
  /** Who was told; null when it was only seen, by asking Alertmanager. */
  readonly receiver: string | null;
  readonly suppressed: Suppression | null;
}

export interface AlertVerdict {
  readonly verdict: Verdict;
  /** labels: later ground truth decided. */
  readonly source: 'person' | 'labels';
  readonly decidedBy: string;
  readonly note: string;
  readonly decidedAtMs: number;
}

/** One incident: an alert from when it began to fire until it ended. */
export interface StoredAlert {
  readonly id: string;
  readonly fingerprint: string;
  readonly alertname: string;
  readonly severity: string;
  /** '' for an alert of the exporter itself. */
  readonly model: string;
  readonly version: string;
  readonly check: string;
  readonly status: AlertStatus;
  readonly startsAtMs: number;
  readonly endsAtMs: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly suppressed: Suppression | null;
  readonly receivedAtMs: number;
  readonly acknowledged: { readonly by: string; readonly atMs: number; readonly note: string } | null;
  readonly verdict: AlertVerdict | null;
}

/** Every condition that is given must hold. Times are half-open: [fromMs, toMs), of the start of the alert. */
export interface AlertFilter {
  readonly status?: AlertStatus;
  readonly model?: string;
  readonly severity?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** A stretch of time in which the labelled performance of a version was in alert. */
export interface LossEpisode {
  readonly model: string;
  readonly version: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Length of the performance window: what is seen at a time happened up to so long before. */
  readonly windowMs: number;
}

const SYNONYMS: Readonly<Record<string, string>> = { critical: 'high', warning: 'medium', info: 'low' };

/** Severities in the words of this project: critical, warning and info are other people's high, medium and low. */
export function severityWord(severity: string): string {
  return SYNONYMS[severity] ?? severity;
}
