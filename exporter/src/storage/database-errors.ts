import { ServiceError } from '../domain/service-error.ts';
import { errorCode, errorMessage } from './storage-error.ts';

export const UNIQUE_VIOLATION = '23505';
export const DEADLOCK = '40P01';
export const NO_PARTITION = '23514';
/** Raised by assert_scheme_epoch: a baseline switch came between counting and storing. */
export const EPOCH_CHANGED = 'MH001';

/**
 * The database is away, full, or refuses connections: nothing is wrong with the request, and the same request may succeed later.
 * SQLSTATE classes 08 (connection), 53 (resources), 57P (shut down, crashed, starting), 25006 (read only: a standby), 58 (I/O),
 * 55000 (a database that takes no connections), 55P03 (a lock that others hold for too long).
 */
export function isUnavailable(error: unknown): boolean {
  const code = errorCode(error);
  if (code === undefined)
    return /terminated|timeout exceeded|read timeout|not queryable|Connection ended|ended/i.test(errorMessage(error));
  return /^(08|53|57P|58|25006|55000|55P03|E[A-Z]{3,}$)/.test(code);
}

/** Nobody said anything, for or against: a wire that was cut, or a server that stands still. */
export function isSilence(error: unknown): boolean {
  const code = errorCode(error);
  if (code === undefined) return /timeout/i.test(errorMessage(error));
  return /^(ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EAI_AGAIN)$/.test(code);
}

/** Errors of a lost database become ServiceError unavailable; others stay as they are. */
export function asServiceError(error: unknown): unknown {
  if (error instanceof ServiceError || !isUnavailable(error)) return error;
  return new ServiceError(
    'unavailable',
    'The database does not answer; nothing was acknowledged. Retry with the same ids.',
    {
      cause: error,
      retryAfterSeconds: 2,
    },
  );
}

/** For `.catch`: throws the error as `asServiceError` has it. */
export function throwServiceError(error: unknown): never {
  throw asServiceError(error);
}
