import type { FastifyInstance } from 'fastify';
import { Type } from '@sinclair/typebox';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import { overviewJson, reportJson } from '../health-report.ts';
import { busiest, groupByModel, reportOf, requireLeader } from '../latest-reports.ts';
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
      for (const [model, reports] of groupByModel(services.reports()))
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
      const report = reportOf(services, model, request.query.version);
      const versions = services.reports().filter((one) => one.model === model);
      return reply.send({ ...reportJson(report), versions: versions.map((one) => one.version) });
    },
  });
}
