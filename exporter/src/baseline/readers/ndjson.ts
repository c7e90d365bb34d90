import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { BaselineRow } from '../../domain/baseline.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { toBaselineRow } from './column-roles.ts';
import type { ColumnRoles } from './column-roles.ts';

const MAX_LINE_CHARACTERS = 1_000_000;

/** Rows of NDJSON, streamed: flat objects of columns, or prediction events with a `features` object and an optional `label`. */
export async function* readNdjson(body: Readable, roles: ColumnRoles): AsyncGenerator<BaselineRow> {
  const lines = createInterface({ input: body, crlfDelay: Infinity });
  // readline swallows the error of its input.
  const failures: Error[] = [];
  body.on('error', (error) => {
    failures.push(error);
    lines.close();
  });
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() !== '') yield readLine(line, number, roles);
  }
  if (failures[0] !== undefined) throw failures[0];
}

function readLine(line: string, number: number, roles: ColumnRoles): BaselineRow {
  if (line.length > MAX_LINE_CHARACTERS)
    throw new ServiceError(
      'invalid',
      `Line ${number} has ${line.length} characters, at most ${MAX_LINE_CHARACTERS} are allowed.`,
    );
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
  };
}
