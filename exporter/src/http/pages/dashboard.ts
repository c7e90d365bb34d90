import type { FastifyInstance } from 'fastify';
import type { HealthPoint } from '../../domain/health-history.ts';
import type { ModelReport } from '../../domain/model-report.ts';
import { CHECK_NAMES } from '../../domain/settings.ts';
import { authorise } from '../auth.ts';
import type { Access } from '../auth.ts';
import { DASHBOARD_POINTS } from '../routes/dashboard.ts';
import type { Services } from '../services.ts';
import { sparkline } from './draw.ts';
import { jobsTable } from './jobs.ts';
import { escapeHtml, page, PAGE_HEADERS } from './page.ts';
import { capital, floorScore, modelLink, scoreNote, timeHtml, words, worstFirst } from './report-words.ts';
import type { Status } from './report-words.ts';

const DAY_MS = 86_400_000;
const RANGE_MS = 7 * DAY_MS;
const SHOWN_MODELS = 200;
const SHOWN_JOBS = 10;
const NUMBERS: ReadonlySet<string> = new Set(['Score', 'Predictions']);
const STATE_WORDS: Readonly<Record<string, string>> = {
  ok: 'ok',
  warning: 'warning',
  alert: 'alert',
  insufficient_data: 'no data',
};

/** `/admin/ml/dashboard`: every model with its checks and a week of health, and the last jobs. */
export function dashboardPage(server: FastifyInstance, services: Services, access: Access, now: () => number): void {
  server.get('/admin/ml/dashboard', {
    schema: { hide: true },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      const reports = services.reports().filter(({ model }) => caller.mayTouch(model));
      const notReady = services.notReady() ?? services.notLeader();
      const toMs = now();
      const fromMs = toMs - RANGE_MS;
      const [points, jobs] = await Promise.all([
        services.history.health({
          model: undefined,
          version: undefined,
          fromMs,
          toMs,
          stepMs: RANGE_MS / DASHBOARD_POINTS,
          limit: 1_000_000,
          after: null,
        }),
        services.retraining.jobs({ limit: SHOWN_JOBS }),
      ]);
      const shown = jobs.filter(({ model }) => caller.mayTouch(model));
      return reply.headers(PAGE_HEADERS).send(
        page(
          'Model health dashboard',
          `<header><h1>Model health dashboard</h1><p><a href="/">Overview</a> · <a href="/admin/ml/alerts">Alerts</a> · <a href="/docs/ml">API</a></p></header>
${notReady === null ? '' : `<p class="banner" role="status"><strong>Not ready.</strong> ${escapeHtml(notReady)} What stands below may be out of date.</p>`}
<h2 id="models">Models, worst first</h2>
${reports.length === 0 ? '<p>No models yet. The <a href="/">overview</a> says how to send a first prediction.</p>' : modelsTable(reports, points, fromMs, toMs)}
<h2 id="jobs">Retraining jobs</h2>
${shown.length === 0 ? '<p class="soft">None yet.</p>' : `${jobsTable(shown)}<p><a href="/admin/ml/dashboard/jobs">All jobs</a></p>`}`,
        ),
      );
    },
  });
}

function modelsTable(
  reports: readonly ModelReport[],
  points: readonly HealthPoint[],
  fromMs: number,
  toMs: number,
): string {
  const byVersion = new Map<string, { atMs: number; score: number }[]>();
  for (const { model, version, evaluatedAtMs, score } of points) {
    const key = `${model}\0${version}`;
    const known = byVersion.get(key) ?? [];
    known.push({ atMs: evaluatedAtMs, score });
    byVersion.set(key, known);
  }
  const ranked = worstFirst(reports);
  const rows = ranked
    .slice(0, SHOWN_MODELS)
    .map(({ report, status }) => modelRow(report, status, byVersion, fromMs, toMs));
  const heads = [
    'Model',
    'Status',
    'Score',
    ...CHECK_NAMES.map((check) => capital(words(check))),
    'Last 7 days',
    'Predictions',
    'Evaluated',
  ];
  const more =
    ranked.length > SHOWN_MODELS
      ? `<p class="soft">The worst ${SHOWN_MODELS} of ${ranked.length}; all of them are at <a href="/api/ml/health">/api/ml/health</a>.</p>`
      : '';
  return `<div class="scroll" tabindex="0" role="region" aria-labelledby="models"><table>
<thead><tr>${heads.map((head) => `<th scope="col"${NUMBERS.has(head) ? ' class="number"' : ''}>${head}</th>`).join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>${more}`;
}

function modelRow(
  report: ModelReport,
  status: Status,
  history: ReadonlyMap<string, readonly { readonly atMs: number; readonly score: number }[]>,
  fromMs: number,
  toMs: number,
): string {
  const { model, version, health, checks } = report;
  const cells = CHECK_NAMES.map((check) => checkCell(checks[check].state));
  return `<tr class="${status}"><th scope="row"><a href="${escapeHtml(modelLink(model, version))}">${escapeHtml(model)}</a>${version === '' ? '' : ` <span class="soft">${escapeHtml(version)}</span>`}</th>
<td><span class="status">${capital(status)}</span></td>
<td class="number">${Number.isNaN(health.score) ? '–' : floorScore(health.score)} <small>${scoreNote(health)}</small></td>
${cells.join('')}
<td>${sparkline(history.get(`${model}\0${version}`) ?? [], fromMs, toMs)}</td>
<td class="number">${report.windowPredictions.toLocaleString('en')}</td>
<td class="soft">${timeHtml(report.evaluatedAtMs)}</td></tr>`;
}

function checkCell(state: string): string {
  return `<td><span class="check ${state === 'ok' ? 'healthy' : state === 'insufficient_data' ? 'incomplete' : state}">${STATE_WORDS[state] ?? state}</span></td>`;
}
