import { isOutcome, SUCCESSFUL_WAY } from '../../domain/retraining.ts';
import type { GateFacts, GateFigures, Job, JobEvent, JobState, VersionTraffic } from '../../domain/retraining.ts';
import { escapeHtml } from './page.ts';
import { capital, timeHtml, words } from './report-words.ts';

const TONES: Partial<Record<JobState, string>> = {
  succeeded: 'healthy',
  rejected: 'warning',
  failed: 'alert',
  rolled_back: 'alert',
  awaiting_approval: 'warning',
};
const FIGURES: Readonly<Record<keyof GateFigures, string>> = {
  loss: 'Loss',
  accuracy: 'Accuracy',
  rocAuc: 'ROC AUC',
  logLoss: 'Log loss',
  brierScore: 'Brier score',
  calibrationGap: 'Calibration gap',
  meanAbsoluteError: 'Mean absolute error',
  rootMeanSquaredError: 'Root mean squared error',
};

/** The whole story of a job: where it is, why, on which rows it was judged, what each stage saw, everything that happened. */
export function jobHtml(job: Job, events: readonly JobEvent[]): string {
  const { model, state, facts } = job;
  return `<header><h1>Retraining of ${escapeHtml(model)}</h1>
<p><a href="/admin/ml/dashboard/jobs">All jobs</a> · <a href="/admin/ml/models/${encodeURIComponent(model)}">Model</a> · <a href="/api/ml/retrain/jobs/${job.id}">JSON</a></p></header>
${factsHtml(job)}
${wayHtml(state, events)}
${formsHtml(job)}
${facts.error === undefined ? '' : `<p class="banner alert" role="status"><strong>${escapeHtml(facts.error.code)}</strong> ${escapeHtml(facts.error.message)}</p>`}
${facts.rollback === undefined ? '' : `<p class="banner alert" role="status"><strong>Rolled back.</strong> ${escapeHtml(facts.rollback.reason)}</p>`}
<h2 id="reasons">Reasons</h2>
${table(
  'reasons',
  ['Reason', 'Observed', 'Threshold', 'Samples', 'Window', 'Note'],
  job.reasons.map(({ code, observed, threshold, samples, windowSeconds, note }) => [
    words(code),
    number(observed),
    number(threshold),
    number(samples),
    windowSeconds === null ? '–' : `${windowSeconds / 3600} h`,
    escapeHtml(note),
  ]),
)}
${dataHtml(job)}
${facts.gate === undefined ? '' : gateHtml(facts.gate)}
${stagesHtml(job)}
<h2 id="events">What happened</h2>
${table(
  'events',
  ['When', 'What', 'Who', 'Details'],
  events.map(({ atMs, kind, to, actor, detail }) => [
    `<span class="soft">${timeHtml(atMs)}</span>`,
    escapeHtml(to === null ? words(kind) : `→ ${words(to)}`),
    escapeHtml(actor),
    detailHtml(detail),
  ]),
)}
${facts.output === undefined || facts.output === '' ? '' : `<h2 id="output">What the trainer wrote</h2><pre tabindex="0" role="region" aria-labelledby="output">${escapeHtml(facts.output)}</pre>`}`;
}

function factsHtml(job: Job): string {
  const { state, paused, trigger, requestedBy, champion, facts, attempt, createdAtMs, finishedAtMs } = job;
  const facts_: [string, string][] = [
    ['State', `<span class="status">${capital(words(state))}</span>${paused ? ' <small>paused</small>' : ''}`],
    ['Started by', `${trigger}${trigger === requestedBy ? '' : ` <small>${escapeHtml(requestedBy)}</small>`}`],
    [
      'Version',
      `${escapeHtml(champion.version === '' ? 'unnamed' : champion.version)}${facts.training === undefined ? '' : ` → ${escapeHtml(facts.training.candidate.version)}`} <small>${champion.degraded ? 'champion degraded' : 'champion healthy'}</small>`,
    ],
    ['Attempt', String(attempt)],
    ['Asked for', timeHtml(createdAtMs)],
    ['Ended', Number.isNaN(finishedAtMs) ? 'under way' : timeHtml(finishedAtMs)],
  ];
  return `<dl class="facts ${TONES[state] ?? 'incomplete'}">${facts_.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>`;
}

/** The states of a job that goes well, and where this one stands or left the way. */
function wayHtml(state: JobState, events: readonly JobEvent[]): string {
  const entered = new Set(events.map(({ to }) => to));
  const steps = SUCCESSFUL_WAY.filter((one) => one !== 'succeeded' || state === 'succeeded' || !isOutcome(state));
  const shown = isOutcome(state) && state !== 'succeeded' ? [...steps.filter((one) => entered.has(one)), state] : steps;
  return `<ol class="way" aria-label="The way of the job">${shown
    .map((one) => {
      const is =
        one === state ? ` class="${TONES[one] ?? 'now'}" aria-current="step"` : entered.has(one) ? ' class="done"' : '';
      return `<li${is}>${words(one)}</li>`;
    })
    .join('')}</ol>`;
}

/** What a person can do about it now. Nothing is done to a job that has ended. */
function formsHtml({ id, state, paused, cancelledBy, facts }: Job): string {
  if (isOutcome(state)) return '';
  const form = (action: string, word: string) =>
    `<form method="post" action="/admin/ml/dashboard/jobs/${id}/${action}"><button>${word}</button></form>`;
  const decides = state === 'awaiting_approval' && facts.approval === undefined;
  const decision = decides
    ? `<form method="post" aria-label="Decision" action="/admin/ml/dashboard/jobs/${id}/approve"><label>Note <input type="text" name="note" maxlength="500" autocomplete="off"></label> <button>Approve</button> <button formaction="/admin/ml/dashboard/jobs/${id}/reject">Reject</button></form>`
    : '';
  const end =
    cancelledBy === null
      ? form('cancel', state === 'rolling_out' || state === 'monitoring' ? 'Cancel and roll back' : 'Cancel')
      : `<p>Being cancelled by ${escapeHtml(cancelledBy)}.</p>`;
  return `<div class="actions">${decision}${form(paused ? 'resume' : 'pause', paused ? 'Resume' : 'Pause')}${end}</div>`;
}

function dataHtml({ facts: { dataset } }: Job): string {
  if (dataset === undefined) return '';
  const { parts, fromMs, trainEndMs, testEndMs, toMs, labelCoverage, warnings } = dataset;
  const part = (name: string, rows: number, from: number, to: number) => [
    name,
    number(rows),
    `<span class="soft">${timeHtml(from)} – ${timeHtml(to)}</span>`,
  ];
  return `<h2 id="data">Data</h2>
${table(
  'data',
  ['Part', 'Rows', 'Span'],
  [
    part('Train', parts.train.rows, fromMs, trainEndMs),
    part('Test', parts.test.rows, trainEndMs, testEndMs),
    part('Holdout, withheld', parts.holdout.rows, testEndMs, toMs),
  ],
)}
<p class="soft">${(100 * labelCoverage).toFixed(1)} % of the predictions of that span have ground truth.${warnings.length === 0 ? '' : ` ${escapeHtml(warnings.join('; '))}.`}</p>`;
}

function gateHtml({ verdict, reasons, rows, champion, candidate, improvement, loss, selfReported }: GateFacts): string {
  const shown = (Object.keys(FIGURES) as (keyof GateFigures)[]).filter(
    (name) => name !== 'loss' && champion !== null && champion[name] !== null,
  );
  const figures =
    champion === null || candidate === null
      ? ''
      : table(
          'gate',
          ['Figure', 'Champion', 'Candidate'],
          shown.map((name) => [FIGURES[name], number(champion[name]), number(candidate[name])]),
        );
  // An approval says it in its reason.
  const interval =
    improvement === null || loss === null || verdict === 'approve'
      ? ''
      : `<p>${capital(words(loss))} on the same ${number(rows)} rows: lower by <strong>${number(improvement.mean)}</strong> <span class="soft">(95 %: ${number(improvement.lower)} to ${number(improvement.upper)}; above 0 the candidate is better)</span></p>`;
  return `<h2 id="gate">Gate: ${words(verdict)}</h2>
<p>${escapeHtml(capital(reasons.join('; ')))}.${selfReported ? ' Nobody but the trainer has seen what the candidate answers.' : ''}</p>
${interval}${figures}`;
}

function stagesHtml({ facts: { rollout } }: Job): string {
  if (rollout === undefined || rollout.history.length === 0) return '';
  const traffic = ({ predictions, errors, p95LatencyMs, labelled, meanLoss }: VersionTraffic) =>
    `${number(predictions)} <small>${number(errors)} errors, p95 ${number(p95LatencyMs)} ms${labelled === 0 ? '' : `, loss ${number(meanLoss)} of ${number(labelled)}`}</small>`;
  return `<h2 id="stages">Stages</h2>
${table(
  'stages',
  ['Stage', 'Verdict', 'Champion', 'Candidate', 'Why'],
  rollout.history.map(({ stage, verdict, reasons, champion, candidate }) => [
    escapeHtml(stage),
    verdict === 'wait' ? 'not yet' : verdict,
    traffic(champion),
    traffic(candidate),
    escapeHtml(reasons.join('; ')),
  ]),
)}`;
}

function detailHtml(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .map(([name, value]) => [name, detailText(value)] as const)
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `<small>${escapeHtml(words(name))}</small> ${escapeHtml(text)}`)
    .join(', ');
}

function detailText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return value.map(detailText).join('; ');
  if (typeof value !== 'object') return JSON.stringify(value);
  return Object.entries(value)
    .map(([name, of]) => `${words(name)} ${detailText(of)}`)
    .join(', ');
}

/** Cells are HTML. @param id of the heading that names it */
function table(id: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}"><table class="wrap">
<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${rows.map(([first = '', ...cells]) => `<tr><th scope="row">${first}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n')}</tbody></table></div>`;
}

function number(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–';
  return Number.isInteger(value) ? value.toLocaleString('en') : Number(value.toPrecision(4)).toString();
}
