import type { Maintenance } from '../../alerting/alertmanager.ts';
import type { AlertFilter, Verdict } from '../../domain/alert.ts';
import { severityWord, VERDICTS } from '../../domain/alert.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { requireModel } from '../auth.ts';
import type { Caller } from '../auth.ts';
import type { AlertServices } from '../services.ts';

/** What people send about alerts, read and checked. All of these throw ServiceError invalid with the field at fault. */

export const DAY_MS = 86_400_000;
const MAX_TEXT = 2_000;

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}
type Query = Readonly<Record<string, string | undefined>>;

export function readFilter({ status, model, severity, from, to }: Query): AlertFilter {
  if (given(status) && status !== 'firing' && status !== 'resolved')
    throw invalid('status', 'must be firing or resolved');
  return {
    ...(given(status) ? { status: status } : {}),
    ...(given(model) ? { model } : {}),
    ...(given(severity) ? { severity: severityWord(severity) } : {}),
    ...(given(from) ? { fromMs: readTime(from, 'from') } : {}),
    ...(given(to) ? { toMs: readTime(to, 'to') } : {}),
  };
}

/** Half-open. Without `to` it ends now, without `from` it is as long as the default. */
export function readRange({ from, to }: Query, nowMs: number, defaultMs: number): TimeRange {
  const toMs = given(to) ? readTime(to, 'to') : nowMs;
  const fromMs = given(from) ? readTime(from, 'from') : toMs - defaultMs;
  if (fromMs >= toMs) throw invalid('from', 'must be before `to`');
  return { fromMs, toMs };
}

export interface Action {
  readonly by: string;
  readonly note: string;
}

/** Who did it: the token or user where there is one, else who it says. */
export function readAction({ by, note }: Readonly<Record<string, unknown>>, caller: Caller): Action {
  const said = optionalText(by, 'by');
  return { by: caller.name === 'anonymous' && said !== '' ? said : caller.name, note: optionalText(note, 'note') };
}

export function readVerdict({ verdict }: Readonly<Record<string, unknown>>): Verdict {
  const known = VERDICTS.find((one) => one === String(verdict));
  if (known === undefined) throw invalid('verdict', `must be one of ${VERDICTS.join(', ')}`);
  return known;
}

/** A maintenance window to be: from now, without another start. */
export function readMaintenance(
  body: Readonly<Record<string, unknown>>,
  caller: Caller,
  nowMs: number,
): Omit<Maintenance, 'id' | 'state'> {
  const model = readText(body.model, 'model');
  requireModel(caller, model);
  const to = readText(body.to, 'to');
  const from = optionalText(body.from, 'from');
  const { fromMs, toMs } = readRange({ from: from === '' ? new Date(nowMs).toISOString() : from, to }, nowMs, 0);
  const version = optionalText(body.version, 'version');
  const reason = optionalText(body.reason, 'reason');
  return { model, version, fromMs, toMs, by: readAction(body, caller).by, reason };
}

/** Ends a window of a model that the caller may touch. Throws ServiceError not_found, and conflict for one that is over. */
export async function endMaintenance({ maintenance }: AlertServices, id: string, caller: Caller): Promise<void> {
  const window = (await maintenance.list()).find((one) => one.id === id);
  if (window === undefined) throw new ServiceError('not_found', 'There is no such maintenance window.');
  requireModel(caller, window.model);
  if (window.state === 'expired') throw new ServiceError('conflict', 'This maintenance window is over already.');
  await maintenance.end(id);
}

export function readText(value: unknown, name: string): string {
  const text = optionalText(value, name);
  if (text === '') throw invalid(name, 'must be given');
  return text;
}

export function invalid(name: string, detail: string): ServiceError {
  return new ServiceError('invalid', `${name === '' ? 'The body' : name} ${detail}.`, {
    fields: [{ pointer: name === '' ? '' : `/${name}`, detail }],
  });
}

function optionalText(value: unknown, name: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string' || value.length > MAX_TEXT || value.includes('\0'))
    throw invalid(name, `must be a text of at most ${MAX_TEXT} characters`);
  return value.trim();
}

/** RFC 3339, or a day, which begins at midnight UTC. */
function readTime(value: string, name: string): number {
  const ms = /^\d{4}-\d\d-\d\d(T|$)/.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(ms)) throw invalid(name, 'must be a time such as 2026-11-26T10:00:00Z');
  return ms;
}

/** A form sends an empty text for what was left open. */
function given(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
