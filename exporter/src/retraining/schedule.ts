import type { RetrainingSettings } from '../domain/retraining-settings.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Whether the triggers of a model are to be looked at. Intervals of whole days are kept at the local time of day that is configured, also
 * across changes to summer time; others count from the last look.
 *
 * @param checkedAtMs the last look, or when the model was first met
 */
export function isCheckDue(
  checkedAtMs: number,
  nowMs: number,
  {
    checkIntervalMs,
    checkAtMinutes,
    timeZone,
  }: Pick<RetrainingSettings, 'checkIntervalMs' | 'checkAtMinutes' | 'timeZone'>,
): boolean {
  if (checkIntervalMs % DAY_MS !== 0) return nowMs - checkedAtMs >= checkIntervalMs;
  const slotMs = lastTimeOfDay(nowMs, checkAtMinutes, timeZone);
  // Half a day of tolerance: the look of a slot comes a little after it, and a day of summer time has 23 or 25 hours.
  return (
    checkedAtMs < slotMs && slotMs - checkedAtMs >= checkIntervalMs - (checkIntervalMs === DAY_MS ? DAY_MS : DAY_MS / 2)
  );
}

/** The newest moment up to `nowMs` at which clocks of the time zone showed the time of day, or jumped over it. */
export function lastTimeOfDay(nowMs: number, minutes: number, timeZone: string): number {
  const localMidnightMs = Math.floor((nowMs + offsetMs(nowMs, timeZone)) / DAY_MS) * DAY_MS;
  for (const daysBack of [0, 1, 2]) {
    const localMs = localMidnightMs - daysBack * DAY_MS + minutes * MINUTE_MS;
    // The offset at the moment itself, which may not be that of now.
    const slotMs = localMs - offsetMs(localMs - offsetMs(localMs, timeZone), timeZone);
    if (slotMs <= nowMs) return slotMs;
  }
  return nowMs - DAY_MS;
}

/** Local time minus UTC. */
function offsetMs(atMs: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  }).formatToParts(atMs);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const localMs = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'));
  return localMs - Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
}
