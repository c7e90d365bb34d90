import { isAlias, isMap, isScalar, isSeq, LineCounter, visit } from 'yaml';
import type { Alias, Document, Node, Pair, YAMLMap } from 'yaml';

import { parseYaml, TooDeepError } from './parse-yaml.ts';

/** One mistake in a configuration file. Lines and columns count from 1; `path` is '' for the file as a whole. */
export interface ConfigError {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
}

/** What reading gives instead of a value when it has reported a mistake. */
export const FAILED = Symbol('failed');
export type Failed = typeof FAILED;

export type Path = readonly (string | number)[];

/** Where the values of secrets come from: the file system and the environment, or a test's own. */
export interface SecretSource {
  /** Throws an error with a `code` when the file cannot be read. */
  readonly readFile: (path: string) => string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A file of 10,000 models with ten lines each is about 4 MiB. */
const MAX_TEXT_LENGTH = 16 * 2 ** 20;
/** Aliases let a short text stand for an endless one ("billion laughs"), so the values that are looked at are counted too. */
const MAX_VALUES = 2_000_000;

class TooManyValuesError extends Error {}

/** A parsed YAML text and the mistakes found in it so far. */
export class YamlSource {
  readonly secrets: SecretSource;
  /** Directory that relative file names in the configuration start from. */
  readonly directory: string;
  private readonly document: Document;
  private readonly lines: LineCounter;
  private readonly targets = new Map<Alias, Node>();
  private readonly issues: { readonly offset: number; readonly path: Path; readonly message: string }[] = [];
  private visited = 0;

  private constructor(text: string, directory: string, secrets: SecretSource) {
    this.secrets = secrets;
    this.directory = directory;
    this.lines = new LineCounter();
    this.document = parseYaml(text, this.lines);
    for (const problem of [...this.document.errors, ...this.document.warnings])
      this.issues.push({
        offset: problem.pos[0],
        path: [],
        message: `is not valid YAML: ${firstLine(problem.message)}`,
      });
    if (this.issues.length === 0) this.resolveAliases();
  }

  /**
   * Parses `text` and hands its root to `read`, whatever the text is: what cannot be parsed, or is nested or repeated beyond reason, is
   * an error in the answer and never an exception. The value is undefined when there are errors.
   */
  static read<T>(
    text: string,
    directory: string,
    secrets: SecretSource,
    read: (root: Cursor) => T,
  ): { readonly value: T | undefined; readonly errors: readonly ConfigError[] } {
    const whole = (message: string) => ({ value: undefined, errors: [{ line: 1, column: 1, path: '', message }] });
    if (text.length > MAX_TEXT_LENGTH) return whole(`is longer than ${MAX_TEXT_LENGTH} characters`);
    try {
      const source = new YamlSource(text, directory, secrets);
      const value = source.issues.length === 0 ? read(source.root()) : undefined;
      const errors = source.errors();
      return { value: errors.length === 0 ? value : undefined, errors };
    } catch (error) {
      if (error instanceof TooManyValuesError)
        return whole(`stands for more than ${MAX_VALUES} values: its aliases repeat too much`);
      if (error instanceof TooDeepError) return whole('is nested too deeply');
      throw error;
    }
  }

  report(offset: number, path: Path, message: string): void {
    this.issues.push({ offset, path, message });
  }

  hasIssueUnder(path: Path): boolean {
    return this.issues.some((issue) => path.every((segment, index) => issue.path[index] === segment));
  }

  count(): void {
    this.visited += 1;
    if (this.visited > MAX_VALUES) throw new TooManyValuesError();
  }

  targetOf(alias: Alias): Node | undefined {
    return this.targets.get(alias);
  }

  private root(): Cursor {
    return new Cursor(this, this.document.contents, 0, []);
  }

  private errors(): readonly ConfigError[] {
    return this.issues
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ offset, path, message }) => {
        const { line, col } = this.lines.linePos(offset);
        return { line: Math.max(line, 1), column: Math.max(col, 1), path: formatPath(path), message };
      });
  }

  /** One pass, because the library's Alias.resolve walks the whole document for every alias. */
  private resolveAliases(): void {
    const anchors = new Map<string, Node>();
    visit(this.document, {
      Alias: (_key, alias) => {
        const target = anchors.get(alias.source);
        if (target === undefined)
          this.report(alias.range?.[0] ?? 0, [], `alias "*${alias.source}" has no anchor before it`);
        else this.targets.set(alias, target);
      },
      Value: (_key, node) => {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
      },
    });
  }
}

type ScalarValue = string | number | boolean | null;

interface Entry {
  readonly key: string;
  readonly value: Cursor;
  /** For mistakes that lie in the key. */
  readonly failKey: (message: string) => void;
}

/** A value in the document, with its path: what the schema reads from. Aliases and merge keys (`<<`) are already followed. */
export class Cursor {
  readonly source: YamlSource;
  readonly path: Path;
  private readonly node: Node | null;
  private readonly offset: number;
  private collected: Map<string, Entry> | undefined;

  /** @param fallbackOffset where mistakes are reported when the node has no place of its own (a key without a value). */
  constructor(source: YamlSource, node: Node | null, fallbackOffset: number, path: Path) {
    source.count();
    this.source = source;
    this.path = path;
    this.offset = node?.range?.[0] ?? fallbackOffset;
    this.node = isAlias(node) ? (source.targetOf(node) ?? null) : node;
  }

  fail(message: string): Failed {
    this.source.report(this.offset, this.path, message);
    return FAILED;
  }

  /** Reports at this place a mistake of `path`, which may lie below it or not be there at all. */
  failAs(path: Path, message: string): void {
    this.source.report(this.offset, path, message);
  }

  /** The value of a scalar (null for one that is missing), else undefined: the value is a mapping or a list. */
  scalar(): { readonly value: ScalarValue } | undefined {
    if (this.node === null) return { value: null };
    return isScalar(this.node) ? { value: scalarValue(this.node.value) } : undefined;
  }

  isEmpty(): boolean {
    const scalar = this.scalar();
    return scalar !== undefined && scalar.value === null;
  }

  /** What the value is, for messages. Long text is cut. */
  describe(): string {
    if (isMap(this.node)) return 'a mapping';
    if (isSeq(this.node)) return 'a list';
    const value = this.scalar()?.value ?? null;
    if (value === null) return 'empty';
    const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
    return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
  }

  /** Values of a list; undefined when it is none. */
  items(): readonly Cursor[] | undefined {
    if (!isSeq(this.node)) return undefined;
    return this.node.items.map(
      (item, index) => new Cursor(this.source, item as Node | null, this.offset, [...this.path, index]),
    );
  }

  /** Entries of a mapping in order, an empty value having none; undefined when it is something else. Reports duplicate keys. */
  entries(): Iterable<Entry> | undefined {
    if (this.isEmpty()) return [];
    return isMap(this.node) ? this.entryMap(this.node).values() : undefined;
  }

  /** The value nearest to `path` (relative) that exists: where a rule that spans several values reports. */
  nearest(path: Path): Cursor {
    const [segment, ...rest] = path;
    if (segment === undefined) return this;
    const next = typeof segment === 'number' ? this.items()?.[segment] : this.find(segment);
    return next === undefined ? this : next.nearest(rest);
  }

  private find(key: string): Cursor | undefined {
    return isMap(this.node) ? this.entryMap(this.node).get(key)?.value : undefined;
  }

  /** Built once: rules come back to the same mappings again and again, and duplicate keys are reported on the way. */
  private entryMap(map: YAMLMap): ReadonlyMap<string, Entry> {
    if (this.collected === undefined) {
      this.collected = new Map();
      this.collect(map, this.collected, new Set());
    }
    return this.collected;
  }

  private collect(map: YAMLMap, into: Map<string, Entry>, seen: Set<YAMLMap>): void {
    if (seen.has(map)) return;
    const merged = seen.size > 0;
    seen.add(map);
    const own = new Set<string>();
    const merges: Cursor[] = [];
    for (const pair of map.items) {
      const entry = this.entryOf(pair as Pair<Node | null, Node | null>);
      if (entry === FAILED) continue;
      if (own.has(entry.key)) {
        if (!merged) entry.failKey('is given twice');
      } else if (entry.key === '<<') merges.push(entry.value);
      // Keys of the mapping itself win over merged ones, and earlier merges over later.
      else if (!into.has(entry.key)) into.set(entry.key, entry);
      own.add(entry.key);
    }
    for (const merge of merges) {
      const parts = merge.items() ?? [merge];
      for (const part of parts) {
        if (isMap(part.node)) this.collect(part.node, into, seen);
        else part.fail(`must be a mapping to merge, is ${part.describe()}`);
      }
    }
  }

  private entryOf(pair: Pair<Node | null, Node | null>): Entry | Failed {
    const keyCursor = new Cursor(this.source, pair.key, this.offset, this.path);
    const scalar = keyCursor.scalar();
    if (scalar === undefined || scalar.value === null)
      return keyCursor.fail(`must have text as its keys, has ${keyCursor.describe()}`);
    const key = String(scalar.value);
    const path = [...this.path, key];
    const failKey = (message: string) => this.source.report(keyCursor.offset, path, message);
    return { key, value: new Cursor(this.source, pair.value, keyCursor.offset, path), failKey };
  }
}

/** The core schema knows no other kinds; tags that make others are not resolved. */
function scalarValue(value: unknown): ScalarValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** `models.move.features["a.b"].min`, `auth.tokens[0].scopes[1]`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (!/^[\w-]+$/.test(segment)) text += `[${JSON.stringify(segment)}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}
