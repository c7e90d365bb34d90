import type { FastifyInstance } from 'fastify';
import type { ModelReport } from '../../domain/model-report.ts';
import { CHECK_NAMES } from '../../domain/settings.ts';
import { authorise, hasSession } from '../auth.ts';
import type { Access } from '../auth.ts';
import type { Services } from '../services.ts';
import { findingsOf } from './findings.ts';
import { escapeHtml, FORM_PAGE_HEADERS, page } from './page.ts';
import {
  capital,
  floorScore,
  scoreNote,
  statusOf,
  STATUSES,
  STATUS_WORDS,
  timeHtml,
  words,
  worstFirst,
  modelLink,
} from './report-words.ts';
import type { Status } from './report-words.ts';

/** More models than this are for Grafana. */
const SHOWN_MODELS = 200;
const LOG_OUT = `<li><form class="logout" method="post" action="/logout"><button>Log out</button></form>
<span class="soft">this browser forgets its token</span></li>
`;

/** `/`: how the models are, worst first, and where to go. */
export function landingPage(
  server: FastifyInstance,
  services: Services,
  access: Access,
  { telemetryPath, version }: { readonly telemetryPath: string; readonly version: string },
): void {
  server.get('/', {
    schema: { hide: true },
    handler: (request, reply) => {
      const caller = authorise(request, 'read', access);
      const reports = services.reports().filter(({ model }) => caller.mayTouch(model));
      const notReady = services.notReady() ?? services.notLeader();
      const title = `${titlePrefix(reports)}Model health`;
      const address = `${request.protocol}://${request.host}`;
      return reply.headers(FORM_PAGE_HEADERS).send(
        page(
          title,
          `<header><h1>Model health</h1>
<p class="soft">${evaluated(reports)}exporter ${escapeHtml(version)}</p></header>
${notReady === null ? '' : `<p class="banner" role="status"><strong>Not ready.</strong> ${escapeHtml(notReady)} What stands below may be out of date.</p>`}
${reports.length === 0 ? gettingStarted(address, access.tokens().length > 0) : overview(reports)}
<h2>Where to go</h2>
<ul class="links">
<li><a href="/admin/ml/dashboard">Dashboard</a> <span class="soft">health over time, and jobs</span></li>
<li><a href="/docs/ml">API</a> <span class="soft">every call, with examples</span></li>
<li><a href="${escapeHtml(telemetryPath)}">Metrics</a> <span class="soft">for Prometheus</span></li>
<li><a href="/api/ml/health">Health</a> <span class="soft">of every model, as JSON</span></li>
<li><a href="/admin/ml/alerts">Alerts</a> <span class="soft">history and verdicts</span></li>
<li><a href="/api/ml/models">Models</a> <span class="soft">and their features</span></li>
<li><a href="/config">Configuration</a> <span class="soft">in force, no secrets</span></li>
<li><a href="/-/ready">Readiness</a> <span class="soft">and <a href="/-/healthy">liveness</a></span></li>
${hasSession(request) ? LOG_OUT : ''}</ul>`,
        ),
      );
    },
  });
}

/** In a row of browser tabs only the first words can be read. */
function titlePrefix(reports: readonly ModelReport[]): string {
  const alerts = reports.filter((report) => statusOf(report) === 'alert').length;
  return alerts === 0 ? '' : `${alerts} in alert · `;
}

function evaluated(reports: readonly ModelReport[]): string {
  const newest = reports.reduce((latest, { evaluatedAtMs }) => Math.max(latest, evaluatedAtMs), -Infinity);
  if (newest === -Infinity) return '';
  return `evaluated ${timeHtml(newest)} · `;
}

function overview(reports: readonly ModelReport[]): string {
  const ranked = worstFirst(reports);
  const tally = STATUSES.map((status) => {
    const count = ranked.filter((one) => one.status === status).length;
    return `<li class="${status}${count === 0 ? ' zero' : ''}"><strong>${count}</strong> ${STATUS_WORDS[status]}</li>`;
  });
  const more =
    ranked.length > SHOWN_MODELS
      ? `<p class="soft">The worst ${SHOWN_MODELS} of ${ranked.length}; all of them are at <a href="/api/ml/health">/api/ml/health</a>.</p>`
      : '';
  return `<ul class="tally" aria-label="Model versions by status">${tally.join('')}</ul>
<h2>Models, worst first</h2>
<ol class="models">
${ranked
  .slice(0, SHOWN_MODELS)
  .map(({ report, status }) => modelItem(report, status))
  .join('\n')}
</ol>${more}`;
}

function modelItem(report: ModelReport, status: Status): string {
  const { model, version, health, severity } = report;
  const link = modelLink(model, version);
  const severe = severity === 'none' ? '' : ` <small>${severity} severity</small>`;
  const score = Number.isNaN(health.score) ? '<strong>–</strong>' : `<strong>${floorScore(health.score)}</strong>`;
  return `<li class="model ${status}"><span class="status">${capital(status)}${severe}</span>
<div class="what"><h3><a href="${escapeHtml(link)}">${escapeHtml(model)}</a>${version === '' ? '' : `<span class="soft">version ${escapeHtml(version)}</span>`}</h3>${findingsHtml(report)}</div>
<span class="score">${score} <small>${scoreNote(health)}</small></span></li>`;
}

function findingsHtml(report: ModelReport): string {
  const lines = findingsOf(report).map(
    ({ check, state, detail }) =>
      `<li class="${state}"><b>${words(check)}</b>${state === 'warning' ? ' (warning)' : ''}${detail === '' ? '' : ` ${escapeHtml(detail)}`}</li>`,
  );
  const waiting = CHECK_NAMES.filter((name) => report.checks[name].state === 'insufficient_data').map(words);
  if (waiting.length > 0)
    lines.push(
      `<li class="soft">${waiting.length === CHECK_NAMES.length ? 'not enough data for any check yet' : `not enough data: ${waiting.join(', ')}`}</li>`,
    );
  const { action } = report.recommendation;
  if (action !== 'none') lines.push(`<li>Recommended: ${words(action)}</li>`);
  return lines.length === 0 ? '' : `<ul class="findings">${lines.join('')}</ul>`;
}

function gettingStarted(address: string, needsToken: boolean): string {
  const token = needsToken ? ` \\\n  -H "authorization: Bearer $TOKEN"` : '';
  return `<h2>No models yet</h2>
<p>Send a first prediction; the model registers itself and is here after the next evaluation, by default within 15 seconds:</p>
<pre tabindex="0">curl ${escapeHtml(address)}/api/ml/predictions${escapeHtml(token)} \\
  -H 'content-type: application/json' -d '{
  "model": "churn", "version": "1", "prediction_id": "first",
  "features": {"tenure_months": 34, "region": "north"},
  "prediction": "1", "score": 0.82, "latency_ms": 12.5}'</pre>
<p class="soft">Unless configured otherwise, checks speak from 100 predictions on, and the first 1,000 of a version become its baseline; or <a href="/docs/ml#baselines">upload your own</a>.</p>`;
}
