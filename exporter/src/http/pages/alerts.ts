import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { StoredAlert, Verdict } from '../../domain/alert.ts';
import { VERDICTS } from '../../domain/alert.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import { DAY_MS, readAction, readFilter, readVerdict } from '../routes/alert-requests.ts';
import type { Action } from '../routes/alert-requests.ts';
import { refuseCrossOrigin } from '../same-origin.ts';
import type { Services } from '../services.ts';
import { backTo, readForm } from './form.ts';
import { maintenanceForms, maintenanceHtml, maintenanceState } from './maintenance.ts';
import { escapeHtml, FORM_PAGE_HEADERS, page } from './page.ts';
import { minuteHtml } from './report-words.ts';
import { timelineHtml } from './timeline.ts';

type Query = Readonly<Record<string, string | undefined>>;
type ById = { Params: { id: string } };

const PER_PAGE = 50;
const TIMELINE_MS = 30 * DAY_MS;
const VERDICT_WORDS: Readonly<Record<Verdict, { readonly word: string; readonly title: string }>> = {
  true: { word: 'True', title: 'It was so, and mattered' },
  false: { word: 'False', title: 'It was not so' },
  benign: { word: 'Benign', title: 'It was so, and did no harm' },
  duplicate: { word: 'Duplicate', title: 'Another alert said the same' },
  unactionable: { word: 'No action', title: 'Nothing could be done about it' },
};

/** `/admin/ml/alerts`: the history with filters, verdicts to give, and the timeline of a model. Works without scripts. */
export function alertsPage(server: FastifyInstance, services: Services, access: Access, now: () => number): void {
  const { alerts } = services;
  maintenanceForms(server, alerts, access, now);

  server.get<{ Querystring: Query }>('/admin/ml/alerts', {
    schema: { hide: true },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      const { query } = request;
      const filter = readFilter(query);
      const { model } = filter;
      if (model !== undefined) requireModel(caller, model);
      const nowMs = now();
      const [found, firing, events, maintenance] = await Promise.all([
        alerts.list(filter, PER_PAGE, query.cursor === '' ? undefined : query.cursor),
        alerts.list({ ...(model === undefined ? {} : { model }), status: 'firing' }, 500),
        model === undefined ? [] : alerts.timeline(model, nowMs - TIMELINE_MS, nowMs),
        maintenanceState(alerts, caller, model),
      ]);
      const shown = found.alerts.filter((alert) => caller.mayTouch(alert.model));
      const count = firing.alerts.filter((alert) => caller.mayTouch(alert.model)).length;
      const title = `${count > 0 ? `${count} firing · ` : ''}Alerts`;
      const body = `<header><h1>Alerts${model === undefined ? '' : ` of ${escapeHtml(model)}`}</h1>
<p class="soft"><a href="/">All models</a> · <a href="/docs/ml#alerts">API</a></p></header>
<p>${count === 0 ? 'Nothing fires now.' : `<a class="firing-now" href="${firingUrl(model)}"><strong>${count} firing now.</strong></a>`} Give alerts a verdict: it tells which rules are worth their noise.</p>
${filterForm(query)}
${timelineHtml(events, nowMs - TIMELINE_MS, nowMs)}
${maintenanceHtml(maintenance, model, request.url)}
<h2 id="history">History, newest first</h2>
${listHtml(shown, request.url, nowMs)}
${found.next === null ? '' : `<p><a href="${escapeHtml(withCursor(query, found.next))}" rel="next">Older alerts</a></p>`}`;
      return reply.headers(FORM_PAGE_HEADERS).send(page(title, body));
    },
  });

  server.post<ById>('/admin/ml/alerts/:id/verdict', {
    schema: { hide: true },
    handler: (request, reply) =>
      change(request, reply, (id, { by, note }, form) => alerts.decide(id, readVerdict(form), by, note)),
  });

  server.post<ById>('/admin/ml/alerts/:id/acknowledge', {
    schema: { hide: true },
    handler: (request, reply) => change(request, reply, (id, { by, note }) => alerts.acknowledge(id, by, note)),
  });

  async function change(
    request: FastifyRequest<ById>,
    reply: FastifyReply,
    act: (id: string, action: Action, form: Readonly<Record<string, string>>) => Promise<void>,
  ): Promise<FastifyReply> {
    const { id } = request.params;
    refuseCrossOrigin(request);
    const caller = authorise(request, 'admin', access);
    requireModel(caller, (await alerts.get(id)).model);
    const form = await readForm(request);
    await act(id, readAction(form, caller), form);
    return reply.redirect(backTo(form.back, `alert-${id}`), 303);
  }
}

function filterForm(query: Query): string {
  const select = (name: string, label: string, values: readonly string[]) =>
    `<label>${label} <select name="${name}"><option value="">any</option>${values
      .map((value) => `<option${query[name] === value ? ' selected' : ''}>${value}</option>`)
      .join('')}</select></label>`;
  const day = (name: string, label: string) =>
    `<label>${label} <input type="date" name="${name}" value="${escapeHtml(query[name] ?? '')}"></label>`;
  return `<form class="filters" method="get" action="/admin/ml/alerts" role="search" aria-label="Filter alerts">
<label>Model <input type="text" name="model" value="${escapeHtml(query.model ?? '')}" autocomplete="off"></label>
${select('status', 'Status', ['firing', 'resolved'])}
${select('severity', 'Severity', ['high', 'medium', 'low'])}
${day('from', 'From')}
${day('to', 'Before')}
<button>Show</button>
${Object.values(query).some((value) => value !== undefined && value !== '') ? '<a href="/admin/ml/alerts">All alerts</a>' : ''}
</form>`;
}

function listHtml(alerts: readonly StoredAlert[], address: string, nowMs: number): string {
  if (alerts.length === 0)
    return `<p class="soft">No alerts. What Alertmanager sends to <code>/api/ml/alerts/webhook</code> is kept here.</p>`;
  return `<ol class="alerts">${alerts.map((alert) => itemHtml(alert, address, nowMs)).join('\n')}</ol>`;
}

function itemHtml(alert: StoredAlert, address: string, nowMs: number): string {
  const { id, model, version, severity, status, annotations, verdict, acknowledged } = alert;
  const what =
    model === ''
      ? ''
      : `<a href="/admin/ml/alerts?model=${encodeURIComponent(model)}">${escapeHtml(model)}</a>${version === '' ? '' : ` <span class="soft">version ${escapeHtml(version)}</span>`} · `;
  const how = alert.suppressed === null ? '' : ` · ${alert.suppressed}, nobody was told`;
  return `<li id="alert-${id}" class="alert-item ${tone(severity)}${status === 'firing' ? ' firing' : ''}">
<div class="status">${escapeHtml(severity === '' ? 'no' : severity)}<small>${status === 'firing' ? 'firing' : 'resolved'}</small></div>
<div class="what"><h3>${escapeHtml(annotations.summary ?? alert.alertname)}</h3>
<p>${escapeHtml(annotations.description ?? '')}</p>
<p class="soft">${what}<code>${escapeHtml(alert.alertname)}</code> · ${spanHtml(alert, nowMs)}${how}${linkHtml(annotations.runbook_url, 'Runbook')}${linkHtml(annotations.dashboard_url, 'Dashboard')}</p>
${acknowledged === null ? '' : `<p class="soft">Acknowledged by ${escapeHtml(acknowledged.by)} ${minuteHtml(acknowledged.atMs)}${acknowledged.note === '' ? '' : `: ${escapeHtml(acknowledged.note)}`}</p>`}
${verdict === null ? '' : `<p>Verdict: <strong>${VERDICT_WORDS[verdict.verdict].word.toLowerCase()}</strong> <span class="soft">by ${escapeHtml(verdict.decidedBy)} ${minuteHtml(verdict.decidedAtMs)}${verdict.note === '' ? '' : `: ${escapeHtml(verdict.note)}`}</span></p>`}
${formsHtml(alert, address)}</div></li>`;
}

function formsHtml(
  { id, acknowledged, verdict, status, annotations, alertname }: StoredAlert,
  address: string,
): string {
  const origin = `<input type="hidden" name="back" value="${escapeHtml(address)}">`;
  const of = escapeHtml(annotations.summary ?? alertname);
  const acknowledge =
    acknowledged !== null || status === 'resolved'
      ? ''
      : `<form method="post" action="/admin/ml/alerts/${id}/acknowledge">${origin}<button aria-label="Acknowledge: ${of}">Acknowledge</button></form>`;
  const buttons = VERDICTS.map((one) => {
    const chosen = verdict?.verdict === one && verdict.source === 'person';
    return `<button name="verdict" value="${one}" title="${VERDICT_WORDS[one].title}"${chosen ? ' aria-pressed="true"' : ''}>${VERDICT_WORDS[one].word}</button>`;
  });
  // The button that Enter in the note would press: disabled, so that nobody gives a verdict by it.
  return `<div class="actions">${acknowledge}<details><summary>${verdict === null ? 'Give a verdict' : 'Change the verdict'}</summary>
<form method="post" action="/admin/ml/alerts/${id}/verdict" aria-label="Verdict on ${of}"><button disabled hidden></button>${origin}<label>Note <input type="text" name="note" maxlength="500" autocomplete="off"></label><span class="buttons">${buttons.join('')}</span></form></details></div>`;
}

function spanHtml({ startsAtMs, endsAtMs }: StoredAlert, nowMs: number): string {
  const lasted = duration(Math.max(0, (endsAtMs ?? nowMs) - startsAtMs));
  return `${minuteHtml(startsAtMs)}, ${endsAtMs === null ? 'for' : 'lasted'} ${lasted}`;
}

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1000)} s`;
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** Only addresses of the web: an annotation could hold anything. */
function linkHtml(url: string | undefined, text: string): string {
  if (url === undefined || !/^https?:\/\//i.test(url)) return '';
  return ` · <a href="${escapeHtml(url)}" rel="noreferrer">${text}</a>`;
}

function tone(severity: string): string {
  if (severity === 'high') return 'alert';
  return severity === 'medium' ? 'warning' : 'incomplete';
}

function firingUrl(model: string | undefined): string {
  const of = model === undefined ? '' : `&amp;model=${encodeURIComponent(model)}`;
  return `/admin/ml/alerts?status=firing${of}#history`;
}

/** The same filters, from there on. */
function withCursor(query: Query, cursor: string): string {
  const next = new URLSearchParams();
  for (const name of ['model', 'status', 'severity', 'from', 'to']) {
    const value = query[name];
    if (value !== undefined && value !== '') next.set(name, value);
  }
  next.set('cursor', cursor);
  return `/admin/ml/alerts?${next.toString()}`;
}
