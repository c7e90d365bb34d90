import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { BaselineRow } from '../../domain/baseline.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { toBaselineRow } from './column-roles.ts';
import type { ColumnRoles } from './column-roles.ts';

const MAX_LINE_CHARACTERS = 1_000_000;

/** Rows of NDJSON, streamed: flat objects of columns, or prediction events with a `features` object and an optional `label`. */
export async function* readNdjson(body: Readable, roles: ColumnRoles): AsyncGenerator<BaselineRow> {
  let number = 0;
  for await (const line of splitLines(body)) {
    number++;
    if (line.trim() !== '') yield readLine(line, number, roles);
  }
}

/** Not node:readline, which would hold a line of any length in memory, and swallows the error of its input. */
async function* splitLines(body: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let number = 1;
  let rest = '';
  for await (const piece of body) {
    const lines = (rest + decoder.write(piece as Buffer)).split('\n');
    rest = lines.pop()!;
    number += lines.length;
    yield* lines;
    if (rest.length > MAX_LINE_CHARACTERS) throw tooLong(number);
  }
  yield rest + decoder.end();
}

function readLine(line: string, number: number, roles: ColumnRoles): BaselineRow {
  if (line.length > MAX_LINE_CHARACTERS) throw tooLong(number);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new ServiceError('invalid', `Line ${number} is not JSON.`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ServiceError('invalid', `Line ${number} is not an object.`);
  const record = value as Readonly<Record<string, unknown>>;
  return isEvent(record) ? fromEvent(record) : toBaselineRow(record, roles);
}

function tooLong(number: number): ServiceError {
  return new ServiceError('invalid', `Line ${number} has more than ${MAX_LINE_CHARACTERS} characters.`);
}

function isEvent(record: Readonly<Record<string, unknown>>): boolean {
  return typeof record.features === 'object' && record.features !== null && !Array.isArray(record.features);
}

function fromEvent(event: Readonly<Record<string, unknown>>): BaselineRow {
  const scores = event.scores;
  return {
    features: event.features as Readonly<Record<string, unknown>>,
    prediction: event.prediction,
    score: event.score,
    scores: typeof scores === 'object' && scores !== null ? (scores as Readonly<Record<string, unknown>>) : undefined,
    label: event.label,
    latencyMs: event.latency_ms,
    error: event.error,
    ...(event.timestamp === undefined ? {} : { timestamp: event.timestamp }),
  };
}
