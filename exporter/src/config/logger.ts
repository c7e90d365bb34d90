import { types } from 'node:util';

import pino from 'pino';

import type { Log } from '../domain/log.ts';
import { LOG_LEVELS } from './flags.ts';
import type { Flags, LogLevel } from './flags.ts';
import { encodeLogfmt } from './logfmt.ts';

export interface Logger extends Log {
  /** Opens the file again, after something rotated it away. Nothing happens on standard error. */
  readonly reopen: () => void;
  /** Writes what is left, and ends. */
  readonly close: () => void;
}

/** How deep fields may nest; what lies deeper, or leads back to itself, is cut. */
const MAX_DEPTH = 4;

/**
 * The logger that the flags ask for: one line an event, `ts`, `level`, `msg` and the fields, written at once (pino's destination keeps
 * on trying where a pipe is full). A field that is an Error becomes its code, message and stack, so that `{ err: error }` reads
 * `err.code`, `err.message`, `err.stack`. Fields named like the three above get a `_` at the end.
 * @param now epoch milliseconds for `ts`
 */
export function createLogger(flags: Pick<Flags, 'logLevel' | 'logFormat' | 'logFile'>, now: () => number): Logger {
  const destination = pino.destination({ dest: flags.logFile ?? 2, append: true, mkdir: true, sync: true });
  // Nobody reads the log any more (a closed pipe, a full disk): that is no reason to stop serving.
  destination.on('error', () => undefined);
  const encode =
    flags.logFormat === 'json' ? (line: Readonly<Record<string, unknown>>) => JSON.stringify(line) : encodeLogfmt;
  const lowest = LOG_LEVELS.indexOf(flags.logLevel);
  const writer = (level: LogLevel) => (fields: object, message: string) => {
    if (LOG_LEVELS.indexOf(level) < lowest) return;
    destination.write(
      `${encode({ ts: new Date(now()).toISOString(), level, msg: message, ...plainFields(fields) })}\n`,
    );
  };
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    reopen: () => {
      if (flags.logFile !== null) destination.reopen();
    },
    close: () => {
      destination.flushSync();
      if (flags.logFile !== null) destination.end();
    },
  };
}

function plainFields(fields: object): Record<string, unknown> {
  // An error in the place of fields is a slip that must not lose the error.
  const source = isError(fields) ? { err: fields } : fields;
  const entries = Object.entries(source).map(([name, value]): [string, unknown] => [
    /^(?:ts|level|msg)$/.test(name) ? `${name}_` : name,
    plain(value, 0),
  ]);
  return Object.fromEntries(entries);
}

/** A value that both formats can write, whatever it is. */
function plain(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
    case 'symbol':
    case 'function':
      return String(value);
    case 'object':
      return value === null ? null : plainObject(value, depth);
    default:
      return value;
  }
}

function plainObject(value: object, depth: number): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (depth >= MAX_DEPTH) return '...';
  if (isError(value)) return plainError(value, depth);
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (value instanceof Map || value instanceof Set) return plain([...value], depth);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item, depth + 1)]));
}

/** Also for errors of another realm, such as those of a vm context. */
function isError(value: object): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

function plainError(error: Error, depth: number): Record<string, unknown> {
  const code = 'code' in error ? error.code : undefined;
  return {
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, depth + 1) }),
  };
}
