/** Small readers of untrusted values. A problem is returned as text for the row's error; nothing here throws. */
export const MAX_NAME_LENGTH = 200;
export const MAX_ID_LENGTH = 512;
const MAX_TEXT_LENGTH = 1_000;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/i;
const UNSTORABLE = /[\0\p{Surrogate}]/u;
/** The days that not every month has. */
const LATE_DAY = /^(\d{4})-(\d{2})-(29|30|31)/;

export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string };

const ok = <T>(value: T): Read<T> => ({ ok: true, value });
const bad = (detail: string): Read<never> => ({ ok: false, detail });

/** What PostgreSQL's text and jsonb cannot hold, or would store as another text than was sent; null when there is nothing. */
export function textFault(text: string): string | null {
  if (!UNSTORABLE.test(text)) return null;
  return text.includes('\0') ? 'contains a NUL character' : 'contains half a surrogate pair';
}

export function readName(value: unknown, what: string): Read<string> {
  if (typeof value !== 'string') return bad(`${what} must be a string, not ${kindOf(value)}`);
  if (value.length === 0) return bad(`${what} must not be empty`);
  if (value.length > MAX_NAME_LENGTH)
    return bad(`${what} has ${value.length} characters, at most ${MAX_NAME_LENGTH} are allowed`);
  const fault = textFault(value);
  return fault === null ? ok(value) : bad(`${what} ${fault}`);
}

/** '' for null and undefined: a model without versions. Numbers are taken as text. */
export function readVersion(value: unknown): Read<string> {
  if (value === undefined || value === null || value === '') return ok('');
  if (typeof value === 'number' && Number.isFinite(value)) return ok(String(value));
  return readName(value, 'version');
}

/** null when there is none; whole numbers are taken as text. */
export function readId(value: unknown): Read<string | null> {
  if (value === undefined || value === null) return ok(null);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return ok(String(value));
  if (typeof value !== 'string') return bad(`prediction_id must be a string or a whole number, not ${kindOf(value)}`);
  if (value.length === 0) return bad('prediction_id must not be empty; leave it out to have one made');
  if (value.length > MAX_ID_LENGTH)
    return bad(`prediction_id has ${value.length} characters, at most ${MAX_ID_LENGTH} are allowed`);
  const fault = textFault(value);
  return fault === null ? ok(value) : bad(`prediction_id ${fault}`);
}

/** Epoch milliseconds; NaN when there is none. */
export function readTime(value: unknown, earliestMs: number, latestMs: number): Read<number> {
  if (value === undefined || value === null) return ok(NaN);
  let time: number;
  // Whole milliseconds, as everything that is joined by time has them.
  if (typeof value === 'number') time = Math.floor(value);
  else if (typeof value === 'string' && RFC_3339.test(value)) time = isCalendarDay(value) ? Date.parse(value) : NaN;
  else return bad('timestamp must be RFC 3339 text such as 2026-11-23T10:00:00Z, or epoch milliseconds');
  if (!Number.isFinite(time)) return bad('timestamp is not a valid time');
  if (time > latestMs)
    return bad(`timestamp lies more than 5 minutes in the future${inSeconds(value, earliestMs, latestMs)}`);
  if (time < earliestMs)
    return bad(`timestamp is older than the retention of raw predictions${inSeconds(value, earliestMs, latestMs)}`);
  return ok(time);
}

/** Date.parse takes 30 February for 2 March. */
function isCalendarDay(text: string): boolean {
  const late = LATE_DAY.exec(text);
  return late === null || Number(late[3]) <= new Date(Date.UTC(Number(late[1]), Number(late[2]), 0)).getUTCDate();
}

/** The commonest mistake with numbers. */
function inSeconds(value: unknown, earliestMs: number, latestMs: number): string {
  return typeof value === 'number' && value * 1000 >= earliestMs && value * 1000 <= latestMs
    ? '; it looks like seconds: send milliseconds'
    : '';
}

/** NaN when there is none. */
export function readNumber(value: unknown, what: string, least = -Infinity, most = Infinity): Read<number> {
  if (value === undefined || value === null) return ok(NaN);
  if (typeof value !== 'number') return bad(`${what} must be a number, not ${kindOf(value)}`);
  if (!Number.isFinite(value)) return bad(`${what} is too large for a double`);
  if (value < least) return bad(`${what} must not be below ${least}`);
  if (value > most) return bad(`${what} must not be above ${most}`);
  return ok(value);
}

/** The type of a failure; null when there was none. Accepts text or `{type, message}`: messages are not kept. */
export function readError(value: unknown): Read<string | null> {
  if (value === undefined || value === null) return ok(null);
  const type = typeof value === 'object' && !Array.isArray(value) ? (value as { readonly type?: unknown }).type : value;
  return readName(type, typeof value === 'object' ? 'error.type' : 'error');
}

/** JSON text of a flat object of short values; null when there is none. */
export function readSegment(value: unknown): Read<string | null> {
  if (value === undefined || value === null) return ok(null);
  if (typeof value !== 'object' || Array.isArray(value)) return bad(`segment must be an object, not ${kindOf(value)}`);
  const entries = Object.entries(value);
  if (entries.length > 16) return bad(`segment has ${entries.length} keys, at most 16 are allowed`);
  for (const [key, of] of entries) {
    const fault = shortTextFault(key);
    if (fault !== null) return bad(`a key of segment ${fault}`);
    if (!['string', 'number', 'boolean'].includes(typeof of) && of !== null)
      return bad(`segment.${key} must be a string, a number or a boolean`);
    const problem = typeof of === 'string' ? shortTextFault(of) : null;
    if (problem !== null) return bad(`segment.${key} ${problem}`);
  }
  return ok(entries.length === 0 ? null : JSON.stringify(value));
}

function shortTextFault(text: string): string | null {
  return text.length > MAX_NAME_LENGTH ? 'is too long' : textFault(text);
}

/** Text of a categorical value; its problem when it cannot be stored. */
export function textProblem(value: string): string | null {
  if (value.length > MAX_TEXT_LENGTH) return `has ${value.length} characters, at most ${MAX_TEXT_LENGTH} are allowed`;
  return textFault(value);
}

/** For messages: never the value itself. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'absent';
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON pointer (RFC 6901) to a key; a long one is cut, it is only shown to its sender. */
export function pointerTo(key: string): string {
  return `/${key.slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
