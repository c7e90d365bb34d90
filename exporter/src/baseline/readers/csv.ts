import type { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { BaselineRow } from '../../domain/baseline.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { toBaselineRow } from './column-roles.ts';
import type { ColumnRoles } from './column-roles.ts';

const MAX_RECORD_CHARACTERS = 1_000_000;

/**
 * Rows of a CSV with a header line (RFC 4180), streamed. Values stay text: what is a number is decided by column later; an empty cell is a
 * missing value. Throws ServiceError invalid with the line of the fault.
 */
export async function* readCsv(body: Readable, roles: ColumnRoles): AsyncGenerator<BaselineRow> {
  const records = body.pipe(
    parse({
      columns: checkHeader,
      bom: true,
      skip_empty_lines: true,
      max_record_size: MAX_RECORD_CHARACTERS,
      relax_column_count: false,
    }),
  );
  // pipe() does not pass on the source's failure: a cut connection or a cap must end the reading.
  body.on('error', (error) => records.destroy(error));
  try {
    for await (const record of records) yield toBaselineRow(record as Record<string, unknown>, roles);
  } catch (error) {
    throw asInvalid(error);
  }
}

function checkHeader(names: readonly string[]): string[] {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === '') throw new ServiceError('invalid', 'The CSV has a column without a name in its first line.');
    // csv-parse makes plain objects: setting it there would set nothing.
    if (name === '__proto__') throw new ServiceError('invalid', 'The CSV has a column named __proto__.');
    if (seen.has(name))
      throw new ServiceError('invalid', `The CSV has two columns named ${JSON.stringify(name.slice(0, 80))}.`);
    seen.add(name);
  }
  return [...names];
}

function asInvalid(error: unknown): unknown {
  if (!(error instanceof CsvError)) return error;
  // csv-parse's messages name the line, and some quote the record: those are cut.
  return new ServiceError('invalid', `The CSV cannot be read: ${error.message.split('\n')[0]!.slice(0, 200)}`, {
    cause: error,
  });
}
