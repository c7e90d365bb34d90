import { DAY_MS } from '../histogram/time-bucket.ts';
import type { AppliedMigration } from './migrate.ts';
import { StorageError } from './storage-error.ts';

/**
 * Everything but raw rows, in an order that foreign keys allow. A file of it is text in lines:
 *
 *   {"format":"model-health","version":2,"schema":{...},"exportedAt":...,"newestPrediction":...}
 *   {"table":"models","columns":["id",...]}       for each table, one of days with the days that its rows are of
 *   1 <tab> churn <tab> \N ...                    its rows as COPY of PostgreSQL writes them: bytea in hexadecimal, every digit of a float8
 *   \.
 *   {"end":true,"rows":{"models":2,...}}
 */
export const STATE_TABLES = [
  'scheme_epoch',
  'leases',
  'partition_floors',
  'models',
  'model_versions',
  'feature_sets',
  'segments',
  'bin_schemes',
  'baselines',
  'baseline_segments',
  'baseline_chunks',
  'statistics_delta',
  'statistics_bucket',
  'statistics_total',
  'evaluations',
  'sender_roles',
  'pending_events',
  'alerts',
  'alert_notifications',
  'alert_verdicts',
  'audit_log',
  'retraining_jobs',
  'retraining_events',
  'retraining_data',
  'model_registry',
  'retraining_checks',
  'model_removals',
  'business_metrics',
  'business_values',
  'weekly_reports',
] as const;
/** Raw rows, and what only means something beside them: a recount under way. */
export const RAW_TABLES = ['predictions', 'ground_truth', 'recounts'] as const;
/** Its days are made before its rows come. */
export const TABLE_OF_DAYS = 'evaluations';

const FORMAT = 'model-health';
const VERSION = 2;
const MAX_LINE_BYTES = 1 << 20;
const NEWLINE = 0x0a;
export const END_OF_ROWS = '\\.\n';

interface Header {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly schema: AppliedMigration;
  readonly exportedAt: string;
  /** Predictions up to this time may have been counted. */
  readonly newestPrediction: string | null;
}

export interface TableHeader {
  readonly table: string;
  readonly columns: readonly string[];
  /** Epoch milliseconds. */
  readonly days?: readonly number[];
}

export type Progress = (table: string, rows: number) => void;

export function headerLine(of: Omit<Header, 'format' | 'version'>): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...of })}\n`;
}

export function tableLine(of: TableHeader): string {
  return `${JSON.stringify(of)}\n`;
}

export function endLine(rows: Readonly<Record<string, number>>): string {
  return `${JSON.stringify({ end: true, rows })}\n`;
}

/** What a file says, in its order. Throws StorageError IMPORT_FILE where it ends too early or is another's. */
export class StateReader {
  private readonly pieces: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(pieces: AsyncIterable<Buffer>) {
    this.pieces = pieces[Symbol.asyncIterator]();
  }

  /** Throws IMPORT_NEWER, too. */
  async header(): Promise<Header> {
    const { format, version, schema, ...of } = (parseObject(await this.line()) ?? {}) as Partial<Header>;
    if (format !== FORMAT || schema === undefined)
      throw new StorageError('IMPORT_FILE', 'This is not a file that `model-health-exporter export` wrote.');
    if (version !== VERSION)
      throw new StorageError(
        'IMPORT_NEWER',
        `The file has the format ${String(version)}, this version knows ${VERSION}: import it with the version that wrote it.`,
      );
    return { format, version, schema, exportedAt: '', newestPrediction: null, ...of };
  }

  /** The next table, whose rows are to be read before anything else; null at the end, where the numbers of rows are as told. */
  async table(counts: Readonly<Record<string, number>>): Promise<TableHeader | null> {
    const line = await this.line();
    if (line === undefined) throw cutOff();
    const next = parseObject(line) ?? {};
    const { table, columns, days } = next as Partial<TableHeader>;
    if (table !== undefined && isNames(columns) && (days === undefined || isDays(days)))
      return { table, columns, ...(days === undefined ? {} : { days }) };
    const { end, rows } = next as { readonly end?: boolean; readonly rows?: Readonly<Record<string, number>> };
    if (end !== true || Object.entries(rows ?? {}).some(([name, told]) => (counts[name] ?? 0) !== told))
      throw new StorageError('IMPORT_FILE', 'The file is cut off or damaged; nothing was imported.');
    return null;
  }

  /** Rows of the table that was just told of, cut anywhere. */
  async *rows(): AsyncGenerator<Buffer> {
    if (await this.startsWithEnd()) {
      this.rest = this.rest.subarray(END_OF_ROWS.length);
      return;
    }
    for (;;) {
      // A row that begins so would have its backslash doubled.
      const end = this.rest.indexOf(`\n${END_OF_ROWS}`);
      if (end >= 0) {
        yield this.rest.subarray(0, end + 1);
        this.rest = this.rest.subarray(end + 1 + END_OF_ROWS.length);
        return;
      }
      const sure = this.rest.length - END_OF_ROWS.length;
      if (sure > 0) {
        yield this.rest.subarray(0, sure);
        this.rest = this.rest.subarray(sure);
      }
      if (!(await this.more())) throw cutOff();
    }
  }

  async close(): Promise<void> {
    await this.pieces.return?.();
  }

  private async startsWithEnd(): Promise<boolean> {
    while (this.rest.length < END_OF_ROWS.length) if (!(await this.more())) throw cutOff();
    return this.rest.toString('latin1', 0, END_OF_ROWS.length) === END_OF_ROWS;
  }

  /** undefined: there is none, or one without end. The last one may lack its line end. */
  private async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.rest.indexOf(NEWLINE);
      if (end >= 0) {
        const line = this.rest.toString('utf8', 0, end);
        this.rest = this.rest.subarray(end + 1);
        return line;
      }
      if (this.rest.length > MAX_LINE_BYTES) return undefined;
      if (await this.more()) continue;
      const last = this.rest.toString();
      this.rest = Buffer.alloc(0);
      return last === '' ? undefined : last;
    }
  }

  private async more(): Promise<boolean> {
    const next = await this.pieces.next();
    if (next.done === true) return false;
    this.rest = this.rest.length === 0 ? next.value : Buffer.concat([this.rest, next.value]);
    return true;
  }
}

function parseObject(line: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(line ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isNames(columns: readonly string[] | undefined): columns is readonly string[] {
  return (
    Array.isArray(columns) && columns.length > 0 && columns.every((name) => /^[a-z][a-z0-9_]*$/.test(String(name)))
  );
}

function isDays(days: readonly number[]): boolean {
  return Array.isArray(days) && days.every((day) => Number(day) % DAY_MS === 0);
}

function cutOff(): StorageError {
  return new StorageError('IMPORT_FILE', 'The file is cut off; nothing was imported.');
}
