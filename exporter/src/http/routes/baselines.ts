import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from '@sinclair/typebox';
import { readArrow } from '../../baseline/readers/arrow.ts';
import { readColumnMap } from '../../baseline/readers/column-roles.ts';
import type { ColumnRoles } from '../../baseline/readers/column-roles.ts';
import { readCsv } from '../../baseline/readers/csv.ts';
import { readNdjson } from '../../baseline/readers/ndjson.ts';
import { readParquet } from '../../baseline/readers/parquet.ts';
import type { BaselineDescription, BaselineRow } from '../../domain/baseline.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { isObject, parseJson } from '../../intake/formats/parse-json.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access } from '../auth.ts';
import { asHttpError, bodyStream, readBody } from '../body.ts';
import { HttpError } from '../problem-details.ts';
import type { Services } from '../services.ts';
import { modelName } from './models.ts';

/** Media type -> reader. */
const READERS: Readonly<Record<string, (body: Readable, roles: ColumnRoles) => AsyncIterable<BaselineRow>>> = {
  'text/csv': readCsv,
  'application/x-ndjson': readNdjson,
  'application/vnd.apache.parquet': readParquet,
  'application/vnd.apache.arrow.stream': readArrow,
};
const CAPTURE_CAPS = { bytes: 65_536, decompressedBytes: 65_536 };

type Route = { Params: { model: string }; Querystring: { version?: string; map?: string } };
const params = Type.Object({ model: Type.String() });
const version = Type.Optional(Type.String({ maxLength: 200 }));
const querystring = Type.Object({ version });
const uploadQuerystring = Type.Object({
  version,
  map: Type.Optional(Type.String({ maxLength: 4_096 })),
});

export function baselineRoutes(server: FastifyInstance, services: Services, access: Access): void {
  const callerOf = (request: FastifyRequest<Route>, scope: 'read' | 'admin') =>
    requireModel(authorise(request, scope, access), request.params.model);

  server.put<Route>('/api/ml/models/:model/baseline', {
    schema: {
      tags: ['baselines'],
      summary: 'Upload a reference data set as the baseline',
      description:
        'CSV with a header line, NDJSON (flat, or prediction events), Parquet, or an Arrow IPC stream (uncompressed); flat columns only. Columns: prediction, score or score_<class>, label, latency_ms, error, timestamp (RFC 3339 or epoch milliseconds, by which rows that repeat are known); every other column is a feature unless the model declares its features. Map others with `?map=label:target,prediction:pred`.',
      consumes: Object.keys(READERS),
      params,
      querystring: uploadQuerystring,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      callerOf(request, 'admin');
      const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
      const reader = READERS[type];
      if (reader === undefined)
        throw new HttpError(415, `Content-Type must be one of ${Object.keys(READERS).join(', ')}.`);
      const roles = readColumnMap(request.query.map ?? '');
      const cap = services.limits().baselineBodyBytes;
      const body = bodyStream(request.body as Readable, request.headers['content-encoding'], {
        bytes: cap,
        decompressedBytes: cap,
      });
      try {
        return await reply.send(
          baselineJson(
            await services.baselines.upload(
              modelName(request.params.model),
              request.query.version ?? '',
              reader(body, roles),
            ),
          ),
        );
      } catch (error) {
        throw asHttpError(error);
      }
    },
  });

  server.post<Route>('/api/ml/models/:model/baseline/capture', {
    schema: {
      tags: ['baselines'],
      summary: 'Make a baseline of stored predictions',
      description:
        'Body: {"from", "to"} as RFC 3339 text or epoch milliseconds. The predictions stay in their windows.',
      consumes: ['application/json'],
      params,
      querystring,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      callerOf(request, 'admin');
      const body = parseJson(
        (await readBody(request.body, request.headers['content-encoding'], CAPTURE_CAPS)).toString('utf8'),
      );
      const { from, to } = isObject(body) ? body : {};
      const fromMs = timeOf(from, '/from');
      const toMs = timeOf(to, '/to');
      if (fromMs >= toMs)
        throw new ServiceError('invalid', 'from must be before to.', {
          fields: [{ pointer: '/from', detail: 'must be before to' }],
        });
      return reply.send(
        baselineJson(await services.baselines.capture(request.params.model, request.query.version ?? '', fromMs, toMs)),
      );
    },
  });

  server.get<Route>('/api/ml/models/:model/baseline', {
    schema: { tags: ['baselines'], summary: 'The active baseline', params, querystring, response: { 200: Type.Any() } },
    handler: async (request, reply) => {
      callerOf(request, 'read');
      return reply.send(
        baselineJson(await services.baselines.active(request.params.model, request.query.version ?? '')),
      );
    },
  });

  server.get<Route>('/api/ml/models/:model/baselines', {
    schema: {
      tags: ['baselines'],
      summary: 'All baselines of a model version, newest first',
      params,
      querystring,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      callerOf(request, 'read');
      const history = await services.baselines.history(request.params.model, request.query.version ?? '');
      return reply.send({ baselines: history.map(baselineJson) });
    },
  });
}

function timeOf(value: unknown, pointer: string): number {
  const time = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : NaN;
  if (Number.isFinite(time)) return time;
  throw new ServiceError('invalid', `${pointer.slice(1)} must be RFC 3339 text or epoch milliseconds.`, {
    fields: [{ pointer, detail: 'is not a time' }],
  });
}

function baselineJson(baseline: BaselineDescription): Record<string, unknown> {
  return {
    id: baseline.id,
    model: baseline.model,
    version: baseline.version,
    kind: baseline.kind,
    inherited_from: baseline.inheritedFrom,
    made_at: new Date(baseline.madeAtMs).toISOString(),
    active: baseline.active,
    task: baseline.task,
    rows: baseline.rows,
    labelled_rows: baseline.labelledRows,
    features: baseline.features,
    ignored_columns: baseline.ignoredColumns,
  };
}
