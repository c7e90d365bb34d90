import type { FastifyInstance } from 'fastify';
import type { FeatureDistribution } from '../../domain/feature-distribution.ts';
import type { FeatureDrift } from '../../domain/health.ts';
import type { ModelReport } from '../../domain/model-report.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { CHECK_NAMES } from '../../domain/settings.ts';
import type { CheckName } from '../../domain/settings.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import { reportOf, requireLeader } from '../latest-reports.ts';
import { DASHBOARD_POINTS } from '../routes/dashboard.ts';
import type { Services } from '../services.ts';
import { checkFigures, figuresTable } from './check-figures.ts';
import { distributionPicture, healthChart } from './draw.ts';
import { escapeHtml, page, PAGE_HEADERS } from './page.ts';
import { capital, floorScore, modelLink, scoreNote, statusOf, timeHtml, words } from './report-words.ts';

const RANGE_MS = 7 * 86_400_000;
/** Pictures are drawn of so many features, the most drifted first. */
const DRAWN_FEATURES = 40;
const VERDICTS: readonly FeatureDrift['verdict'][] = ['significant', 'moderate', 'none', 'insufficient_data'];

/** `/admin/ml/models/:model`: everything that is known of one version: checks with their figures, features drawn, other versions. */
export function modelPage(server: FastifyInstance, services: Services, access: Access, now: () => number): void {
  server.get<{ Params: { model: string }; Querystring: { version?: string } }>('/admin/ml/models/:model', {
    schema: { hide: true },
    handler: async (request, reply) => {
      const { model } = request.params;
      requireModel(authorise(request, 'read', access), model);
      requireLeader(services);
      const report = reportOf(services, model, request.query.version);
      const { version } = report;
      const toMs = now();
      const fromMs = toMs - RANGE_MS;
      const features = mostDrifted(report);
      const [points, pictures] = await Promise.all([
        services.history.health({
          model,
          version,
          fromMs,
          toMs,
          stepMs: RANGE_MS / DASHBOARD_POINTS / 4,
          limit: 100_000,
          after: null,
        }),
        Promise.all(features.slice(0, DRAWN_FEATURES).map(({ feature }) => drawn(services, model, version, feature))),
      ]);
      const versions = services.reports().filter((one) => one.model === model);
      const history = points.map(({ evaluatedAtMs, score }) => ({ atMs: evaluatedAtMs, score }));
      return reply.headers(PAGE_HEADERS).send(
        page(
          `${model} · Model health`,
          `<header><h1>${escapeHtml(model)}${version === '' ? '' : ` <span class="soft">version ${escapeHtml(version)}</span>`}</h1>
<p><a href="/admin/ml/dashboard">All models</a> · <a href="${escapeHtml(`/admin/ml/reports/${encodeURIComponent(model)}`)}">Last week</a> · <a href="${escapeHtml(`/api/ml/health/${encodeURIComponent(model)}?version=${encodeURIComponent(version)}`)}">JSON</a></p></header>
${headline(report)}
<h2 id="history">Health, last 7 days</h2>
${healthChart(history, fromMs, toMs)}
<h2 id="checks">Checks</h2>
<div class="checks">${CHECK_NAMES.map((check) => checkCard(report, check)).join('\n')}</div>
<h2 id="features">Features</h2>
${featuresTable(features, pictures)}
<h2 id="versions">Versions</h2>
${versionsTable(versions, version)}`,
        ),
      );
    },
  });
}

/** A feature that came after the last evaluation has none yet: that is no reason to show nothing of the others. */
async function drawn(
  services: Services,
  model: string,
  version: string,
  feature: string,
): Promise<FeatureDistribution | null> {
  try {
    return await services.distribution({ model, version, feature, window: undefined });
  } catch (error) {
    if (error instanceof ServiceError) return null;
    throw error;
  }
}

function mostDrifted({ checks }: ModelReport): readonly FeatureDrift[] {
  const rank = ({ klDivergence }: FeatureDrift) => (Number.isNaN(klDivergence) ? -1 : klDivergence);
  return [...checks.data_drift.features].sort(
    (a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || rank(b) - rank(a),
  );
}

function headline(report: ModelReport): string {
  const { health, severity, recommendation, baseline, task, evaluatedAtMs, windowPredictions } = report;
  const facts: [string, string][] = [
    ['Score', `${Number.isNaN(health.score) ? '–' : floorScore(health.score)} <small>${scoreNote(health)}</small>`],
    [
      'Status',
      `<span class="status">${capital(statusOf(report))}</span>${severity === 'none' ? '' : ` <small>${severity} severity</small>`}`,
    ],
    ['Recommended', recommendation.action === 'none' ? 'nothing' : words(recommendation.action)],
    ['Task', task],
    ['Predictions in the window', windowPredictions.toLocaleString('en')],
    [
      'Baseline',
      baseline.kind === 'none'
        ? 'none yet'
        : `${baseline.kind}, ${baseline.rows.toLocaleString('en')} rows, ${timeHtml(baseline.madeAtMs)}`,
    ],
    ['Evaluated', timeHtml(evaluatedAtMs)],
  ];
  const reasons = recommendation.reasons.map((reason) => `<li>${escapeHtml(reason)}</li>`).join('');
  return `<dl class="facts ${statusOf(report)}">${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>${reasons === '' ? '' : `<ul class="findings">${reasons}</ul>`}`;
}

function checkCard(report: ModelReport, check: CheckName): string {
  const { state, score, reason, samples, windowMs } = report.checks[check];
  const status = state === 'ok' ? 'healthy' : state === 'insufficient_data' ? 'incomplete' : state;
  const table = figuresTable(checkFigures(report, check), 'now');
  return `<section class="card ${status}" aria-labelledby="check-${check}"><h3 id="check-${check}">${capital(words(check))} <span class="status">${words(state === 'insufficient_data' ? 'no_data' : state)}</span></h3>
<p class="soft">${Number.isNaN(score) ? '' : `score ${floorScore(score)} · `}${samples.toLocaleString('en')} rows in ${hours(windowMs)}</p>${reason === null ? '' : `<p>${escapeHtml(reason)}</p>`}${table}</section>`;
}

function hours(windowMs: number): string {
  const count = windowMs / 3_600_000;
  if (count < 1) return `${Math.round(windowMs / 60_000)} minutes`;
  return count % 24 === 0 && count > 24
    ? `${count / 24} days`
    : count === 1
      ? 'the last hour'
      : `${Number(count.toFixed(2))} hours`;
}

function featuresTable(features: readonly FeatureDrift[], pictures: readonly (FeatureDistribution | null)[]): string {
  if (features.length === 0)
    return '<p class="soft">None are compared yet: there is no baseline, or too little data.</p>';
  const rows = features.map((drift, i) => {
    const status = { significant: 'alert', moderate: 'warning', none: 'healthy', insufficient_data: 'incomplete' }[
      drift.verdict
    ];
    const picture = pictures[i];
    return `<tr class="${status}"><th scope="row">${escapeHtml(drift.feature)} <small class="soft">${drift.kind}</small></th>
<td><span class="status">${drift.verdict === 'none' ? 'no drift' : words(drift.verdict)}</span></td>
<td>${picture === undefined || picture === null ? '<span class="soft">not drawn</span>' : distributionPicture(picture)}</td>
${[drift.klDivergence, drift.psi, drift.ksStatistic, drift.pValue].map((value) => `<td class="number">${digits(value)}</td>`).join('')}
<td class="number">${drift.samples.toLocaleString('en')}${worth(drift)}</td></tr>`;
  });
  const heads = ['Feature', 'Verdict', 'Distribution', 'KL, nats', 'PSI', 'KS', 'p, adjusted', 'Values'];
  return `<p class="legend"><span class="key was"></span> baseline <span class="key is"></span> now</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="features"><table>
<thead><tr>${heads.map((head, i) => `<th scope="col"${i > 2 ? ' class="number"' : ''}>${head}</th>`).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** Where values repeat what others said. */
function worth({ repetition: { designEffect, effectiveSamples } }: FeatureDrift): string {
  return designEffect > 1
    ? ` <small class="soft" title="Values repeat: they say as much as so many independent ones">as ${Math.floor(effectiveSamples).toLocaleString('en')}</small>`
    : '';
}

function versionsTable(reports: readonly ModelReport[], shown: string): string {
  const rows = reports.map((report) => {
    const { model, version, health, windowPredictions, baseline } = report;
    const name = version === '' ? '(none)' : version;
    return `<tr class="${statusOf(report)}"><th scope="row">${version === shown ? `<strong aria-current="page">${escapeHtml(name)}</strong>` : `<a href="${escapeHtml(modelLink(model, version))}">${escapeHtml(name)}</a>`}</th>
<td><span class="status">${capital(statusOf(report))}</span></td><td class="number">${Number.isNaN(health.score) ? '–' : floorScore(health.score)} <small>${scoreNote(health)}</small></td>
<td class="number">${windowPredictions.toLocaleString('en')}</td><td>${baseline.kind}</td></tr>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-labelledby="versions"><table>
<thead><tr>${['Version', 'Status', 'Score', 'Predictions', 'Baseline'].map((head, i) => `<th scope="col"${i === 2 || i === 3 ? ' class="number"' : ''}>${head}</th>`).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function digits(value: number): string {
  if (Number.isNaN(value)) return '–';
  return Math.abs(value) < 0.001 ? '&lt; 0.001' : value.toFixed(3);
}
