import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from '@sinclair/typebox';
import type { RawBusinessValue } from '../../domain/business-metric.ts';
import type { DecodedRows, RawGroundTruth, RawPrediction } from '../../domain/prediction.ts';
import type { RowError } from '../../domain/row-error.ts';
import type { Scope } from '../../domain/settings.ts';
import { decodeBusinessMetrics, toBusinessValue } from '../../intake/formats/business-metrics.ts';
import { decodeJsonEvents } from '../../intake/formats/json-events.ts';
import { decodeJsonLabels, toGroundTruth } from '../../intake/formats/labels.ts';
import { decodeNdjson } from '../../intake/formats/ndjson.ts';
import { toPrediction } from '../../intake/formats/prediction-event.ts';
import { decodeRowsUnderHeader } from '../../intake/formats/rows-under-header.ts';
import { authorise } from '../auth.ts';
import type { Access, Caller } from '../auth.ts';
import { readBody } from '../body.ts';
import { HttpError, problem, sendProblem } from '../problem-details.ts';
import type { Services } from '../services.ts';

/** Media type -> decoder. A wire format is its file and a line here. */
const PREDICTION_FORMATS: Readonly<Record<string, (body: Buffer) => DecodedRows<RawPrediction>>> = {
  'application/json': decodeJsonEvents,
  'application/x-ndjson': (body) => decodeNdjson(body, toPrediction),
  'application/vnd.modelhealth.rows+json': decodeRowsUnderHeader,
};
const LABEL_FORMATS: Readonly<Record<string, (body: Buffer) => DecodedRows<RawGroundTruth>>> = {
  'application/json': decodeJsonLabels,
  'application/x-ndjson': (body) => decodeNdjson(body, toGroundTruth),
};
const BUSINESS_FORMATS: Readonly<Record<string, (body: Buffer) => DecodedRows<RawBusinessValue>>> = {
  'application/json': decodeBusinessMetrics,
  'application/x-ndjson': (body) => decodeNdjson(body, toBusinessValue),
};

const RowErrorSchema = Type.Object({ index: Type.Integer(), pointer: Type.String(), detail: Type.String() });

export function intakeRoutes(server: FastifyInstance, services: Services, access: Access): void {
  server.post('/api/ml/predictions', {
    schema: {
      tags: ['intake'],
      summary: 'Send predictions: one event, an array, NDJSON, or rows under one header',
      description:
        'Answers 200 only after the rows are committed. A bad row never sinks its batch. A retry with the same prediction_id and timestamp is a duplicate.',
      consumes: Object.keys(PREDICTION_FORMATS),
      response: {
        200: Type.Object({
          accepted: Type.Integer(),
          duplicates: Type.Integer(),
          rejected: Type.Integer(),
          ids: Type.Optional(Type.Array(Type.String())),
          errors: Type.Array(RowErrorSchema),
        }),
      },
    },
    // JSON.stringify is faster than a serialiser for a reply this small, and the schema above is for people.
    serializerCompiler: () => JSON.stringify,
    handler: (request, reply) => serve(request, reply, services, access, PREDICTION_FORMATS, services.predictions),
  });

  server.post('/api/ml/ground-truth', {
    schema: {
      tags: ['intake'],
      summary: 'Send labels: one, an array, or NDJSON',
      description:
        'Joins predictions by prediction_id. A label may come first, and may be corrected: the newest timestamp wins.',
      consumes: Object.keys(LABEL_FORMATS),
      response: {
        200: Type.Object({
          joined: Type.Integer(),
          waiting: Type.Integer(),
          updated: Type.Integer(),
          duplicates: Type.Integer(),
          rejected: Type.Integer(),
          errors: Type.Array(RowErrorSchema),
        }),
      },
    },
    serializerCompiler: () => JSON.stringify,
    handler: (request, reply) => serve(request, reply, services, access, LABEL_FORMATS, services.groundTruth),
  });

  server.post('/api/ml/business-metrics', {
    schema: {
      tags: ['intake'],
      summary: 'Send figures of the business that a model serves: one, an array, or NDJSON',
      description:
        '`{"model","name","timestamp","value"}`. The weekly report shows their mean by week, and how they go along with the health of the model. `timestamp`: RFC 3339, a day (its midnight, UTC) or epoch milliseconds; any time of the past. The same figure at the same time is a duplicate, or corrected where its value differs. The model must be known.',
      consumes: Object.keys(BUSINESS_FORMATS),
      response: {
        200: Type.Object({
          accepted: Type.Integer(),
          updated: Type.Integer(),
          duplicates: Type.Integer(),
          rejected: Type.Integer(),
          errors: Type.Array(RowErrorSchema),
        }),
      },
    },
    serializerCompiler: () => JSON.stringify,
    handler: (request, reply) => serve(request, reply, services, access, BUSINESS_FORMATS, services.businessMetrics),
  });
}

async function serve<
  Row extends { readonly index: number; readonly model: unknown },
  Reply extends { readonly rejected: number; readonly errors: readonly RowError[] },
>(
  request: FastifyRequest,
  reply: FastifyReply,
  services: Services,
  access: Access,
  formats: Readonly<Record<string, (body: Buffer) => DecodedRows<Row>>>,
  take: (decoded: DecodedRows<Row>) => Promise<Reply>,
): Promise<FastifyReply> {
  const caller = authorise(request, 'ingest' satisfies Scope, access);
  const decode = formats[mediaType(request)];
  if (decode === undefined) throw new HttpError(415, `Content-Type must be one of ${Object.keys(formats).join(', ')}.`);
  const limits = services.limits();
  const body = await readBody(request.body, request.headers['content-encoding'], {
    bytes: limits.bodyBytes,
    decompressedBytes: limits.decompressedBytes,
  });
  const decoded = onlyAllowed(decode(body), caller);
  const result = await take(decoded);
  if (result.rejected > 0 && result.rejected === decoded.rows.length + decoded.errors.length) {
    const { errors, ...counts } = result;
    sendProblem(reply, { ...problem(422, 'Every row was refused; errors says why, row by row.'), ...counts, errors });
    return reply;
  }
  return reply.send(result);
}

/** A token's list of models is kept row by row: a row of another model is that row's error. */
function onlyAllowed<Row extends { readonly index: number; readonly model: unknown }>(
  decoded: DecodedRows<Row>,
  caller: Caller,
): DecodedRows<Row> {
  const errors = [...decoded.errors];
  const rows = decoded.rows.filter(({ index, model }) => {
    if (typeof model !== 'string' || caller.mayTouch(model)) return true;
    errors.push({ index, pointer: '/model', detail: `token ${caller.name} may not send for this model` });
    return false;
  });
  return rows.length === decoded.rows.length ? decoded : { rows, errors };
}

function mediaType(request: FastifyRequest): string {
  const type = (request.headers['content-type'] ?? 'application/json').split(';', 1)[0]!.trim().toLowerCase();
  // curl -d sends this when nobody says otherwise.
  return type === 'application/x-www-form-urlencoded' || type === '' ? 'application/json' : type;
}
