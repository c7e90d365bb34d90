import type { FastifyInstance } from 'fastify';
import { CHECK_NAMES } from '../../domain/settings.ts';
import type { CheckName } from '../../domain/settings.ts';
import { WEEK_MS, weekName, weekNamed } from '../../domain/week.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import { readWeek } from '../routes/weekly-reports.ts';
import type { Services } from '../services.ts';
import type { BusinessReport, WeeklyContext, WeeklyReport } from '../weekly-report-shape.ts';
import { figuresTable } from './check-figures.ts';
import { healthChart } from './draw.ts';
import { escapeHtml, page, PAGE_HEADERS } from './page.ts';
import { capital, floorScore, modelLink, timeHtml, words } from './report-words.ts';
import { number, percent, weeklyFigures } from './weekly-figures.ts';

const SHOWN_FEATURES = 15;
const STATUS: Readonly<Record<string, string>> = {
  ok: 'healthy',
  none: 'healthy',
  insufficient_data: 'incomplete',
  moderate: 'warning',
  significant: 'alert',
};
const FIGURE_WORDS: Readonly<Record<BusinessReport['correlations'][number]['figure'], string>> = {
  overall_health: 'health score',
  performance: 'performance',
  drift: 'largest drift',
};

/** `/admin/ml/reports/:model`: the report of one week, to be read, printed or sent around. */
export function weeklyReportPage(server: FastifyInstance, services: Services, access: Access, now: () => number): void {
  server.get<{ Params: { model: string }; Querystring: { week?: string } }>('/admin/ml/reports/:model', {
    schema: { hide: true },
    handler: async (request, reply) => {
      const { model } = request.params;
      requireModel(authorise(request, 'read', access), model);
      const weekMs = readWeek(request.query.week, now());
      await services.models.get(model);
      const { report, context } = await services.weekly(model, weekMs);
      return reply
        .headers(PAGE_HEADERS)
        .send(page(`${model}, week ${report.week} · Model health`, body(report, context, now())));
    },
  });
}

function body(report: WeeklyReport, context: WeeklyContext, nowMs: number): string {
  const { model, version, week } = report;
  const json = `/api/ml/reports/${encodeURIComponent(model)}?week=${week}`;
  return `<header><h1>${escapeHtml(model)} <span class="soft">week ${week}</span></h1>
<p><a href="/admin/ml/dashboard">All models</a> · <a href="${escapeHtml(modelLink(model, version ?? ''))}">Today</a> · <a href="${escapeHtml(json)}">JSON</a></p></header>
<p class="soft">${day(report.from)} to ${day(report.to, -1)}, UTC. ${report.complete ? 'Made' : '<strong>The week goes on,</strong> and the last two minutes are not in yet: made'} ${timeHtml(Date.parse(report.made_at))}.</p>
${weeksNav(report, nowMs)}
${facts(report, context)}
<h2 id="history">Health through the week</h2>
${healthChart(
  report.history.map(({ at, overall_health: score }) => ({ atMs: Date.parse(at), score: score ?? NaN })),
  Date.parse(report.from),
  Date.parse(report.to),
)}
<h2 id="checks">Checks over the whole week</h2>
${Object.keys(report.checks).length === 0 ? '<p class="soft">None: the model has no version yet.</p>' : `<div class="checks">${CHECK_NAMES.map((check) => checkCard(report, check)).join('\n')}</div>`}
<h2 id="drift">Drift, most drifted first</h2>
${driftTable(report)}
<h2 id="business">Business figures</h2>
${businessTable(context.business, report)}
<h2 id="incidents">Incidents</h2>
${incidentsTable(report)}
<h2 id="jobs">Retraining jobs</h2>
${jobsTable(report)}
<h2 id="versions">Versions</h2>
${versionsTable(report)}`;
}

function weeksNav({ model, week, from }: WeeklyReport, nowMs: number): string {
  const startMs = weekNamed(week) ?? Date.parse(from);
  const link = (ms: number, text: string) =>
    `<li><a href="${escapeHtml(`/admin/ml/reports/${encodeURIComponent(model)}?week=${weekName(ms)}`)}">${text} ${weekName(ms)}</a></li>`;
  const next = startMs + WEEK_MS <= nowMs ? link(startMs + WEEK_MS, 'Next:') : '';
  return `<nav aria-label="Weeks" class="weeks"><ul>${link(startMs - WEEK_MS, 'Before:')}${next}</ul></nav>`;
}

function facts(report: WeeklyReport, { previous }: WeeklyContext): string {
  const { overall_health: score, level, coverage, severity, baseline, label_coverage: labels } = report;
  const change =
    score === null || previous?.overall_health == null
      ? ''
      : ` <small>was ${floorScore(previous.overall_health)} the week before</small>`;
  const missing = report.predictions - report.counted_predictions;
  const entries: [string, string][] = [
    ['Score', `${score === null ? '–' : floorScore(score)} <small>${levelWords(level, coverage)}</small>${change}`],
    ['Severity', severity],
    ['Recommended', report.recommendation.action === 'none' ? 'nothing' : words(report.recommendation.action)],
    [
      'Predictions',
      `${report.predictions.toLocaleString('en')}${missing > 0 ? ` <small>${missing.toLocaleString('en')} of them came before the present bins, and are in no check</small>` : ''}`,
    ],
    ['Label coverage', percent(labels) || '–'],
    [
      'Baseline',
      baseline.kind === 'none'
        ? 'none yet'
        : `${escapeHtml(baseline.kind)}, ${baseline.rows.toLocaleString('en')} rows${baseline.age_days === null ? '' : ` <small>${ageWords(baseline.age_days)}</small>`}`,
    ],
    ['Incidents', String(report.incidents.length)],
  ];
  const reasons = report.recommendation.reasons.map((reason) => `<li>${escapeHtml(reason)}</li>`).join('');
  return `<dl class="facts ${statusOf(report)}">${entries.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>${reasons === '' ? '' : `<ul class="findings">${reasons}</ul>`}`;
}

function checkCard(report: WeeklyReport, check: CheckName): string {
  const { state, score, reason, samples } = report.checks[check]!;
  const table = figuresTable(weeklyFigures(report, check), 'week');
  return `<section class="card ${STATUS[state] ?? state}" aria-labelledby="check-${check}"><h3 id="check-${check}">${capital(words(check))} <span class="status">${state === 'insufficient_data' ? 'no data' : escapeHtml(state)}</span></h3>
<p class="soft">${typeof score === 'number' ? `score ${floorScore(score)} · ` : ''}${samples.toLocaleString('en')} rows</p>${typeof reason === 'string' ? `<p>${escapeHtml(reason)}</p>` : ''}${table}</section>`;
}

function driftTable({ drift_ranking: ranking }: WeeklyReport): string {
  if (ranking.length === 0) return '<p class="soft">Nothing is compared: there is no baseline, or too little data.</p>';
  const rows = ranking.slice(0, SHOWN_FEATURES).map(({ feature, kind, verdict, samples, ...drift }) => {
    const said = String(verdict);
    return `<tr class="${STATUS[said] ?? ''}"><th scope="row">${escapeHtml(String(feature))} <small class="soft">${String(kind)}</small></th>
<td><span class="status">${said === 'none' ? 'no drift' : words(said === 'insufficient_data' ? 'no_data' : said)}</span></td>
${[drift.kl_divergence, drift.psi, drift.ks_statistic, drift.p_value].map((value) => `<td class="number">${digits(value)}</td>`).join('')}
<td class="number">${Number(samples).toLocaleString('en')}</td></tr>`;
  });
  const more =
    ranking.length > SHOWN_FEATURES ? `<p class="soft">The first ${SHOWN_FEATURES} of ${ranking.length}.</p>` : '';
  return table('drift', ['Feature', 'Verdict', 'KL, nats#', 'PSI#', 'KS#', 'p, adjusted#', 'Values#'], rows) + more;
}

function businessTable(business: readonly BusinessReport[], { week, task }: WeeklyReport): string {
  if (business.length === 0)
    return '<p class="soft">None. Send some to <code>POST /api/ml/business-metrics</code>, and the report shows how they go along with the health of the model.</p>';
  const rows = business.flatMap(({ name, mean, values, correlations }) =>
    correlations.map(
      ({ figure, weeks, coefficient, interval, reason }, i) =>
        `<tr>${i === 0 ? `<th scope="rowgroup" rowspan="${correlations.length}">${escapeHtml(name)} <small class="soft">${mean === null ? `no value in ${week}` : `mean ${number(mean)} of ${values.toLocaleString('en')} ${values === 1 ? 'value' : 'values'}`}</small></th>` : ''}
<td>${figure === 'performance' ? (task === 'regression' ? 'mean absolute error' : 'accuracy') : FIGURE_WORDS[figure]}</td>
<td class="number">${coefficient === null ? '–' : coefficient.toFixed(2)}</td><td class="number">${interval === null ? '–' : `${interval[0].toFixed(2)} to ${interval[1].toFixed(2)}`}</td><td class="number">${weeks}</td><td class="wrap">${reason === null ? `goes ${coefficient! > 0 ? 'along' : 'the other way'}` : escapeHtml(reason)}</td></tr>`,
    ),
  );
  return `${table('business', ['Business figure', 'Against', 'Spearman#', '95 % interval#', 'Weeks#', 'What it says'], rows)}
<p class="soft">By week, over up to 52 weeks. A connection is no cause: whatever grows over the weeks goes along with whatever else does.</p>`;
}

function incidentsTable({ incidents }: WeeklyReport): string {
  if (incidents.length === 0) return '<p class="soft">No alert fired.</p>';
  const rows = incidents.map(({ alertname, severity, summary, starts_at: starts, ends_at: ends, verdict }) => {
    const said = (verdict as { readonly verdict: string } | null)?.verdict;
    const tone = severity === 'high' ? 'alert' : severity === 'medium' ? 'warning' : 'incomplete';
    return `<tr class="${tone}"><th scope="row">${escapeHtml(String(alertname))}</th><td><span class="status">${escapeHtml(String(severity))}</span></td><td class="wrap">${escapeHtml(String(summary))}</td>
<td class="soft">${timeHtml(Date.parse(String(starts)))}</td><td class="soft">${typeof ends === 'string' ? timeHtml(Date.parse(ends)) : 'still firing'}</td><td>${escapeHtml(said ?? '–')}</td></tr>`;
  });
  return table('incidents', ['Alert', 'Severity', 'What', 'From', 'To', 'Verdict'], rows);
}

function jobsTable({ jobs }: WeeklyReport): string {
  if (jobs.length === 0) return '<p class="soft">None.</p>';
  const rows = jobs.map(
    ({ id, state, trigger, created_at: created, finished_at: finished }) =>
      `<tr><th scope="row"><a href="/api/ml/retrain/jobs/${encodeURIComponent(String(id))}">${words(String(state))}</a></th><td>${escapeHtml(String(trigger))}</td><td class="soft">${timeHtml(Date.parse(String(created)))}</td><td class="soft">${typeof finished === 'string' ? timeHtml(Date.parse(finished)) : 'under way'}</td></tr>`,
  );
  return table('jobs', ['State', 'Trigger', 'Asked for', 'Ended'], rows);
}

function versionsTable({ versions }: WeeklyReport): string {
  if (versions.length === 0) return '<p class="soft">None.</p>';
  const rows = versions.map(
    ({ version, predictions, overall_health: score, level }) =>
      `<tr><th scope="row">${version === '' ? '(none)' : escapeHtml(version)}</th><td class="number">${score === null ? '–' : floorScore(score)} <small>${level === 'unknown' ? 'no data' : level}</small></td><td class="number">${predictions.toLocaleString('en')}</td></tr>`,
  );
  return table('versions', ['Version', 'Score#', 'Predictions#'], rows);
}

/** A head that ends in # stands over numbers. */
function table(labelledBy: string, heads: readonly string[], rows: readonly string[]): string {
  const cells = heads.map((head) =>
    head.endsWith('#') ? `<th scope="col" class="number">${head.slice(0, -1)}</th>` : `<th scope="col">${head}</th>`,
  );
  return `<div class="scroll" tabindex="0" role="region" aria-labelledby="${labelledBy}"><table>
<thead><tr>${cells.join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function digits(value: unknown): string {
  if (typeof value !== 'number') return '–';
  return Math.abs(value) < 0.001 ? '&lt; 0.001' : value.toFixed(3);
}

function statusOf({ checks }: WeeklyReport): string {
  const states = Object.values(checks).map(({ state }) => state);
  if (states.includes('alert')) return 'alert';
  if (states.includes('warning')) return 'warning';
  return states.length === 0 || states.includes('insufficient_data') ? 'incomplete' : 'healthy';
}

function levelWords(level: string, coverage: number | null): string {
  if (level === 'unknown') return 'no data';
  return coverage === null || coverage > 0.999 ? level : `${level}, ${Math.floor(100 * coverage)} % covered`;
}

function ageWords(days: number): string {
  return days < 0 ? 'made after the week' : days < 1 ? 'less than a day old' : `${Math.floor(days)} days old`;
}

function day(iso: string, daysOn = 0): string {
  return new Date(Date.parse(iso) + daysOn * 86_400_000).toISOString().slice(0, 10);
}
