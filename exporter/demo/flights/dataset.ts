import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** 3,000,000 flights in the USA, January to June 2001, in the order of their scheduled departure; one entry a flight in every column. */
export interface Flights {
  /** Scheduled, epoch milliseconds; local times, taken as if they were UTC. */
  readonly departureMs: Float64Array;
  /** Negative: early. */
  readonly delayMinutes: Float64Array;
  readonly distanceMiles: Float64Array;
  /** Index into `airports`. */
  readonly origin: Uint16Array;
  readonly destination: Uint16Array;
  readonly airports: readonly string[];
}

const FILE = path.join('node_modules', 'vega-datasets', 'data', 'flights-3m.parquet');
const COLUMNS = ['date', 'delay', 'distance', 'origin', 'destination'];

/**
 * Installs the data package by its own lock file, the first time.
 *
 * @param packageFolder the exporter's
 * @returns the data file
 */
export function installDataset(packageFolder: string): string {
  const cache = path.join(packageFolder, 'demo', '.cache');
  const file = path.join(cache, FILE);
  if (existsSync(file)) return file;
  console.log('Installing the flights of 2001 (npm package vega-datasets 3.2.1, 17 MB, once) ...');
  mkdirSync(cache, { recursive: true });
  for (const name of ['package.json', 'package-lock.json'])
    cpSync(path.join(packageFolder, 'demo', 'dataset', name), path.join(cache, name));
  const { status, error } = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: cache, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' },
  );
  if (error !== undefined || status !== 0) throw new Error('npm could not install vega-datasets', { cause: error });
  return file;
}

/** Reads one row group after another. @param onProgress share read, 0..1 */
export async function readFlights(filename: string, onProgress: (share: number) => void): Promise<Flights> {
  const file = await asyncBufferFromFile(filename);
  const metadata = await parquetMetadataAsync(file);
  const n = Number(metadata.num_rows);
  const departureMs = new Float64Array(n);
  const delayMinutes = new Float64Array(n);
  const distanceMiles = new Float64Array(n);
  const origin = new Uint16Array(n);
  const destination = new Uint16Array(n);
  const codes = new Map<string, number>();
  const codeOf = (airport: unknown): number => {
    const name = String(airport);
    const code = codes.get(name) ?? codes.size;
    if (code === codes.size) codes.set(name, code);
    return code;
  };
  const numberOf = (value: unknown): number => (value instanceof Date ? value.getTime() : Number(value));
  const targets: Record<
    string,
    { readonly column: Float64Array | Uint16Array; readonly read: (v: unknown) => number }
  > = {
    date: { column: departureMs, read: numberOf },
    delay: { column: delayMinutes, read: numberOf },
    distance: { column: distanceMiles, read: numberOf },
    origin: { column: origin, read: codeOf },
    destination: { column: destination, read: codeOf },
  };
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    await parquetRead({
      file,
      metadata,
      compressors,
      columns: COLUMNS,
      rowStart,
      rowEnd,
      onChunk: ({ columnName, columnData, rowStart: first }) => {
        const { column, read } = targets[columnName]!;
        for (let i = 0; i < columnData.length; i++) column[first + i] = read(columnData[i]);
      },
    });
    rowStart = rowEnd;
    onProgress(rowEnd / n);
  }
  return { departureMs, delayMinutes, distanceMiles, origin, destination, airports: [...codes.keys()] };
}
