/**
 * The ways in which a stage can fail to serve a request. http/problem-details maps the code to a status; nothing else does.
 * unavailable: the database is away (503, Retry-After). overloaded: too much in flight (429, Retry-After).
 * not_found, invalid, conflict: the request's own fault.
 */
export type ServiceErrorCode = 'unavailable' | 'overloaded' | 'not_found' | 'invalid' | 'conflict';

export class ServiceError extends Error {
  readonly code: ServiceErrorCode;
  /** Pointers into the request, for `invalid`. */
  readonly fields: readonly { readonly pointer: string; readonly detail: string }[];
  readonly retryAfterSeconds: number;

  constructor(
    code: ServiceErrorCode,
    message: string,
    options: {
      readonly cause?: unknown;
      readonly fields?: readonly { readonly pointer: string; readonly detail: string }[];
      readonly retryAfterSeconds?: number;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ServiceError';
    this.code = code;
    this.fields = options.fields ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? 1;
  }
}
