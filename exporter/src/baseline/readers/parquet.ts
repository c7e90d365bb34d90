import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';
import { parquetMetadata, parquetSchema } from 'hyparquet';
import type { FileMetaData, ParquetParsers, RowGroup, SchemaTree } from 'hyparquet';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { isFlatColumn } from 'hyparquet/src/schema.js';
import type { BaselineRow } from '../../domain/baseline.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { TemporaryFile } from '../temporary-file.ts';
import { toBaselineRow } from './column-roles.ts';
import type { ColumnRoles } from './column-roles.ts';
import { PageBudget, ParquetColumn } from './parquet-column.ts';
import { invalid, zstd } from './parquet-page.ts';
import type { ColumnDecoder } from './parquet-page.ts';

const FOOTER_BYTES = 8;
const PAUSE = Symbol('pause');
const ROWS_A_TURN = 1_000;
const MAX_METADATA_BYTES = 16 * 1_048_576;
/** A row group is read page by page in all columns at once. */
const PAGES_IN_MEMORY_BYTES = 256 * 1_048_576;

/**
 * Rows of a Parquet file with flat columns, in any of its encodings and compressions. Its table of contents is at the end, so the body goes
 * to a temporary file first (the body's own cap is the file's); in memory is one page a column. Times are epoch milliseconds.
 * Throws ServiceError invalid with what is wrong with the file.
 */
export async function* readParquet(body: Readable, roles: ColumnRoles): AsyncGenerator<BaselineRow> {
  const file = new TemporaryFile();
  try {
    for await (const piece of body) file.append(piece as Buffer);
    await zstd.init();
    const metadata = orInvalid(() => readMetadata(file));
    const columns = orInvalid(() => columnsOf(metadata));
    const dataEnd = file.size - FOOTER_BYTES - metadata.metadata_length;
    for (const group of metadata.row_groups) {
      const rows = readGroup(file, group, columns, dataEnd);
      for (;;) {
        const record = orInvalid(() => rows.next());
        if (record.done === true) break;
        if (record.value === PAUSE) await setImmediate();
        else yield toBaselineRow(record.value, roles);
      }
    }
  } finally {
    file.close();
  }
}

function readMetadata(file: TemporaryFile): FileMetaData {
  const footer = file.read(Math.max(0, file.size - FOOTER_BYTES), FOOTER_BYTES);
  if (footer.length < FOOTER_BYTES || footer.toString('latin1', 4) !== 'PAR1')
    throw invalid(
      footer.toString('latin1', 4) === 'PARE' ? 'it is encrypted' : 'it is no Parquet file, or it was cut off',
    );
  const length = footer.readUInt32LE();
  if (length > MAX_METADATA_BYTES || length > file.size - FOOTER_BYTES)
    throw invalid(`its footer says that it has ${length} bytes of metadata`);
  return parquetMetadata(file.read(file.size - FOOTER_BYTES - length, length + FOOTER_BYTES), { geoparquet: false });
}

/** As numbers and text: what JSON intake could bring of the same feature. */
const PARSERS: ParquetParsers = {
  ...DEFAULT_PARSERS,
  timestampFromMilliseconds: asDate((millis: bigint) => Number(millis)),
  timestampFromMicroseconds: asDate((micros: bigint) => Number(micros / 1_000n)),
  timestampFromNanoseconds: asDate((nanos: bigint) => Number(nanos / 1_000_000n)),
  dateFromDays: asDate((days: number) => days * 86_400_000),
  jsonFromBytes: (bytes) => PARSERS.stringFromBytes(bytes) as unknown,
};

/** hyparquet passes on whatever a parser makes of a value, though its types say Date. */
function asDate<T>(parse: (value: T) => number): (value: T) => Date {
  return parse as unknown as (value: T) => Date;
}

interface Leaf {
  readonly name: string;
  readonly tree: readonly SchemaTree[];
}

function columnsOf(metadata: FileMetaData): Leaf[] {
  const root = parquetSchema(metadata);
  const names = new Set<string>();
  for (const { element } of root.children) {
    if (element.name === '__proto__' || names.has(element.name))
      throw invalid(`it has ${names.has(element.name) ? 'two columns' : 'a column'} named ${quote(element.name)}`);
    names.add(element.name);
  }
  return root.children.map((child) => {
    const tree = [root, child];
    if (!isFlatColumn(tree))
      throw invalid(`column ${quote(child.element.name)} is nested; leave it out, or make flat columns of it`);
    return { name: child.element.name, tree };
  });
}

/**
 * The rows of one group; all its columns move on together. After each page, and every thousand rows, others may have their turn: the lease
 * is renewed each second.
 */
function* readGroup(
  file: TemporaryFile,
  group: RowGroup,
  leaves: readonly Leaf[],
  dataEnd: number,
): Generator<Record<string, unknown> | typeof PAUSE> {
  let left = Number(group.num_rows);
  if (!Number.isSafeInteger(left) || left < 0 || group.columns.length !== leaves.length)
    throw invalid('a row group is not as the schema says');
  if (left > 0 && leaves.length === 0) throw invalid('it has rows, but no columns');
  const budget = new PageBudget(PAGES_IN_MEMORY_BYTES);
  const columns = leaves.map(({ name, tree }, i) => ({
    name,
    column: openColumn(file, group.columns[i]!, name, tree, budget, dataEnd),
  }));
  while (left > 0) {
    let rows = left;
    for (const { column } of columns) {
      while (column.available === 0) {
        column.readPage(left);
        yield PAUSE;
      }
      rows = Math.min(rows, column.available);
    }
    left -= rows;
    for (; rows > 0; rows--) {
      const record: Record<string, unknown> = {};
      for (const { name, column } of columns) record[name] = column.take();
      yield record;
      if (rows % ROWS_A_TURN === 0) yield PAUSE;
    }
  }
}

function openColumn(
  file: TemporaryFile,
  chunk: RowGroup['columns'][number],
  name: string,
  tree: readonly SchemaTree[],
  budget: PageBudget,
  dataEnd: number,
): ParquetColumn {
  const { meta_data: meta, file_path: elsewhere, crypto_metadata: encrypted } = chunk;
  const { element } = tree.at(-1)!;
  if (encrypted !== undefined) throw invalid(`column ${quote(name)} is encrypted`);
  if (elsewhere !== undefined) throw invalid(`column ${quote(name)} lies in another file`);
  if (meta === undefined || element.type === undefined || meta.type !== element.type)
    throw invalid('a row group is not as the schema says');
  const decoder: ColumnDecoder = {
    pathInSchema: [name],
    type: meta.type,
    element,
    schemaPath: [...tree],
    codec: meta.codec,
    parsers: PARSERS,
  };
  return new ParquetColumn(file, meta, decoder, budget, dataEnd);
}

/** What the library throws of a broken file is seldom more than where it stumbled. The disk's own errors are not the file's. */
function orInvalid<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isNativeError(error) || error instanceof ServiceError || 'syscall' in error) throw error;
    throw invalid(`it is damaged, or uses what is not supported (${error.message.slice(0, 200)})`, error);
  }
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
