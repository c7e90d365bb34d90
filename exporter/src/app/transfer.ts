import { createReadStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { PassThrough, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ExportFlags, ImportFlags } from '../config/transfer-flags.ts';
import type { Log } from '../domain/log.ts';
import { exportState } from '../storage/export-state.ts';
import { importState } from '../storage/import-state.ts';
import { resolveDatabase } from '../storage/embedded/resolve-database.ts';
import { createPool } from '../storage/pool.ts';
import { readRawRows } from '../storage/raw-row-reader.ts';
import type { Progress } from '../storage/state-file.ts';
import { StorageError } from '../storage/storage-error.ts';
import { outputFile, parquetFile, rawLineFile } from './raw-file.ts';

export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface TransferOptions {
  readonly packageFolder: string;
  readonly searchPath: string | undefined;
  readonly nowMs: number;
  /** Progress and warnings. */
  readonly terminal: Terminal;
  /** What was done. */
  readonly say: (line: string) => void;
}

const CHUNK_BYTES = 1 << 18;

/** `model-health-exporter export`. Throws with a message for people; no half-written file is left. */
export async function runExport(flags: ExportFlags, options: TransferOptions): Promise<void> {
  const { output, raw } = flags;
  for (const file of [output, raw?.file ?? null])
    if (file !== null && existsSync(file)) throw new Error(`${file} exists already; name another file or remove it`);
  if (flags.databaseUrl === null && !existsSync(path.join(flags.dataPath, 'pgdata')))
    throw new Error(`there is no database under ${flags.dataPath}: give --data.path, or --database.url (DATABASE_URL)`);
  await withDatabase(flags, options, async (pool) => {
    if (output !== null)
      await whole(output, async (partial) => {
        const progress = progressOn(options.terminal);
        const { add, end } = outputFile(partial, true);
        const rows = await exportState(pool, migrationsOf(options), options.nowMs, add, progress.told);
        await end();
        progress.done();
        options.say(
          `${output}: ${plural(sum(rows), 'row')} of ${plural(rows.models ?? 0, 'model')}, ${sizeOf(partial)}`,
        );
      });
    if (raw !== null)
      await whole(raw.file, async (partial) => {
        const progress = progressOn(options.terminal);
        const file = raw.file.endsWith('.parquet')
          ? parquetFile(partial)
          : rawLineFile(partial, raw.file.endsWith('.gz'));
        let count = 0;
        await readRawRows(pool, raw, async (rows) => {
          await file.add(rows);
          progress.told('predictions', (count += rows.length));
        });
        await file.end();
        progress.done();
        options.say(`${raw.file}: ${plural(count, 'prediction')}, ${sizeOf(partial)}`);
      });
  });
}

/** `model-health-exporter import`. Throws with a message for people; then nothing was imported. */
export async function runImport(flags: ImportFlags, options: TransferOptions): Promise<void> {
  if (!existsSync(flags.input)) throw new Error(`there is no file ${flags.input}`);
  await withDatabase(flags, options, async (pool) => {
    const progress = progressOn(options.terminal);
    const rows = await importState(pool, migrationsOf(options), bytesOf(flags.input), progress.told);
    progress.done();
    options.say(
      `${flags.input}: ${plural(sum(rows), 'row')} of ${plural(rows.models ?? 0, 'model')} are imported. Start the exporter now.`,
    );
  });
}

async function withDatabase(
  flags: ExportFlags | ImportFlags,
  { searchPath, terminal }: TransferOptions,
  work: (pool: ReturnType<typeof createPool>) => Promise<void>,
): Promise<void> {
  const quiet = () => undefined;
  const warn = (_fields: object, message: string) => void terminal.write(`${message}\n`);
  const log: Log = { debug: quiet, info: quiet, warn, error: warn };
  const database = await resolveDatabase({
    databaseUrl: flags.databaseUrl ?? undefined,
    dataPath: flags.dataPath,
    log,
    ...(searchPath === undefined ? {} : { searchPath }),
  });
  try {
    const pool = createPool(database.url, {
      max: 3,
      applicationName: 'model-health-exporter transfer',
      log,
      statementTimeoutMs: 0,
    });
    await work(pool).finally(() => pool.end());
  } finally {
    await database.stop();
  }
}

function migrationsOf({ packageFolder }: TransferOptions): string {
  return path.join(packageFolder, 'migrations');
}

/** A file has its name only once all of it is there. */
async function whole(file: string, write: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await write(partial);
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** A file as it is read, gzip or not. */
async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const plain = file.endsWith('.gz') ? createGunzip({ chunkSize: CHUNK_BYTES }) : new PassThrough();
  // An error of the source is one of what is read here.
  pipeline(source, plain, () => undefined);
  try {
    for await (const piece of plain) yield piece as Buffer;
  } catch (error) {
    throw new StorageError(
      'IMPORT_FILE',
      `The file cannot be read to its end; nothing was imported: ${String(error)}`,
      error,
    );
  }
}

/** On a terminal a line that counts; elsewhere a line for each table. */
function progressOn(terminal: Terminal): { readonly told: Progress; readonly done: () => void } {
  let current = '';
  let rows = 0;
  const settle = () => {
    if (current !== '')
      terminal.write(`${terminal.isTTY === true ? '\r\u001b[K' : ''}  ${current}: ${plural(rows, 'row')}\n`);
  };
  return {
    told: (table, count) => {
      if (table !== current) settle();
      current = table;
      rows = count;
      if (terminal.isTTY === true) terminal.write(`\r\u001b[K  ${table}: ${plural(count, 'row')} ...`);
    },
    done: settle,
  };
}

function sum(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((total, count) => total + count, 0);
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

function sizeOf(file: string): string {
  const { size } = statSync(file);
  return size < 1e6 ? `${(size / 1e3).toFixed(1)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
