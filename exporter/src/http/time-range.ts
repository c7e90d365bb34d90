import { ServiceError } from '../domain/service-error.ts';

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const LONGEST_MS = 366 * 86_400_000;

/** Milliseconds of text such as `90m`, `24h`, `7d`, `4w`. Throws ServiceError invalid. */
export function readSpan(text: string, name: string): number {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const spanMs = Number(count) * (UNITS_MS[unit ?? ''] ?? NaN);
  if (!(spanMs > 0 && spanMs <= LONGEST_MS))
    throw invalid(name, 'must be a span such as 90m, 24h, 7d or 4w, at most 366d');
  return spanMs;
}

/** Epoch milliseconds of RFC 3339 text. Throws ServiceError invalid. */
export function readInstant(text: string, name: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/i.test(text)
    ? Date.parse(text)
    : NaN;
  if (Number.isNaN(time)) throw invalid(name, 'must be RFC 3339, such as 2026-11-23T10:00:00Z or 2026-11-23');
  return time;
}

function invalid(name: string, detail: string): ServiceError {
  return new ServiceError('invalid', `${name} ${detail}.`, { fields: [{ pointer: `/${name}`, detail }] });
}
