import type { FastifyInstance } from 'fastify';
import { CHECK_NAMES } from '../../domain/settings.ts';
import type { ModelReport } from '../../domain/model-report.ts';
import { authorise } from '../auth.ts';
import type { Access } from '../auth.ts';
import type { Services } from '../services.ts';
import { escapeHtml, page, PAGE_HEADERS } from './page.ts';

/** More models than this are for Grafana. */
const SHOWN_MODELS = 200;

/** `/`: what this is, how the models are, where to go. */
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
      const address = `http://${request.host}`;
      return reply.headers(PAGE_HEADERS).send(
        page(
          'Model health exporter',
          `<h1>Model health exporter</h1>
<p class="soft">Version ${escapeHtml(version)}. Predictions come in, model health comes out as Prometheus metrics.</p>
<h2>Models</h2>
${reports.length === 0 ? gettingStarted(address) : modelTable(reports)}
<h2>Where to go</h2>
<ul class="links">
<li><a href="${escapeHtml(telemetryPath)}">Metrics</a> <span class="soft">for Prometheus</span></li>
<li><a href="/api/ml/health">Health</a> <span class="soft">of every model, as JSON</span></li>
<li><a href="/api/ml/models">Models</a> <span class="soft">and their features</span></li>
<li><a href="/docs/ml">API</a> <span class="soft">every call, with its keys</span></li>
<li><a href="/config">Configuration</a> <span class="soft">in force, without secrets</span></li>
<li><a href="/-/ready">Readiness</a> <span class="soft">and <a href="/-/healthy">liveness</a></span></li>
</ul>`,
        ),
      );
    },
  });
}

function modelTable(reports: readonly ModelReport[]): string {
  const worstFirst = [...reports].sort((a, b) => scoreOrder(a) - scoreOrder(b) || (a.model < b.model ? -1 : 1));
  const rows = worstFirst.slice(0, SHOWN_MODELS).map((report) => {
    const { score, level, coverage } = report.health;
    const link = `/api/ml/health/${encodeURIComponent(report.model)}${report.version === '' ? '' : `?version=${encodeURIComponent(report.version)}`}`;
    return `<tr><td><a href="${escapeHtml(link)}">${escapeHtml(report.model)}</a></td><td>${escapeHtml(report.version)}</td>
<td class="number">${Number.isNaN(score) ? '–' : floor(score)}</td><td><span class="level ${level}">${level}</span></td>
<td class="number">${Math.round(coverage * 100)} %</td><td>${escapeHtml(findings(report))}</td></tr>`;
  });
  const more =
    reports.length > SHOWN_MODELS
      ? `<p class="soft">The ${SHOWN_MODELS} with the lowest scores of ${reports.length}.</p>`
      : '';
  return `<div class="scroll"><table>
<thead><tr><th scope="col">Model</th><th scope="col">Version</th><th scope="col" class="number">Score</th><th scope="col">Level</th><th scope="col" class="number">Coverage</th><th scope="col">Findings</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>${more}`;
}

/** One decimal, never rounded up into another level. */
function floor(score: number): string {
  return (Math.floor(score * 10) / 10).toFixed(1);
}

function scoreOrder({ health }: ModelReport): number {
  return Number.isNaN(health.score) ? 101 : health.score;
}

function findings({ checks }: ModelReport): string {
  const of = (state: string) =>
    CHECK_NAMES.filter((name) => checks[name].state === state).map((name) => name.replaceAll('_', ' '));
  const alerts = of('alert');
  const warnings = of('warning');
  const waiting = of('insufficient_data');
  if (alerts.length > 0)
    return `alert: ${alerts.join(', ')}${warnings.length > 0 ? `; warning: ${warnings.join(', ')}` : ''}`;
  if (warnings.length > 0) return `warning: ${warnings.join(', ')}`;
  return waiting.length === 0 ? 'all checks are fine' : `not enough data: ${waiting.join(', ')}`;
}

function gettingStarted(address: string): string {
  return `<p>None yet. Send a first prediction; the model registers itself:</p>
<pre>curl ${escapeHtml(address)}/api/ml/predictions -H 'content-type: application/json' -d '{
  "model": "churn", "version": "1", "prediction_id": "first",
  "features": {"tenure_months": 34, "region": "north"},
  "prediction": "1", "score": 0.82, "latency_ms": 12.5}'</pre>`;
}
