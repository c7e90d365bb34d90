/** Milliseconds of each unit, largest first, as Prometheus writes durations: a day is always 24 h and a year 365 d. */
const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 31_536_000_000],
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

const PATTERN = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/**
 * Reads a duration in Prometheus's notation (`15s`, `5m`, `1h30m`, `90d`, `1y`): whole numbers, units from large to small, each at
 * most once. Returns milliseconds; undefined for anything else, also for the empty text and for more than 2^53 - 1 ms.
 * @example parseDuration('1h30m') // 5_400_000
 */
export function parseDuration(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null || text === '') return undefined;
  const totalMs = UNITS.reduce((sum, [, ms], index) => sum + Number(match[index + 1] ?? 0) * ms, 0);
  return Number.isSafeInteger(totalMs) ? totalMs : undefined;
}

/**
 * Writes whole milliseconds (0 to 2^53 - 1) so that parseDuration reads the same back. One unit where one is enough, and hours up to a
 * day, since `24h` is how people name that window: `24h`, `90d`, `1y`, `1h30m`, `0s`. Weeks are not written.
 */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  if (durationMs === 86_400_000) return '24h';
  let rest = durationMs;
  let text = '';
  for (const [unit, ms] of UNITS) {
    if (unit === 'w' || (unit === 'y' && rest % ms !== 0)) continue;
    const count = Math.floor(rest / ms);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * ms;
  }
  return text;
}
