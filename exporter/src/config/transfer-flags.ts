import { FLAGS, helpOf } from './flag-table.ts';
import type { FlagSpec } from './flag-table.ts';
import { collectFlags, parseTime, readDatabaseUrl } from './flags.ts';
import type { Environment } from './flags.ts';

export interface ExportFlags {
  readonly databaseUrl: string | null;
  readonly dataPath: string;
  /** null: everything but raw rows is not asked for. */
  readonly output: string | null;
  readonly raw: {
    readonly file: string;
    readonly fromMs: number;
    readonly toMs: number;
    readonly model: string | null;
  } | null;
}

export interface ImportFlags {
  readonly databaseUrl: string | null;
  readonly dataPath: string;
  readonly input: string;
}

export type TransferCommand =
  | { readonly kind: 'export'; readonly flags: ExportFlags }
  | { readonly kind: 'import'; readonly flags: ImportFlags }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'invalid'; readonly errors: readonly string[] };

const SHARED = FLAGS.filter(({ name }) => name === 'database.url' || name === 'data.path');
const HELP = { name: 'help', group: 'Help', kind: 'switch', help: 'Print this text and exit.' } as const;

const EXPORT_FLAGS = [
  ...SHARED,
  {
    name: 'output',
    group: 'Files',
    kind: 'value',
    placeholder: 'FILE',
    help: 'Where to write everything but raw predictions and ground truth: text in gzip. Default, unless --raw is given: model-health.state.gz',
  },
  {
    name: 'raw',
    group: 'Raw predictions',
    kind: 'value',
    placeholder: 'FILE',
    help: 'Where to write raw predictions with their ground truth: Parquet for *.parquet, NDJSON for *.ndjson and *.ndjson.gz.',
  },
  {
    name: 'raw.model',
    group: 'Raw predictions',
    kind: 'value',
    placeholder: 'MODEL',
    help: 'Only those of this model.',
  },
  {
    name: 'raw.from',
    group: 'Raw predictions',
    kind: 'value',
    placeholder: 'TIME',
    help: 'Only those at or after this time (RFC 3339 or epoch milliseconds).',
  },
  {
    name: 'raw.to',
    group: 'Raw predictions',
    kind: 'value',
    placeholder: 'TIME',
    help: 'Only those before this time.',
  },
  HELP,
] as const satisfies readonly FlagSpec[];

const IMPORT_FLAGS = [
  ...SHARED,
  {
    name: 'input',
    group: 'Files',
    kind: 'value',
    placeholder: 'FILE',
    preset: 'model-health.state.gz',
    help: 'What `export --output` wrote.',
  },
  HELP,
] as const satisfies readonly FlagSpec[];

const EXPORT_HELP = [
  'Usage: model-health-exporter export [flags]',
  '',
  'Writes the database into files. With the embedded PostgreSQL stop the exporter',
  'first; with your own it may go on: the file is of one moment.',
];
const IMPORT_HELP = [
  'Usage: model-health-exporter import [flags]',
  '',
  'Reads what export --output wrote into an empty database, all of it or nothing.',
  'Start the exporter afterwards.',
];

/** undefined: the command line is that of the exporter itself. */
export function parseTransfer(argv: readonly string[], environment: Environment): TransferCommand | undefined {
  const [command, ...rest] = argv;
  if (command === 'export') return parseExport(rest, environment);
  return command === 'import' ? parseImport(rest, environment) : undefined;
}

function parseExport(argv: readonly string[], environment: Environment): TransferCommand {
  const errors: string[] = [];
  const given = collectFlags(argv, byName(EXPORT_FLAGS), errors);
  if (given.has('help')) return { kind: 'help', text: helpOf(EXPORT_HELP, EXPORT_FLAGS) };
  const text = (name: (typeof EXPORT_FLAGS)[number]['name']) => given.get(name)?.at(-1) || null;
  const time = (name: 'raw.from' | 'raw.to', otherwise: number) => {
    const typed = text(name);
    const timeMs = typed === null ? otherwise : parseTime(typed);
    if (timeMs === undefined)
      errors.push(`--${name} must be a time such as 2026-01-31T00:00:00Z or epoch milliseconds, is "${typed!}"`);
    return timeMs ?? otherwise;
  };
  const file = text('raw');
  if (file !== null && !/\.(parquet|ndjson|ndjson\.gz)$/.test(file))
    errors.push(`--raw must end in .parquet, .ndjson or .ndjson.gz, is "${file}"`);
  if (file === null)
    for (const name of ['raw.model', 'raw.from', 'raw.to'] as const)
      if (given.has(name)) errors.push(`--${name} needs --raw`);
  const raw =
    file === null
      ? null
      : { file, fromMs: time('raw.from', -Infinity), toMs: time('raw.to', Infinity), model: text('raw.model') };
  const flags = {
    databaseUrl: readDatabaseUrl(text('database.url'), environment, errors),
    dataPath: text('data.path') ?? './data',
    output: text('output') ?? (raw === null ? 'model-health.state.gz' : null),
    raw,
  };
  return errors.length === 0 ? { kind: 'export', flags } : { kind: 'invalid', errors };
}

function parseImport(argv: readonly string[], environment: Environment): TransferCommand {
  const errors: string[] = [];
  const given = collectFlags(argv, byName(IMPORT_FLAGS), errors);
  if (given.has('help')) return { kind: 'help', text: helpOf(IMPORT_HELP, IMPORT_FLAGS) };
  const text = (name: (typeof IMPORT_FLAGS)[number]['name']) => given.get(name)?.at(-1) || null;
  const flags = {
    databaseUrl: readDatabaseUrl(text('database.url'), environment, errors),
    dataPath: text('data.path') ?? './data',
    input: text('input') ?? 'model-health.state.gz',
  };
  return errors.length === 0 ? { kind: 'import', flags } : { kind: 'invalid', errors };
}

function byName<Spec extends FlagSpec>(specs: readonly Spec[]): ReadonlyMap<string, Spec> {
  return new Map(specs.map((spec) => [spec.name, spec]));
}
