const USUAL_MS = 30_000;
const LONGEST_MS = 3_600_000;

/** Retry-After in milliseconds: seconds up to an hour; without it, or as a date, about half a minute, so that many do not come at once. */
export function retryAfterMs(header: string | readonly string[] | undefined): number {
  const seconds = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : NaN;
  return Number.isNaN(seconds) ? USUAL_MS * (0.5 + Math.random() / 2) : Math.min(seconds * 1000, LONGEST_MS);
}
