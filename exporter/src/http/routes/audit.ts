import type { FastifyInstance } from 'fastify';
import { Type } from '@sinclair/typebox';
import { ServiceError } from '../../domain/service-error.ts';
import { authorise } from '../auth.ts';
import type { Access } from '../auth.ts';
import type { Services } from '../services.ts';

export function auditRoutes(server: FastifyInstance, services: Services, access: Access): void {
  server.get<{ Querystring: { before?: string } }>('/api/ml/audit', {
    schema: {
      tags: ['process'],
      summary: 'Who changed what as `admin`: the newest 200, or the newest before a time',
      querystring: Type.Object({ before: Type.Optional(Type.String()) }),
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      authorise(request, 'admin', access);
      const { before } = request.query;
      const beforeMs = before === undefined ? Infinity : Date.parse(before);
      if (Number.isNaN(beforeMs)) throw new ServiceError('invalid', '`before` is a time such as 2026-11-26T10:00:00Z.');
      const entries = await services.auditedBefore(beforeMs);
      return reply.send({
        entries: entries.map(({ atMs, ...entry }) => ({ at: new Date(atMs).toISOString(), ...entry })),
      });
    },
  });
}
