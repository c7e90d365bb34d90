import type { DecodedRows } from '../../domain/prediction.ts';
import type { RowError } from '../../domain/row-error.ts';
import { separate } from './json-events.ts';
import { jsonProblem } from './parse-json.ts';

/** `application/x-ndjson`: an object a line; empty lines are passed over, a line that is not JSON is an error of that row alone. */
export function decodeNdjson<Row extends object>(
  body: Buffer,
  toRow: (value: unknown, index: number) => Row | RowError,
): DecodedRows<Row> {
  const items: (Row | RowError)[] = [];
  let from = 0;
  let index = 0;
  while (from < body.length) {
    const newline = body.indexOf(0x0a, from);
    const to = newline < 0 ? body.length : newline;
    const line = body.toString('utf8', from, to).trim();
    from = to + 1;
    if (line === '') continue;
    items.push(readLine(line, index++, toRow));
  }
  return separate(items);
}

function readLine<Row>(
  line: string,
  index: number,
  toRow: (value: unknown, index: number) => Row | RowError,
): Row | RowError {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { index, pointer: '', detail: `the line is not JSON: ${jsonProblem(line, error)}` };
  }
  return toRow(value, index);
}
