import type { FastifyInstance } from 'fastify';
import { Type } from '@sinclair/typebox';
import type { ModelReport } from '../../domain/model-report.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import { overviewJson, reportJson } from '../health-report.ts';
import type { Services } from '../services.ts';

export function healthRoutes(server: FastifyInstance, services: Services, access: Access): void {
  server.get('/api/ml/health', {
    schema: {
      tags: ['health'],
      summary: 'Health of every model: score, level, coverage, severity and checks',
      response: { 200: Type.Any() },
    },
    handler: (request, reply) => {
      const caller = authorise(request, 'read', access);
      requireLeader(services);
      const byModel: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
      for (const [model, reports] of grouped(services.reports()))
        if (caller.mayTouch(model)) byModel[model] = overviewJson(busiest(reports));
      return reply.send(byModel);
    },
  });

  server.get<{ Params: { model: string }; Querystring: { version?: string } }>('/api/ml/health/:model', {
    schema: {
      tags: ['health'],
      summary: 'The full report of one model',
      description: 'Without `version`: the version with most predictions in the window. `versions` lists all.',
      params: Type.Object({ model: Type.String() }),
      querystring: Type.Object({ version: Type.Optional(Type.String()) }),
      response: { 200: Type.Any() },
    },
    handler: (request, reply) => {
      const { model } = request.params;
      requireModel(authorise(request, 'read', access), model);
      requireLeader(services);
      const reports = services.reports().filter((report) => report.model === model);
      if (reports.length === 0)
        throw new ServiceError('not_found', `There is no evaluation of a model ${JSON.stringify(model)} yet.`);
      const { version } = request.query;
      const report = version === undefined ? busiest(reports) : reports.find((one) => one.version === version);
      if (report === undefined)
        throw new ServiceError(
          'not_found',
          `Model ${JSON.stringify(model)} has no version ${JSON.stringify(version)}.`,
        );
      return reply.send({ ...reportJson(report), versions: reports.map((one) => one.version) });
    },
  });
}

/** A replica knows no reports; an empty answer would look as if there were no models. */
function requireLeader(services: Services): void {
  const reason = services.notLeader();
  if (reason !== null) throw new ServiceError('unavailable', reason);
}

function grouped(reports: readonly ModelReport[]): Map<string, ModelReport[]> {
  const byModel = new Map<string, ModelReport[]>();
  for (const report of reports) byModel.set(report.model, [...(byModel.get(report.model) ?? []), report]);
  return byModel;
}

/** Reports are never empty here. */
function busiest(reports: readonly ModelReport[]): ModelReport {
  return reports.reduce((most, report) => (report.windowPredictions > most.windowPredictions ? report : most));
}
