import { ServiceError } from '../../domain/service-error.ts';

/** Python's json.dumps writes these, and no JSON parser reads them. */
const NOT_JSON_NUMBERS = /[:[,]\s*(NaN|-?Infinity)\b/;
const NEAR = 30;

/** Throws ServiceError invalid with what is wrong and where; never shows more than a few characters of the body. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ServiceError('invalid', `The body is not JSON: ${jsonProblem(text, error)}`, { cause: error });
  }
}

/** For people: what JSON.parse found, or the commonest cause by its name. */
export function jsonProblem(text: string, error: unknown): string {
  const number = NOT_JSON_NUMBERS.exec(text);
  if (number !== null) return `${number[1]!} is not JSON, send null instead (position ${number.index})`;
  const message = error instanceof Error ? error.message : 'it cannot be read';
  // V8 quotes the text around the fault, which may be feature values: only the position is kept.
  const position = /position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `unexpected character at position ${position}`;
  return text.trim().length === 0
    ? 'it is empty'
    : `it ends too early or is malformed${text.length < NEAR ? '' : ` (${text.length} characters)`}`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
