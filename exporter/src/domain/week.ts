const DAY_MS = 86_400_000;
export const WEEK_MS = 7 * DAY_MS;
/** The epoch began on a Thursday. */
const FIRST_MONDAY_MS = -3 * DAY_MS;

/** Monday 00:00 UTC of the week that holds a moment. Weeks are half-open, and UTC's: [Monday, next Monday). */
export function weekStart(ms: number): number {
  return Math.floor((ms - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS;
}

/** As ISO 8601 names it, such as 2026-W48: a week belongs to the year of its Thursday. */
export function weekName(startMs: number): string {
  const thursday = startMs + 3 * DAY_MS;
  const year = new Date(thursday).getUTCFullYear();
  const number = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / WEEK_MS);
  return `${year}-W${String(number).padStart(2, '0')}`;
}

/** Start of the week of that name; null when there is no such week. */
export function weekNamed(name: string): number | null {
  const [, year, number] = /^(\d{4})-W(\d{2})$/.exec(name) ?? [];
  if (year === undefined) return null;
  // The fourth of January is always in the first week.
  const start = weekStart(Date.UTC(Number(year), 0, 4)) + (Number(number) - 1) * WEEK_MS;
  return weekName(start) === name ? start : null;
}
