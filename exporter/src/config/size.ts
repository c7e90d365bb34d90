/** Bytes of each unit. Binary units first, largest first: the order in which formatSize tries them. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['B', 1],
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
]);

/**
 * Reads a size in bytes: a whole number and a unit, binary (`16MiB`) or decimal (`16MB`); a space between them is allowed.
 * undefined for anything else, also for more than 2^53 - 1 bytes.
 * @example parseSize('16MiB') // 16_777_216
 */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+) ?([A-Za-z]+)$/.exec(text);
  const unit = match === null ? undefined : UNITS.get(match[2]!);
  if (match === null || unit === undefined) return undefined;
  const bytes = Number(match[1]) * unit;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Writes whole bytes (0 to 2^53 - 1) with the largest binary unit that divides them, so that parseSize reads the same back. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of UNITS) if (bytes > 0 && bytes % size === 0) return `${bytes / size}${unit}`;
  return '0B';
}
