import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Maintenance } from '../../alerting/alertmanager.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { authorise } from '../auth.ts';
import type { Access, Caller } from '../auth.ts';
import { endMaintenance, invalid, readMaintenance } from '../routes/alert-requests.ts';
import { refuseCrossOrigin } from '../same-origin.ts';
import type { AlertServices } from '../services.ts';
import { backTo, readForm } from './form.ts';
import { escapeHtml } from './page.ts';
import { minuteHtml } from './report-words.ts';

const HOUR_MS = 3_600_000;
/** What a form offers: by hours. */
const LENGTHS: readonly (readonly [hours: number, word: string])[] = [
  [1, '1 hour'],
  [4, '4 hours'],
  [12, '12 hours'],
  [24, '1 day'],
  [72, '3 days'],
  [168, '1 week'],
];
const USUAL_HOURS = 4;

/** Starts and ends maintenance windows, for the forms of the page of alerts. */
export function maintenanceForms(
  server: FastifyInstance,
  alerts: AlertServices,
  access: Access,
  now: () => number,
): void {
  server.post('/admin/ml/alerts/maintenance', {
    schema: { hide: true },
    handler: (request, reply) =>
      change(request, reply, async (form, caller) => {
        const fromMs = form.from === undefined || form.from === '' ? now() : readUtc(form.from);
        const to = new Date(fromMs + readHours(form.hours) * HOUR_MS).toISOString();
        const window = { ...form, from: new Date(fromMs).toISOString(), to };
        await alerts.maintenance.start(readMaintenance(window, caller, now()));
      }),
  });

  server.post<{ Params: { id: string } }>('/admin/ml/alerts/maintenance/:id/end', {
    schema: { hide: true },
    handler: (request, reply) =>
      change(request, reply, (_form, caller) => endMaintenance(alerts, request.params.id, caller)),
  });

  async function change(
    request: FastifyRequest,
    reply: FastifyReply,
    act: (form: Readonly<Record<string, string>>, caller: Caller) => Promise<void>,
  ): Promise<FastifyReply> {
    refuseCrossOrigin(request);
    const caller = authorise(request, 'admin', access);
    const form = await readForm(request);
    await act(form, caller);
    return reply.redirect(backTo(form.back, 'maintenance'), 303);
  }
}

/** Windows that are or will be, of one model or all that the caller may touch, or why they are not known. */
export type MaintenanceState = { readonly windows: readonly Maintenance[] } | { readonly unknown: string };

/** Never throws for what Alertmanager does: the page of alerts is worth having without it. */
export async function maintenanceState(
  { maintenance }: AlertServices,
  caller: Caller,
  model: string | undefined,
): Promise<MaintenanceState> {
  try {
    const known = await maintenance.list();
    return {
      windows: known
        .filter((one) => one.state !== 'expired' && caller.mayTouch(one.model))
        .filter((one) => model === undefined || one.model === model)
        .sort((a, b) => a.fromMs - b.fromMs),
    };
  } catch (error) {
    if (error instanceof ServiceError) return { unknown: error.message };
    throw error;
  }
}

export function maintenanceHtml(state: MaintenanceState, model: string | undefined, address: string): string {
  const origin = `<input type="hidden" name="back" value="${escapeHtml(address)}">`;
  const body =
    'unknown' in state
      ? `<p class="soft">${escapeHtml(state.unknown)}</p>`
      : `${listHtml(state.windows, origin)}${formHtml(model, origin)}`;
  return `<section aria-labelledby="maintenance"><h2 id="maintenance">Maintenance</h2>\n${body}</section>`;
}

function listHtml(windows: readonly Maintenance[], origin: string): string {
  if (windows.length === 0) return '<p class="soft">No window is open or planned: whatever fires is told.</p>';
  const items = windows.map(({ id, model, version, fromMs, toMs, by, reason, state }) => {
    const what = `${escapeHtml(model)}${version === '' ? '' : ` version ${escapeHtml(version)}`}`;
    const why = [by === '' ? '' : `by ${escapeHtml(by)}`, escapeHtml(reason)].filter((part) => part !== '').join(': ');
    return `<li><div><strong>${what}</strong> ${state === 'pending' ? 'from' : 'since'} ${minuteHtml(fromMs)} to ${minuteHtml(toMs)} <span class="soft">${why}</span></div>
<form method="post" action="/admin/ml/alerts/maintenance/${encodeURIComponent(id)}/end">${origin}<button aria-label="End the maintenance of ${what}">${state === 'pending' ? 'Call off' : 'End now'}</button></form></li>`;
  });
  return `<ul class="windows">${items.join('\n')}</ul>`;
}

function formHtml(model: string | undefined, origin: string): string {
  const lengths = LENGTHS.map(
    ([hours, word]) => `<option value="${hours}"${hours === USUAL_HOURS ? ' selected' : ''}>${word}</option>`,
  );
  return `<details><summary>Start or plan a window</summary>
<p class="soft">Alerts of the model go on being evaluated and kept here, as silenced; nobody is told. It is a silence in Alertmanager.</p>
<form class="filters" method="post" action="/admin/ml/alerts/maintenance" aria-label="Start or plan a maintenance window">${origin}
<label>Model <input type="text" name="model" required value="${escapeHtml(model ?? '')}" autocomplete="off"></label>
<label>Version, if only one <input type="text" name="version" autocomplete="off"></label>
<label>From (UTC), now if left open <input type="datetime-local" name="from"></label>
<label>For <select name="hours">${lengths.join('')}</select></label>
<label>Reason <input type="text" name="reason" required maxlength="500" autocomplete="off"></label>
<button>Mute its alerts</button>
</form></details>`;
}

/** A browser's `datetime-local`, which has no time zone. */
function readUtc(from: string): number {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(from) ? Date.parse(`${from}Z`) : NaN;
  if (Number.isNaN(ms)) throw invalid('from', 'must be a time such as 2026-11-26T10:00');
  return ms;
}

function readHours(hours: string | undefined): number {
  const value = Number(hours);
  if (!(value > 0 && value <= 8_760)) throw invalid('hours', 'must be a number of hours, of at most a year');
  return value;
}
