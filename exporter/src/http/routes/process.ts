import type { FastifyInstance } from 'fastify';
import { Type } from '@sinclair/typebox';
import { authorise } from '../auth.ts';
import type { Access } from '../auth.ts';
import { problem, sendProblem } from '../problem-details.ts';
import type { Services } from '../services.ts';

export function processRoutes(
  server: FastifyInstance,
  services: Services,
  access: Access,
  telemetryPath: string,
): void {
  server.get(telemetryPath, {
    schema: {
      tags: ['metrics'],
      summary: 'Metrics for Prometheus, as text or OpenMetrics',
      produces: ['text/plain', 'application/openmetrics-text'],
    },
    handler: async (request, reply) => {
      authorise(request, 'read', access);
      const { contentType, contentEncoding, body } = await services.exposition(
        request.headers.accept,
        request.headers['accept-encoding'],
      );
      if (contentEncoding !== null) void reply.header('content-encoding', contentEncoding);
      const vary = [reply.getHeader('vary'), 'accept, accept-encoding'].filter((names) => names !== undefined);
      return reply.header('content-type', contentType).header('vary', vary.join(', ')).send(body);
    },
  });

  server.get('/-/healthy', {
    schema: { tags: ['process'], summary: 'The process is up', response: { 200: Type.String() } },
    handler: (_request, reply) => reply.type('text/plain').send('healthy\n'),
  });

  server.get('/-/ready', {
    schema: { tags: ['process'], summary: '503 until the database answers and the first evaluation ended' },
    handler: (_request, reply) => {
      const reason = services.notReady();
      if (reason === null) return reply.type('text/plain').send('ready\n');
      void reply.header('retry-after', '1');
      sendProblem(reply, problem(503, reason));
      return reply;
    },
  });

  server.get('/-/leader', {
    schema: {
      tags: ['process'],
      summary: '200 from the one exporter that evaluates, 503 from its replicas: a health check for load balancers',
    },
    handler: (_request, reply) => {
      const reason = services.notLeader();
      if (reason === null) return reply.type('text/plain').send('leader\n');
      void reply.header('retry-after', '1');
      sendProblem(reply, problem(503, reason));
      return reply;
    },
  });

  server.post('/-/reload', {
    schema: {
      tags: ['process'],
      summary: 'Load the configuration file again',
      description: 'A file with mistakes changes nothing and answers 400 with every one of them.',
    },
    handler: (request, reply) => {
      authorise(request, 'admin', access);
      const errors = services.reload();
      if (errors.length === 0) return reply.type('text/plain').send('reloaded\n');
      sendProblem(
        reply,
        problem(
          400,
          'The configuration was not reloaded; the old one stays in force.',
          errors.map((detail) => ({ pointer: '', detail })),
        ),
      );
      return reply;
    },
  });

  server.get('/config', {
    schema: { tags: ['process'], summary: 'The configuration in force, without secrets' },
    handler: (request, reply) => {
      authorise(request, 'admin', access);
      return reply.type('text/yaml; charset=utf-8').send(services.redactedConfig());
    },
  });
}
