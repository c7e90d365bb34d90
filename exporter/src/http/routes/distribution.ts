import type { FastifyInstance } from 'fastify';
import { Type } from '@sinclair/typebox';
import type { DistributionBin, DistributionTotals, FeatureDistribution } from '../../domain/feature-distribution.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import type { Services } from '../services.ts';

export function distributionRoutes(server: FastifyInstance, services: Services, access: Access): void {
  server.get<{ Params: { model: string; feature: string }; Querystring: { version?: string; window?: string } }>(
    '/api/ml/models/:model/features/:feature/distribution',
    {
      schema: {
        tags: ['models'],
        summary: 'One feature: its distribution over a window beside that of the baseline',
        description:
          '`cells` are the deciles of the baseline (or the categories), which KL divergence and PSI are computed on; `bins` the finest known. A bin is (lower, upper], null where it is open. Without `version`: the version with most predictions. `window`: such as `24h`, at most the longest window of the configuration; without, that of data_drift.',
        params: Type.Object({ model: Type.String(), feature: Type.String() }),
        querystring: Type.Object({
          version: Type.Optional(Type.String({ maxLength: 200 })),
          window: Type.Optional(Type.String({ maxLength: 50 })),
        }),
        response: { 200: Type.Any() },
      },
      handler: async (request, reply) => {
        const { model, feature } = request.params;
        requireModel(authorise(request, 'read', access), model);
        const { version, window } = request.query;
        return reply.send(distributionJson(await services.distribution({ model, version, feature, window })));
      },
    },
  );
}

function distributionJson(of: FeatureDistribution): Record<string, unknown> {
  return {
    model: of.model,
    version: of.version,
    feature: of.feature,
    kind: of.kind,
    window_seconds: of.windowMs / 1000,
    window_end: new Date(of.windowEndMs).toISOString(),
    scheme: of.schemeId,
    baseline: { kind: of.baselineKind, ...totalsJson(of.baseline) },
    current: totalsJson(of.current),
    cells: of.cells.map((bin) => binJson(bin, of)),
    bins: of.bins.map((bin) => binJson(bin, of)),
  };
}

function totalsJson({ values, missing, typeErrors, notFinite }: DistributionTotals): Record<string, unknown> {
  return { values, missing, type_errors: typeErrors, not_finite: notFinite };
}

/** Counts, and shares of the values on each side (null without any). */
function binJson(bin: DistributionBin, { kind, baseline, current }: FeatureDistribution): Record<string, unknown> {
  return {
    bin: bin.name,
    ...(kind === 'numeric' ? { lower: bound(bin.lower), upper: bound(bin.upper) } : {}),
    baseline: bin.baseline,
    current: bin.current,
    baseline_ratio: baseline.values === 0 ? null : bin.baseline / baseline.values,
    current_ratio: current.values === 0 ? null : bin.current / current.values,
  };
}

/** JSON has no infinities. */
function bound(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
