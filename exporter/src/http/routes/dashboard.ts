import type { FastifyInstance } from 'fastify';
import { Type } from '@sinclair/typebox';
import type { HealthPoint } from '../../domain/health-history.ts';
import type { ModelReport } from '../../domain/model-report.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { CHECK_NAMES } from '../../domain/settings.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import { busiest, groupByModel, requireLeader } from '../latest-reports.ts';
import { findingsOf } from '../pages/findings.ts';
import type { Services } from '../services.ts';
import { readInstant, readSpan } from '../time-range.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Points of a model's history on the dashboard. */
export const DASHBOARD_POINTS = 84;
/** Rows of a page of history, by default and at most. */
const PAGE = 1_000;
const LARGEST_PAGE = 10_000;

export function dashboardRoutes(server: FastifyInstance, services: Services, access: Access, now: () => number): void {
  server.get<{ Querystring: { range?: string } }>('/api/ml/dashboard', {
    schema: {
      tags: ['health'],
      summary: 'All models at a glance: predictions, confidence, alerts, and health over time',
      description:
        '`range`: such as `24h` or `7d`, which is the default. `activeAlerts` are the checks in alert now. `avgConfidence` is the mean score of the predicted class over the current windows, weighted by predictions; null without scores.',
      querystring: Type.Object({ range: Type.Optional(Type.String({ maxLength: 20 })) }),
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      requireLeader(services);
      const { range = '7d' } = request.query;
      const reports = services.reports().filter(({ model }) => caller.mayTouch(model));
      const toMs = now();
      const fromMs = toMs - readSpan(range, 'range');
      const [predictions, points] = await Promise.all([
        services.history.predictions(fromMs, toMs),
        services.history.health({
          model: undefined,
          version: undefined,
          fromMs,
          toMs,
          stepMs: Math.max(MINUTE_MS, (toMs - fromMs) / DASHBOARD_POINTS),
          limit: 1_000_000,
          after: null,
        }),
      ]);
      return reply.send({
        range,
        from: new Date(fromMs).toISOString(),
        to: new Date(toMs).toISOString(),
        totalPredictions: reports.length === 0 ? 0 : totalOf(reports, predictions),
        avgConfidence: averageConfidence(reports),
        activeAlerts: reports.flatMap(alertsOf),
        models: modelsJson(reports, predictions, points),
      });
    },
  });

  server.get<{
    Params: { model: string };
    Querystring: { version?: string; from?: string; to?: string; step?: string; limit?: number; cursor?: string };
  }>('/api/ml/history/:model', {
    schema: {
      tags: ['health'],
      summary: 'Stored evaluations of a model, in order of time',
      description:
        'One a minute is kept. `from` (default: a day ago) and `to` (now) are RFC 3339; of each version the last evaluation of every `step` (default `1m`). `limit` at most 10,000, 1,000 by default; `next` is the `cursor` of the following page, null on the last.',
      params: Type.Object({ model: Type.String() }),
      querystring: Type.Object({
        version: Type.Optional(Type.String({ maxLength: 200 })),
        from: Type.Optional(Type.String({ maxLength: 40 })),
        to: Type.Optional(Type.String({ maxLength: 40 })),
        step: Type.Optional(Type.String({ maxLength: 20 })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LARGEST_PAGE })),
        cursor: Type.Optional(Type.String({ maxLength: 400 })),
      }),
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const { model } = request.params;
      requireModel(authorise(request, 'read', access), model);
      const { version, from, to, step = '1m', limit = PAGE, cursor } = request.query;
      const toMs = to === undefined ? now() : readInstant(to, 'to');
      const fromMs = from === undefined ? toMs - DAY_MS : readInstant(from, 'from');
      if (fromMs >= toMs) throw new ServiceError('invalid', 'from must be before to.');
      await services.models.get(model);
      const after = cursor === undefined ? null : { ...readCursor(cursor), model };
      const stepMs = readSpan(step, 'step');
      // One more than asked for tells whether there is another page.
      const points = await services.history.health({ model, version, fromMs, toMs, stepMs, limit: limit + 1, after });
      const page = points.slice(0, limit);
      return reply.send({
        model,
        from: new Date(fromMs).toISOString(),
        to: new Date(toMs).toISOString(),
        step_seconds: stepMs / 1000,
        evaluations: page.map(pointJson),
        next: points.length > limit ? cursorOf(page.at(-1)!) : null,
      });
    },
  });
}

function totalOf(reports: readonly ModelReport[], predictions: ReadonlyMap<string, number>): number {
  const models = new Set(reports.map(({ model }) => model));
  return [...models].reduce((sum, model) => sum + (predictions.get(model) ?? 0), 0);
}

function averageConfidence(reports: readonly ModelReport[]): number | null {
  const scored = reports.filter(({ confidenceAverage }) => !Number.isNaN(confidenceAverage));
  const weight = scored.reduce((sum, { windowPredictions }) => sum + windowPredictions, 0);
  if (weight === 0) return null;
  return scored.reduce((sum, report) => sum + report.confidenceAverage * report.windowPredictions, 0) / weight;
}

function alertsOf(report: ModelReport): readonly Readonly<Record<string, unknown>>[] {
  const { model, version, severity, evaluatedAtMs } = report;
  return findingsOf(report)
    .filter(({ state }) => state === 'alert')
    .map(({ check, detail }) => ({
      model,
      version,
      check,
      severity,
      detail,
      evaluated_at: new Date(evaluatedAtMs).toISOString(),
    }));
}

function modelsJson(
  reports: readonly ModelReport[],
  predictions: ReadonlyMap<string, number>,
  points: readonly HealthPoint[],
): Record<string, unknown> {
  const models: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [model, versions] of groupByModel(reports)) {
    const { version, health, severity } = busiest(versions);
    models[model] = {
      version,
      overall_health: figure(health.score),
      level: health.level,
      coverage: health.coverage,
      severity,
      predictions: predictions.get(model) ?? 0,
      history: points
        .filter((point) => point.model === model && point.version === version)
        .map(({ evaluatedAtMs, score, severity: then }) => ({
          at: new Date(evaluatedAtMs).toISOString(),
          overall_health: figure(score),
          severity: then,
        })),
    };
  }
  return models;
}

function pointJson({ version, evaluatedAtMs, score, severity, checks }: HealthPoint): Record<string, unknown> {
  return {
    version,
    evaluated_at: new Date(evaluatedAtMs).toISOString(),
    overall_health: figure(score),
    severity,
    checks: Object.fromEntries(
      CHECK_NAMES.map((check) => [check, { state: checks[check].state, score: figure(checks[check].score) }]),
    ),
  };
}

function cursorOf({ evaluatedAtMs, version }: HealthPoint): string {
  return `${evaluatedAtMs}.${version}`;
}

function readCursor(cursor: string): { readonly evaluatedAtMs: number; readonly version: string } {
  const [, time, version = ''] = /^(\d{1,15})\.(.*)$/s.exec(cursor) ?? [];
  if (time === undefined) throw new ServiceError('invalid', 'cursor must be the next of a page before.');
  return { evaluatedAtMs: Number(time), version };
}

function figure(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
