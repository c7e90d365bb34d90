import { FLAGS, helpText } from './flag-table.ts';
import type { FlagName, FlagSpec } from './flag-table.ts';
import { parseListenAddress } from './listen-address.ts';
import type { ListenAddress } from './listen-address.ts';
import { didYouMean } from './suggest.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['logfmt', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The command line, read and checked. */
export interface Flags {
  /** null: no file, hence the defaults. */
  readonly configFile: string | null;
  readonly configCheck: boolean;
  /** At least one. */
  readonly listenAddresses: readonly ListenAddress[];
  readonly telemetryPath: string;
  readonly webConfigFile: string | null;
  readonly allowAnonymous: boolean;
  /** Matches whole origins; null: no cross-origin calls. */
  readonly corsOrigin: RegExp | null;
  /** null: the embedded PostgreSQL. May hold a password: never print it. */
  readonly databaseUrl: string | null;
  readonly dataPath: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** null: standard error. */
  readonly logFile: string | null;
  /** Epoch milliseconds; null: the real time. */
  readonly clockStartMs: number | null;
  readonly clockSpeed: number;
}

export type CommandLine =
  | { readonly kind: 'run'; readonly flags: Flags }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'invalid'; readonly errors: readonly string[] };

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process; empty variables count as unset. Nothing else reads process.env. */
export function processEnvironment(): Environment {
  return Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
}

/** Reads the arguments after the program's name. Every mistake is in the answer; `--help` and `--version` win over mistakes. */
export function parseCommandLine(argv: readonly string[], environment: Environment): CommandLine {
  const errors: string[] = [];
  const given = collectFlags(argv, SPECS, errors);
  if (given.has('help')) return { kind: 'help', text: helpText() };
  if (given.has('version')) return { kind: 'version' };
  const flags = readFlags(given, environment, errors);
  return errors.length === 0 ? { kind: 'run', flags } : { kind: 'invalid', errors };
}

/** Values by flag, as they were typed; a switch has one empty value. */
type Given = ReadonlyMap<FlagName, readonly string[]>;

const SPECS: ReadonlyMap<string, FlagSpec & { readonly name: FlagName }> = new Map(
  FLAGS.map((flag) => [flag.name, flag]),
);

/**
 * `--flag=value` and `--flag value`. Not node:util's parseArgs: it stops at the first mistake, and when it is told not to, a flag
 * without its value swallows the flag after it.
 */
export function collectFlags<Name extends string>(
  argv: readonly string[],
  specs: ReadonlyMap<string, FlagSpec & { readonly name: Name }>,
  errors: string[],
): ReadonlyMap<Name, readonly string[]> {
  const given = new Map<Name, string[]>();
  for (let i = 0; i < argv.length; i += 1) {
    const argument = argv[i]!;
    const [, name = '', inline] = /^--([^=]+)(?:=(.*))?$/s.exec(argument === '-h' ? '--help' : argument) ?? [];
    const spec = specs.get(name);
    if (spec === undefined) {
      errors.push(
        argument.startsWith('-') ? unknownFlag(argument, name, [...specs.keys()]) : `unexpected argument "${argument}"`,
      );
      continue;
    }
    let value = inline;
    if (spec.kind === 'value' && value === undefined && argv[i + 1]?.startsWith('--') === false) value = argv[(i += 1)];
    if (spec.kind === 'value' && value === undefined) errors.push(`--${spec.name} needs a value`);
    else if (spec.kind === 'switch' && value !== undefined) errors.push(`--${spec.name} takes no value`);
    else given.set(spec.name, [...(given.get(spec.name) ?? []), value ?? '']);
  }
  for (const [name, values] of given)
    if (values.length > 1 && specs.get(name)?.repeatable !== true)
      errors.push(`--${name} is given ${values.length} times`);
  return given;
}

/** Leaves out the value: it may be a secret under a misspelt name. */
function unknownFlag(argument: string, name: string, names: readonly string[]): string {
  const known = names.map((flag) => `--${flag}`);
  return name === '' ? `unexpected argument "${argument}"` : `unknown flag --${name}${didYouMean(`--${name}`, known)}`;
}

function readFlags(given: Given, environment: Environment, errors: string[]): Flags {
  /** An empty value counts as unset. */
  const textOf = (name: FlagName): string | null => {
    const value = given.get(name)?.at(-1) ?? '';
    return value !== '' ? value : (SPECS.get(name)?.preset ?? null);
  };
  const read = <T>(name: FlagName, expected: string, parse: (text: string) => T | undefined): T | undefined => {
    const text = textOf(name);
    const value = text === null ? undefined : parse(text);
    if (text !== null && value === undefined) errors.push(`--${name} must be ${expected}, is "${text}"`);
    return value;
  };
  return {
    configFile: textOf('config.file'),
    configCheck: given.has('config.check'),
    listenAddresses: readAddresses(given, errors),
    telemetryPath:
      read(
        'web.telemetry-path',
        'a path such as /metrics outside /api, /admin, /docs, /v1 and /-',
        parseTelemetryPath,
      ) ?? '/metrics',
    webConfigFile: textOf('web.config.file'),
    allowAnonymous: given.has('web.allow-anonymous'),
    corsOrigin: read('web.cors.origin', 'a regular expression', parsePattern) ?? null,
    databaseUrl: readDatabaseUrl(textOf('database.url'), environment, errors),
    dataPath: textOf('data.path') ?? './data',
    logLevel:
      read('log.level', `one of ${LOG_LEVELS.join(', ')}`, (text) => LOG_LEVELS.find((level) => level === text)) ??
      'info',
    logFormat:
      read('log.format', `one of ${LOG_FORMATS.join(', ')}`, (text) => LOG_FORMATS.find((format) => format === text)) ??
      'logfmt',
    logFile: textOf('log.file'),
    clockStartMs: read('clock.start', 'a time such as 2026-01-31T00:00:00Z or epoch milliseconds', parseTime) ?? null,
    clockSpeed: read('clock.speed', 'a number above 0 and at most 100000', parseSpeed) ?? 1,
  };
}

function readAddresses(given: Given, errors: string[]): readonly ListenAddress[] {
  const name = 'web.listen-address';
  const typed = (given.get(name) ?? []).filter((text) => text !== '');
  const texts = typed.length > 0 ? typed : [SPECS.get(name)!.preset!];
  const addresses: ListenAddress[] = [];
  for (const [index, text] of texts.entries()) {
    const address = parseListenAddress(text);
    if (address === undefined) errors.push(`--${name} must be HOST:PORT, :PORT or [IPV6]:PORT, is "${text}"`);
    else if (address.port !== 0 && texts.indexOf(text) < index) errors.push(`--${name} has "${text}" twice`);
    else addresses.push(address);
  }
  return addresses;
}

/** Must not shadow the exporter's own routes. */
function parseTelemetryPath(text: string): string | undefined {
  return /^\/(?!(?:api|admin|docs|v1|-|login|config)(?:\/|$))[\w.~-]+(?:\/[\w.~-]+)*$/.test(text) ? text : undefined;
}

/** Fully anchored, as Prometheus does with the flag of the same name. */
function parsePattern(text: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${text})$`, 'u');
  } catch {
    return undefined;
  }
}

/** Never repeats the URL in its message: it may hold a password. */
export function readDatabaseUrl(flag: string | null, environment: Environment, errors: string[]): string | null {
  const url = flag ?? environment.DATABASE_URL ?? '';
  if (url === '') return null;
  if (!/^postgres(?:ql)?:\/\//.test(url) || !URL.canParse(url))
    errors.push(
      `${flag === null ? 'DATABASE_URL' : '--database.url'} must be a URL that starts with postgres:// or postgresql://`,
    );
  return url;
}

export function parseTime(text: string): number | undefined {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const rfc3339 = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d))?$/;
  const timeMs = rfc3339.test(text) ? Date.parse(text.toUpperCase()) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function parseSpeed(text: string): number | undefined {
  const speed = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  return speed > 0 && speed <= 100_000 ? speed : undefined;
}
