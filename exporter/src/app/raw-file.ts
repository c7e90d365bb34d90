import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { fileWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { RawRow } from '../storage/raw-row-reader.ts';

/** A file that grows by rows or lines. */
export interface GrowingFile<T> {
  readonly add: (part: T) => Promise<void>;
  /** Resolves when all of it is on disk. */
  readonly end: () => Promise<void>;
}

/** Rows of a Parquet row group: what is in memory at once. */
const GROUP_ROWS = 20_000;

/** The fastest level: of rows in hexadecimal and of JSON the next ones save 3 % and take half as long again. */
const GZIP = { level: 1, chunkSize: 1 << 18 };

/** In gzip where it is asked for. Waits for the disk; meant for pieces of many lines, for each waits for a thread. */
export function outputFile(name: string, gzip: boolean): GrowingFile<string | Buffer> {
  const file = createWriteStream(name);
  const into: Writable = gzip ? createGzip(GZIP) : file;
  if (gzip) into.on('error', () => undefined).pipe(file);
  // Also where nothing waits for it yet.
  const done = finished(file);
  done.catch((error: unknown) => into.destroy(error as Error));
  return {
    add: async (piece) => {
      if (into.write(piece)) return;
      // Not a race with `done`, which would remember every one of them.
      await (into.destroyed ? done : once(into, 'drain'));
    },
    end: async () => {
      into.end();
      await done;
    },
  };
}

/** Rows as NDJSON: the keys of the API, with the ground truth beside them. */
export function rawLineFile(name: string, gzip: boolean): GrowingFile<readonly RawRow[]> {
  const { add, end } = outputFile(name, gzip);
  return {
    add: (rows) => add(rows.map((row) => `${JSON.stringify(toJson(row))}\n`).join('')),
    end,
  };
}

function toJson(row: RawRow): Record<string, unknown> {
  return {
    model: row.model,
    version: row.version,
    prediction_id: row.predictionId,
    timestamp: row.time.toISOString(),
    features: row.features,
    prediction: row.className ?? row.prediction,
    score: row.score,
    scores: row.scores,
    latency_ms: row.latencyMs,
    error: row.error,
    segment: row.segment,
    label: row.labelClass ?? row.labelValue,
    label_timestamp: row.labelTime?.toISOString() ?? null,
  };
}

const COLUMNS = [
  { name: 'model', type: 'STRING', of: (row) => row.model },
  { name: 'version', type: 'STRING', of: (row) => row.version },
  { name: 'prediction_id', type: 'STRING', of: (row) => row.predictionId },
  { name: 'timestamp', type: 'TIMESTAMP', of: (row) => row.time },
  { name: 'prediction', type: 'DOUBLE', of: (row) => row.prediction },
  { name: 'class', type: 'STRING', of: (row) => row.className },
  { name: 'score', type: 'DOUBLE', of: (row) => row.score },
  { name: 'scores', type: 'JSON', of: (row) => row.scores },
  { name: 'latency_ms', type: 'DOUBLE', of: (row) => row.latencyMs },
  { name: 'error', type: 'STRING', of: (row) => row.error },
  { name: 'segment', type: 'JSON', of: (row) => row.segment },
  { name: 'features', type: 'JSON', of: (row) => row.features },
  { name: 'label', type: 'STRING', of: (row) => row.labelClass },
  { name: 'label_value', type: 'DOUBLE', of: (row) => row.labelValue },
  { name: 'label_timestamp', type: 'TIMESTAMP', of: (row) => row.labelTime },
] as const satisfies readonly {
  readonly name: string;
  readonly type: 'STRING' | 'TIMESTAMP' | 'DOUBLE' | 'JSON';
  readonly of: (row: RawRow) => unknown;
}[];

/** Rows as Parquet (Snappy), a row group at a time. Features differ from model to model, and so are one column of JSON. */
export function parquetFile(name: string): GrowingFile<readonly RawRow[]> {
  const columnsOf = (rows: readonly RawRow[]) =>
    COLUMNS.map(({ name: column, type, of }) => ({
      name: column,
      type,
      nullable: true,
      data: rows.map<unknown>(of),
    }));
  const writer = new ParquetWriter({
    writer: fileWriter(name),
    schema: schemaFromColumnData({ columnData: columnsOf([]) }),
    createdBy: 'model-health-exporter',
  });
  let waiting: RawRow[] = [];
  const write = async () => {
    await writer.write({
      columnData: columnsOf(waiting).map(({ name: column, data }) => ({ name: column, data })),
      rowGroupSize: GROUP_ROWS,
    });
    waiting = [];
  };
  return {
    add: async (rows) => {
      waiting.push(...rows);
      if (waiting.length >= GROUP_ROWS) await write();
    },
    end: async () => {
      if (waiting.length > 0) await write();
      await writer.finish();
    },
  };
}
