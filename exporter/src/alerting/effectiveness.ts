import type { LossEpisode, StoredAlert, Verdict } from '../domain/alert.ts';
import { VERDICTS } from '../domain/alert.ts';
import { wilsonInterval } from '../statistics/intervals.ts';
import { JUDGED_CHECKS } from './judge-by-labels.ts';

/** A share with its 95 % Wilson interval; NaN of nothing. */
export interface Share {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
  readonly of: number;
}

export interface RuleEffectiveness {
  readonly alertname: string;
  /** Incidents, the suppressed ones too. */
  readonly fired: number;
  readonly suppressed: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** True among those with a verdict; duplicates count for the alert that they double. */
  readonly precision: Share;
  /** Losses of performance during or before which this rule fired; null for a rule that is about something else. */
  readonly recall: Share | null;
  /** Losses before whose beginning it fired. */
  readonly foretold: number | null;
  /** Median seconds from the alert to the loss that it caught: negative when it came after the loss had begun. NaN without any. */
  readonly leadTimeSeconds: number;
  readonly acknowledged: number;
  /** Median; NaN when none was acknowledged. */
  readonly timeToAcknowledgeSeconds: number;
}

export interface Effectiveness {
  readonly rules: readonly RuleEffectiveness[];
  readonly losses: number;
  /** Losses that no alert of drift or performance told of. */
  readonly misses: readonly LossEpisode[];
}

/** What each rule was worth: rules in order of name. Alerts that still fire count up to `nowMs`. */
export function effectiveness(
  alerts: readonly StoredAlert[],
  losses: readonly LossEpisode[],
  nowMs: number,
): Effectiveness {
  const byRule = new Map<string, StoredAlert[]>();
  for (const alert of alerts) byRule.set(alert.alertname, [...(byRule.get(alert.alertname) ?? []), alert]);
  const rules = [...byRule.keys()].sort().map((name) => ofRule(name, byRule.get(name)!, losses, nowMs));
  const telling = alerts.filter(({ check }) => JUDGED_CHECKS.includes(check));
  const misses = losses.filter((loss) => !telling.some((alert) => catches(alert, loss, nowMs)));
  return { rules, losses: losses.length, misses };
}

function ofRule(
  alertname: string,
  alerts: readonly StoredAlert[],
  losses: readonly LossEpisode[],
  nowMs: number,
): RuleEffectiveness {
  const verdicts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  for (const { verdict } of alerts) if (verdict !== null) verdicts[verdict.verdict]++;
  const judged = verdicts.true + verdicts.false + verdicts.benign + verdicts.unactionable;
  const leads = losses.flatMap((loss) => {
    const starts = alerts.filter((alert) => catches(alert, loss, nowMs)).map(({ startsAtMs }) => startsAtMs);
    return starts.length === 0 ? [] : [(loss.fromMs - Math.min(...starts)) / 1000];
  });
  const telling = alerts.some(({ check }) => JUDGED_CHECKS.includes(check));
  const waits = alerts.flatMap(({ acknowledged, startsAtMs }) =>
    acknowledged === null ? [] : [(acknowledged.atMs - startsAtMs) / 1000],
  );
  return {
    alertname,
    fired: alerts.length,
    suppressed: alerts.filter(({ suppressed }) => suppressed !== null).length,
    verdicts,
    precision: share(verdicts.true, judged),
    recall: telling ? share(leads.length, losses.length) : null,
    foretold: telling ? leads.filter((seconds) => seconds > 0).length : null,
    leadTimeSeconds: telling ? median(leads) : NaN,
    acknowledged: waits.length,
    timeToAcknowledgeSeconds: median(waits),
  };
}

/** The alert went on during the loss, or in the window before it, whose predictions the loss is about. */
function catches(alert: StoredAlert, loss: LossEpisode, nowMs: number): boolean {
  return (
    alert.model === loss.model &&
    alert.version === loss.version &&
    alert.startsAtMs <= loss.toMs &&
    (alert.endsAtMs ?? nowMs) >= loss.fromMs - loss.windowMs
  );
}

function share(part: number, of: number): Share {
  return { value: of === 0 ? NaN : part / of, ...wilsonInterval(part, of), of };
}

function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
