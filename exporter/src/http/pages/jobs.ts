import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Job } from '../../domain/retraining.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access, Caller } from '../auth.ts';
import { HttpError } from '../problem-details.ts';
import { jobId } from '../routes/retraining.ts';
import { refuseCrossOrigin } from '../same-origin.ts';
import type { Services } from '../services.ts';
import { readForm } from './form.ts';
import { jobHtml } from './job.ts';
import { escapeHtml, FORM_PAGE_HEADERS, page } from './page.ts';
import { timeHtml, words } from './report-words.ts';

const SHOWN_JOBS = 200;
const MAX_NOTE = 1_000;
type OfJob = { Params: { id: string; action?: string } };

/** `/admin/ml/dashboard/jobs`: every job, and the whole story of each, with what a person can do about it. Works without scripts. */
export function jobPages(server: FastifyInstance, services: Services, access: Access): void {
  const { retraining } = services;

  server.get<{ Querystring: { model?: string } }>('/admin/ml/dashboard/jobs', {
    schema: { hide: true },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      const model = request.query.model === '' ? undefined : request.query.model;
      if (model !== undefined) requireModel(caller, model);
      const jobs = await retraining.jobs({ ...(model === undefined ? {} : { model }), limit: SHOWN_JOBS });
      const shown = jobs.filter((job) => caller.mayTouch(job.model));
      const of = model === undefined ? '' : ` of ${escapeHtml(model)}`;
      return reply.headers(FORM_PAGE_HEADERS).send(
        page(
          'Retraining jobs',
          `<header><h1 id="jobs">Retraining jobs${of}</h1><p><a href="/admin/ml/dashboard">Dashboard</a> · <a href="/docs/ml#retraining">API</a></p></header>
<form class="filters" method="get" action="/admin/ml/dashboard/jobs" role="search" aria-label="Filter jobs"><label>Model <input type="text" name="model" value="${escapeHtml(model ?? '')}" autocomplete="off"></label><button>Show</button>${model === undefined ? '' : '<a href="/admin/ml/dashboard/jobs">All jobs</a>'}</form>
${shown.length === 0 ? `<p class="soft">No jobs${of} yet. <code>POST /api/ml/retrain/:model</code> starts one, or a trigger does.</p>` : jobsTable(shown)}
${jobs.length === SHOWN_JOBS ? `<p class="soft">The newest ${SHOWN_JOBS}.</p>` : ''}`,
        ),
      );
    },
  });

  server.get<OfJob>('/admin/ml/dashboard/jobs/:id', {
    schema: { hide: true },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      const { job, events } = await retraining.job(jobId(request));
      requireModel(caller, job.model);
      return reply
        .headers(FORM_PAGE_HEADERS)
        .send(page(`${words(job.state)} · Retraining of ${job.model}`, jobHtml(job, events)));
    },
  });

  server.post<OfJob>('/admin/ml/dashboard/jobs/:id/:action', {
    schema: { hide: true },
    handler: async (request, reply) => {
      refuseCrossOrigin(request);
      const caller = authorise(request, 'admin', access);
      const id = jobId(request);
      requireModel(caller, (await retraining.job(id)).job.model);
      await act(request, id, caller);
      return back(reply, id);
    },
  });

  async function act(request: FastifyRequest<OfJob>, id: string, { name }: Caller): Promise<void> {
    const note = ((await readForm(request)).note ?? '').slice(0, MAX_NOTE);
    switch (request.params.action) {
      case 'approve':
        return retraining.decide(id, 'approved', name, note);
      case 'reject':
        return retraining.decide(id, 'rejected', name, note);
      case 'cancel':
        return retraining.cancel(id, name);
      case 'pause':
        return retraining.pause(id, true, name);
      case 'resume':
        return retraining.pause(id, false, name);
      default:
        throw new HttpError(404, 'There is nothing here; see / for what there is.');
    }
  }
}

/** Newest first, as they are given. */
export function jobsTable(jobs: readonly Job[]): string {
  const rows = jobs.map(
    ({ model, state, paused, trigger, reasons, createdAtMs, finishedAtMs, id }) =>
      `<tr><th scope="row">${escapeHtml(model)}</th><td><a href="/admin/ml/dashboard/jobs/${id}">${words(state)}</a>${paused ? ' <small>paused</small>' : ''}</td><td>${trigger}</td>
<td>${reasons.map(({ code }) => words(code)).join(', ')}</td><td class="soft">${timeHtml(createdAtMs)}</td><td class="soft">${Number.isNaN(finishedAtMs) ? 'under way' : timeHtml(finishedAtMs)}</td></tr>`,
  );
  return `<div class="scroll" tabindex="0" role="region" aria-labelledby="jobs"><table>
<thead><tr>${['Model', 'State', 'Trigger', 'Reasons', 'Asked for', 'Ended'].map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function back(reply: FastifyReply, id: string): FastifyReply {
  return reply.redirect(`/admin/ml/dashboard/jobs/${id}`, 303);
}
