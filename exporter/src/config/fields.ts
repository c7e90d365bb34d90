import type { Overrides } from '../domain/settings.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { formatSize, parseSize } from './size.ts';
import { didYouMean } from './suggest.ts';
import { FAILED } from './yaml-source.ts';
import type { Cursor, Failed } from './yaml-source.ts';

/**
 * How one kind of value is read from YAML and written back. `read` answers FAILED after it has reported what is wrong, and never
 * throws; `print(read(x))` means the same as x. `keys` are the paths below this field, for the reference of the configuration.
 */
export interface Field<T> {
  readonly read: (cursor: Cursor) => Overrides<T> | Failed;
  readonly print: (value: Overrides<T>) => unknown;
  readonly keys: readonly string[];
  /** A key that is only known in order to be refused well: neither suggested nor part of the reference. */
  readonly refused?: true;
}

interface Entry<T> {
  readonly key: string;
  readonly field: Field<T>;
}

/** The YAML key that a property is read from. */
export function key<T>(name: string, field: Field<T>): Entry<T> {
  return { key: name, field };
}

/** One entry for each property of T, optional ones included. */
export type Shape<T> = { readonly [K in keyof T]-?: Entry<Exclude<T[K], undefined>> };

/** A mapping with fixed keys, all optional: reads those that are there. An empty value is an empty mapping. */
export function object<T extends object>(shape: Shape<T>): Field<T> {
  const entries = Object.entries(shape) as [string, Entry<unknown>][];
  const byKey = new Map(entries.map(([property, entry]) => [entry.key, { property, field: entry.field }]));
  const accepted = entries.map(([, entry]) => entry).filter((entry) => entry.field.refused !== true);
  const known = accepted.map((entry) => entry.key);
  return {
    keys: accepted.flatMap((entry) => [entry.key, ...entry.field.keys.map((below) => joinKeys(entry.key, below))]),
    read: (cursor) => {
      const found = cursor.entries();
      if (found === undefined) return cursor.fail(`must be a mapping, is ${cursor.describe()}`);
      const result: Record<string, unknown> = {};
      for (const { key: name, value, failKey } of found) {
        const entry = byKey.get(name);
        if (entry === undefined) {
          failKey(`unknown key "${name}"${didYouMean(name, known)}`);
          continue;
        }
        const read = entry.field.read(value);
        if (read !== FAILED) result[entry.property] = read;
      }
      return result as Overrides<T>;
    },
    print: (value) => {
      const values = value as Readonly<Record<string, unknown>>;
      const printed: Record<string, unknown> = {};
      for (const [property, entry] of entries) {
        const item = values[property];
        if (item !== undefined) printed[entry.key] = entry.field.print(item);
      }
      return printed;
    },
  };
}

function joinKeys(above: string, below: string): string {
  return below.startsWith('[') ? above + below : `${above}.${below}`;
}

/** A mapping from names to values of one kind. `placeholder` stands for the name in the reference. */
export function mapping<T>(placeholder: string, field: Field<T>): Field<ReadonlyMap<string, T>> {
  return {
    keys: [`<${placeholder}>`, ...field.keys.map((below) => joinKeys(`<${placeholder}>`, below))],
    read: (cursor) => {
      const found = cursor.entries();
      if (found === undefined) return cursor.fail(`must be a mapping, is ${cursor.describe()}`);
      const result = new Map<string, Overrides<T>>();
      for (const { key: name, value, failKey } of found) {
        if (!NAME.test(name))
          failKey(`the name of a ${placeholder} must be 1 to 200 characters without control characters`);
        const read = field.read(value);
        if (read !== FAILED) result.set(name, read);
      }
      return result;
    },
    print: (value) =>
      new Map([...(value as ReadonlyMap<string, Overrides<T>>)].map(([name, item]) => [name, field.print(item)])),
  };
}

// eslint-disable-next-line no-control-regex -- control characters are what it keeps out.
const NAME = /^[^\u0000-\u001f\u007f]{1,200}$/u;

/** A list without duplicates. A list overrides another one whole, so its items must be complete. */
export function list<T>(field: Field<T>, options: { readonly max: number }): Field<readonly T[]> {
  return {
    keys: field.keys.map((below) => `[].${below}`),
    read: (cursor) => {
      const items = cursor.isEmpty() ? [] : cursor.items();
      if (items === undefined) return cursor.fail(`must be a list, is ${cursor.describe()}`);
      if (items.length > options.max) return cursor.fail(`must have at most ${options.max} items, has ${items.length}`);
      const result: unknown[] = [];
      for (const item of items) {
        const read = field.read(item);
        if (read === FAILED) continue;
        if (typeof read === 'string' && result.includes(read)) item.fail(`${item.describe()} is in the list twice`);
        result.push(read);
      }
      return result as unknown as Overrides<readonly T[]>;
    },
    print: (value) => (value as unknown as readonly Overrides<T>[]).map((item) => field.print(item)),
  };
}

/** Any scalar field. `parse` answers undefined for what the sentence `expected` does not describe. */
export function scalar<T>(
  expected: string,
  parse: (value: unknown) => T | undefined,
  print: (value: T) => unknown = (value) => value,
): Field<T> {
  return {
    keys: [],
    read: (cursor) => {
      const parsed = parse(cursor.scalar()?.value);
      return parsed === undefined
        ? cursor.fail(`must be ${expected}, is ${cursor.describe()}`)
        : (parsed as Overrides<T>);
    },
    print: (value) => print(value as T),
  };
}

/** The same field, for which `null` is a value too. */
export function nullable<T>(field: Field<T>): Field<T | null> {
  return {
    keys: field.keys,
    read: (cursor) => (cursor.isEmpty() ? (null as Overrides<T | null>) : field.read(cursor)),
    print: (value) => (value === null ? null : field.print(value)),
  };
}

interface Range {
  readonly above?: number;
  readonly min?: number;
  readonly below?: number;
  readonly max?: number;
}

/** A finite number within a range. */
export function number(range: Range = {}): Field<number> {
  return scalar(`a number${inWords(range, String)}`, (value) =>
    typeof value === 'number' && Number.isFinite(value) && within(value, range) ? value : undefined,
  );
}

export function integer(range: Range): Field<number> {
  return scalar(`a whole number${inWords(range, String)}`, (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && within(value, range) ? value : undefined,
  );
}

/** A duration such as `15s`, in milliseconds. */
export function duration(
  range: Range,
  accept: { readonly also: string; readonly test: (ms: number) => boolean } | null = null,
): Field<number> {
  const expected = `a duration such as 15s, 24h or 90d${inWords(range, formatDuration)}${accept === null ? '' : `, ${accept.also}`}`;
  return scalar(
    expected,
    (value) => {
      const ms = typeof value === 'string' ? parseDuration(value) : undefined;
      return ms !== undefined && within(ms, range) && (accept === null || accept.test(ms)) ? ms : undefined;
    },
    formatDuration,
  );
}

/** A size such as `16MiB`, in bytes. */
export function size(range: Range): Field<number> {
  return scalar(
    `a size such as 16MiB${inWords(range, formatSize)}`,
    (value) => {
      const bytes = typeof value === 'string' ? parseSize(value) : undefined;
      return bytes !== undefined && within(bytes, range) ? bytes : undefined;
    },
    formatSize,
  );
}

export const boolean: Field<boolean> = scalar('true or false', (value) =>
  typeof value === 'boolean' ? value : undefined,
);

/** One of a few words. */
export function oneOf<T extends string>(words: readonly T[]): Field<T> {
  const expected = words.length === 1 ? `"${words[0]!}"` : `one of ${words.join(', ')}`;
  return {
    keys: [],
    read: (cursor) => {
      const value = cursor.scalar()?.value;
      const word = words.find((candidate) => candidate === value);
      if (word !== undefined) return word as Overrides<T>;
      const hint = typeof value === 'string' ? didYouMean(value, words) : '';
      return cursor.fail(`must be ${expected}, is ${cursor.describe()}${hint}`);
    },
    print: (value) => value,
  };
}

/** Text that matches `pattern`; `expected` says in words what that is. */
export function text(expected: string, pattern: RegExp): Field<string> {
  return scalar(expected, (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined));
}

function within(
  value: number,
  { above = -Infinity, min = -Infinity, below = Infinity, max = Infinity }: Range,
): boolean {
  return value > above && value >= min && value < below && value <= max;
}

/** `, above 0 and at most 1`, or nothing. */
function inWords({ above, min, below, max }: Range, print: (value: number) => string): string {
  const bounds = [
    above === undefined ? '' : `above ${print(above)}`,
    min === undefined ? '' : `at least ${print(min)}`,
    below === undefined ? '' : `below ${print(below)}`,
    max === undefined ? '' : `at most ${print(max)}`,
  ].filter((bound) => bound !== '');
  return bounds.length === 0 ? '' : `, ${bounds.join(' and ')}`;
}
