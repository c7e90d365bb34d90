import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The rows of `test/fixtures/tables`, as a reader that knows only numbers, text and booleans sees them; make-tables.py says the same. */
export function referenceTable(): Record<string, unknown>[] {
  const midnight = Date.UTC(2026, 0, 1);
  return Array.from({ length: 40 }, (_, i) => ({
    age: i % 7 === 3 ? null : i,
    income: 1.5 * i,
    small: i / 2,
    tiny: i - 30,
    unsigned: 3_000_000_000 + i,
    region: i % 11 === 5 ? null : ['north', 'süd', 'northeast'][i % 3],
    kind: ['x', 'y'][i % 2],
    flag: i % 13 === 1 ? null : i % 2 === 0,
    since: midnight + 3_600_000 * i,
    day: midnight + 86_400_000 * i,
    price: i - 20.25,
    nothing: null,
    prediction: ['no', 'yes'][i % 2],
    score: i / 40,
  }));
}

export function tableFile(name: string): Buffer {
  return readFileSync(path.join(__dirname, '..', 'fixtures', 'tables', name));
}
