/** One line of the log: structured fields and a constant message. Never feature values or secrets in either. */
type Write = (fields: object, message: string) => void;

/**
 * The part of a logger that code below `app` may use; pino satisfies it as it is.
 * `error` means that a human must act now; a fault that heals by itself is a `warn`.
 */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}
