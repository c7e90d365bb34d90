import type { FastifyInstance } from 'fastify';
import { Type } from '@sinclair/typebox';
import { ServiceError } from '../../domain/service-error.ts';
import { WEEK_MS, weekNamed, weekStart } from '../../domain/week.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import type { Services } from '../services.ts';
import { readInstant } from '../time-range.ts';

export function weeklyReportRoutes(
  server: FastifyInstance,
  services: Services,
  access: Access,
  now: () => number,
): void {
  server.get<{ Params: { model: string }; Querystring: { week?: string } }>('/api/ml/reports/:model', {
    schema: {
      tags: ['health'],
      summary:
        'The comprehensive check of one week: all checks, drift, incidents, jobs, and business figures beside them',
      description:
        "`week`: such as `2026-W48`, or a day or time in it; default: the last week that is over. Weeks are UTC's, from Monday. Stored when a week is over, made again for four weeks while labels come in, and kept as long as the model. `business` has the Spearman correlation of each business figure with health, performance and drift over up to 52 weeks, with the number of weeks and a 95 % interval; null with a reason where there are fewer than 8. As a page: `/admin/ml/reports/:model`.",
      params: Type.Object({ model: Type.String() }),
      querystring: Type.Object({ week: Type.Optional(Type.String({ maxLength: 40 })) }),
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const { model } = request.params;
      requireModel(authorise(request, 'read', access), model);
      const weekMs = readWeek(request.query.week, now());
      await services.models.get(model);
      const { report, context } = await services.weekly(model, weekMs);
      return reply.send({ ...report, ...context });
    },
  });
}

/** Start of the week asked for. Throws ServiceError invalid. */
export function readWeek(text: string | undefined, nowMs: number): number {
  if (text === undefined || text === '') return weekStart(nowMs) - WEEK_MS;
  const weekMs = /^\d{4}-W/.test(text) ? weekNamed(text) : weekStart(readInstant(text, 'week'));
  if (weekMs === null) throw invalid('must be a week such as 2026-W48, or a day in it such as 2026-11-26');
  if (weekMs > nowMs) throw invalid('has not begun yet');
  return weekMs;
}

function invalid(detail: string): ServiceError {
  return new ServiceError('invalid', `week ${detail}.`, { fields: [{ pointer: '/week', detail }] });
}
