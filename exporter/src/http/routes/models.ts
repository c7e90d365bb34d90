import type { FastifyInstance } from 'fastify';
import { Type } from '@sinclair/typebox';
import type { ModelDeclaration, ModelDescription } from '../../domain/model.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import { readBody } from '../body.ts';
import type { Services } from '../services.ts';
import { readDeclaration } from './model-declaration.ts';

type ModelParams = { Params: { model: string } };
const params = Type.Object({ model: Type.String() });
const DECLARATION_CAPS = { bytes: 1_048_576, decompressedBytes: 1_048_576 };

export function modelRoutes(server: FastifyInstance, services: Services, access: Access): void {
  erasureRoute(server, services, access);
  server.get('/api/ml/models', {
    schema: { tags: ['models'], summary: 'All models', response: { 200: Type.Any() } },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      const models = await services.models.list();
      return reply.send({ models: models.filter(({ model }) => caller.mayTouch(model)).map(modelJson) });
    },
  });

  server.get<ModelParams>('/api/ml/models/:model', {
    schema: { tags: ['models'], summary: 'One model', params, response: { 200: Type.Any() } },
    handler: async (request, reply) => {
      requireModel(authorise(request, 'read', access), request.params.model);
      return reply.send(modelJson(await services.models.get(request.params.model)));
    },
  });

  server.put<ModelParams>('/api/ml/models/:model', {
    schema: {
      tags: ['models'],
      summary: 'Declare task, features, thresholds and weights of a model',
      description: 'Replaces what was declared before. The configuration file has the last word.',
      consumes: ['application/json'],
      params,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      requireModel(authorise(request, 'admin', access), request.params.model);
      const body = await readBody(request.body, request.headers['content-encoding'], DECLARATION_CAPS);
      const declaration: ModelDeclaration = readDeclaration(body.toString('utf8'));
      return reply.send(modelJson(await services.models.declare(modelName(request.params.model), declaration)));
    },
  });

  server.delete<ModelParams>('/api/ml/models/:model', {
    schema: { tags: ['models'], summary: 'Delete a model and all its data', params, response: { 204: Type.Null() } },
    handler: async (request, reply) => {
      requireModel(authorise(request, 'admin', access), request.params.model);
      await services.models.remove(request.params.model);
      return reply.code(204).send();
    },
  });
}

function erasureRoute(server: FastifyInstance, services: Services, access: Access): void {
  server.delete<{ Params: { model: string; id: string } }>('/api/ml/models/:model/predictions/:id', {
    schema: {
      tags: ['models'],
      summary: 'Erase one prediction and its label',
      description:
        'Both rows go, and what they added to windows and buckets is taken out in the same transaction. Counters never fall, and a baseline keeps its counts, which hold no rows.',
      params: Type.Object({ model: Type.String(), id: Type.String() }),
      response: { 204: Type.Null() },
    },
    handler: async (request, reply) => {
      const { model, id } = request.params;
      requireModel(authorise(request, 'admin', access), model);
      if ((await services.models.erase(model, id)) === 0)
        throw new ServiceError('not_found', `Model ${model} has no such prediction.`);
      return reply.code(204).send();
    },
  });
}

export function modelName(name: string): string {
  if (name.length === 0 || name.length > 200 || name.includes('\0'))
    throw new ServiceError('invalid', 'A model name has 1 to 200 characters, none of them NUL.');
  return name;
}

function modelJson(model: ModelDescription): Record<string, unknown> {
  return {
    model: model.model,
    task: model.task,
    positive_class: model.positiveClass,
    classes: model.classes,
    created_at: new Date(model.createdAtMs).toISOString(),
    versions: model.versions.map((version) => ({
      version: version.version,
      created_at: new Date(version.createdAtMs).toISOString(),
      baseline: version.baseline,
      features: version.features,
    })),
    declared: model.declared,
  };
}
