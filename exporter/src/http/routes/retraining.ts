import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from '@sinclair/typebox';
import type { Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { TSchema } from '@sinclair/typebox';
import { ServiceError } from '../../domain/service-error.ts';
import { parseJson } from '../../intake/formats/parse-json.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access, Caller } from '../auth.ts';
import { readBody } from '../body.ts';
import { jobJson, needJson, registryJson, routingJson } from '../job-json.ts';
import type { Services } from '../services.ts';

const BODY_CAPS = { bytes: 65_536, decompressedBytes: 65_536 };
const strict = { additionalProperties: false } as const;
const modelParams = Type.Object({ model: Type.String() });
const jobParams = Type.Object({ id: Type.String() });
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const RequestBody = Type.Object(
  {
    reason: Type.Optional(Type.String({ maxLength: 1000 })),
    override_cooldown: Type.Optional(Type.Boolean()),
  },
  strict,
);
const DecisionBody = Type.Object({ note: Type.Optional(Type.String({ maxLength: 1000 })) }, strict);
const PauseBody = Type.Object({ paused: Type.Optional(Type.Boolean()) }, strict);

type OfModel = { Params: { model: string } };
type OfJob = { Params: { id: string } };

/** Jobs as people and their programs see them. What trainers call is in trainer-callbacks. */
export function retrainingRoutes(server: FastifyInstance, services: Services, access: Access): void {
  const { retraining } = services;

  server.post<OfModel>('/api/ml/retrain/:model', {
    schema: {
      tags: ['retraining'],
      summary: 'Start retraining a model',
      description:
        'Body, optional: `{"reason", "override_cooldown"}`. Answers the job under way where there is one. 409: within the cool-down, unless overridden; without a trainer; while it is not known what the model predicts.',
      consumes: ['application/json'],
      params: modelParams,
      response: { 202: Type.Object({ jobId: Type.String(), created: Type.Boolean() }) },
    },
    handler: async (request, reply) => {
      const { model } = request.params;
      const caller = callerOfModel(request, 'admin', model, access);
      const { reason = '', override_cooldown: overrideCooldown = false } = await readJson(request, RequestBody);
      const asked = await retraining.request(model, { reason, requestedBy: caller.name, overrideCooldown });
      return reply.code(202).send(asked);
    },
  });

  server.get<OfModel>('/api/ml/retrain/:model/needed', {
    schema: {
      tags: ['retraining'],
      summary: 'Whether a model is due for retraining, and why',
      description:
        '`reasons` make it due; `suggestions` (drift alone, an old baseline) do not; `blockedBy` says why no job would start by itself now: `disabled`, `no_trainer`, `task_unknown`, `active_job`, `cooldown`, `min_new_data_points`.',
      params: modelParams,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      callerOfModel(request, 'read', request.params.model, access);
      return reply.send(needJson(await retraining.need(request.params.model)));
    },
  });

  server.get<{ Querystring: { model?: string; limit?: number } }>('/api/ml/retrain/jobs', {
    schema: {
      tags: ['retraining'],
      summary: 'Jobs, newest first',
      querystring: Type.Object({
        model: Type.Optional(Type.String()),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      }),
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      const { model, limit = 10 } = request.query;
      if (model !== undefined) requireModel(caller, model);
      const jobs = await retraining.jobs(model === undefined ? { limit } : { model, limit });
      return reply.send({ jobs: jobs.filter((job) => caller.mayTouch(job.model)).map((job) => jobJson(job)) });
    },
  });

  server.get<OfJob>('/api/ml/retrain/jobs/:id', {
    schema: {
      tags: ['retraining'],
      summary: 'One job: its state, reasons, data, gate figures, stages and every event',
      params: jobParams,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      const { job, events } = await retraining.job(jobId(request));
      requireModel(caller, job.model);
      return reply.send(jobJson(job, events));
    },
  });

  for (const [action, verdict] of [
    ['approve', 'approved'],
    ['reject', 'rejected'],
  ] as const)
    server.post<OfJob>(`/api/ml/retrain/jobs/:id/${action}`, {
      schema: {
        tags: ['retraining'],
        summary:
          action === 'approve'
            ? 'Approve the candidate that waits for it'
            : 'Reject the candidate that waits for approval',
        description: 'Body, optional: `{"note"}`. 409 when the job does not wait for approval.',
        consumes: ['application/json'],
        params: jobParams,
        response: { 202: Type.Any() },
      },
      handler: async (request, reply) => {
        const caller = await callerOfJob(request, services, access);
        const { note = '' } = await readJson(request, DecisionBody);
        await retraining.decide(jobId(request), verdict, caller.name, note);
        return reply.code(202).send({});
      },
    });

  server.post<OfJob>('/api/ml/retrain/jobs/:id/cancel', {
    schema: {
      tags: ['retraining'],
      summary: 'Cancel a job',
      description: 'Where traffic was moved, it is taken back first, and the job ends as `rolled_back`.',
      consumes: ['application/json'],
      params: jobParams,
      response: { 202: Type.Any() },
    },
    handler: async (request, reply) => {
      const caller = await callerOfJob(request, services, access);
      await retraining.cancel(jobId(request), caller.name);
      return reply.code(202).send({});
    },
  });

  server.post<OfJob>('/api/ml/retrain/jobs/:id/pause', {
    schema: {
      tags: ['retraining'],
      summary: 'Pause a job, or let it go on',
      description: 'Body, optional: `{"paused": false}` lets it go on. A step under way ends; no other begins.',
      consumes: ['application/json'],
      params: jobParams,
      response: { 202: Type.Any() },
    },
    handler: async (request, reply) => {
      const caller = await callerOfJob(request, services, access);
      const { paused = true } = await readJson(request, PauseBody);
      await retraining.pause(jobId(request), paused, caller.name);
      return reply.code(202).send({});
    },
  });

  server.get<OfModel>('/api/ml/models/:model/registry', {
    schema: {
      tags: ['retraining'],
      summary: 'Every version that a job brought forth',
      params: modelParams,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      callerOfModel(request, 'read', request.params.model, access);
      return reply.send({ versions: (await retraining.registry(request.params.model)).map(registryJson) });
    },
  });

  server.get<{ Params: { model: string; version: string } }>('/api/ml/models/:model/registry/:version/artefact', {
    schema: {
      tags: ['retraining'],
      summary: 'A model of the embedded trainer, as gzip of JSON',
      params: Type.Object({ model: Type.String(), version: Type.String() }),
    },
    handler: async (request, reply) => {
      const { model, version } = request.params;
      callerOfModel(request, 'read', model, access);
      const artefact = await retraining.artefact(model, version);
      if (artefact === null) throw new ServiceError('not_found', 'The embedded trainer made no such version.');
      return reply.type('application/gzip').send(artefact);
    },
  });

  server.get<OfModel>('/api/ml/models/:model/routing', {
    schema: {
      tags: ['retraining'],
      summary: 'Who should get the traffic now: for routers that ask',
      description: '`candidate` is null while no rollout is under way; a shadow gets copies whose answers nobody uses.',
      params: modelParams,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      callerOfModel(request, 'read', request.params.model, access);
      return reply.send(routingJson(await retraining.routing(request.params.model)));
    },
  });
}

function callerOfModel(request: FastifyRequest, scope: 'read' | 'admin', model: string, access: Access): Caller {
  const caller = authorise(request, scope, access);
  requireModel(caller, model);
  return caller;
}

async function callerOfJob(request: FastifyRequest<OfJob>, { retraining }: Services, access: Access): Promise<Caller> {
  const caller = authorise(request, 'admin', access);
  requireModel(caller, (await retraining.job(jobId(request))).job.model);
  return caller;
}

/** Throws ServiceError not_found for what is no id. */
export function jobId(request: FastifyRequest<{ Params: { id: string } }>): string {
  const { id } = request.params;
  if (!isJobId(id)) throw new ServiceError('not_found', 'There is no such job.');
  return id.toLowerCase();
}

export function isJobId(text: string): boolean {
  return UUID.test(text);
}

/** A small JSON body that may be left out. */
async function readJson<T extends TSchema>(request: FastifyRequest, schema: T): Promise<Static<T>> {
  const body = (await readBody(request.body, request.headers['content-encoding'], BODY_CAPS)).toString('utf8');
  const value = body.trim() === '' ? {} : parseJson(body);
  if (Value.Check(schema, value)) return value;
  const fields = [...Value.Errors(schema, value)].map(({ path, message }) => ({ pointer: path, detail: message }));
  throw new ServiceError('invalid', 'The body is not as it should be.', { fields });
}
