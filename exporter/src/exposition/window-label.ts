const UNITS: readonly (readonly [suffix: string, milliseconds: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** Value of the `window` label: `5m`, `1h`, `24h`, `7d`. The largest unit that is whole; one day alone is `24h`, as people say it. */
export function windowLabel(windowMs: number): string {
  if (windowMs === 86_400_000) return '24h';
  for (const [suffix, milliseconds] of UNITS) {
    if (windowMs >= milliseconds && windowMs % milliseconds === 0) return `${windowMs / milliseconds}${suffix}`;
  }
  return `${windowMs}ms`;
}
