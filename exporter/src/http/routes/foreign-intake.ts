import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from '@sinclair/typebox';
import type { RawGroundTruth, RawPrediction } from '../../domain/prediction.ts';
import { decodeAzureMl } from '../../intake/formats/azureml.ts';
import { bentoDecoder } from '../../intake/formats/bentoml.ts';
import type { EventHeaders, ForeignEvents, ForeignOptions } from '../../intake/formats/foreign-events.ts';
import { decodeKserve } from '../../intake/formats/kserve.ts';
import { decodeOtlpLogs, encodeOtlpReply } from '../../intake/formats/otlp-logs.ts';
import { decodeSageMaker } from '../../intake/formats/sagemaker.ts';
import { decodeSeldon } from '../../intake/formats/seldon.ts';
import { authorise } from '../auth.ts';
import type { Access, Caller } from '../auth.ts';
import { readBody } from '../body.ts';
import { HttpError, problem, sendProblem } from '../problem-details.ts';
import type { Services } from '../services.ts';

type Decoder = (headers: EventHeaders, body: Buffer, options: ForeignOptions) => ForeignEvents;

/** A wire format is its file and a line here. */
const FORMATS: readonly { readonly source: string; readonly summary: string; readonly decode: Decoder }[] = [
  { source: 'kserve', summary: 'Events of the KServe inference logger, V1 and V2', decode: decodeKserve },
  { source: 'seldon', summary: 'Events of the request logger of Seldon Core v1, and feedback', decode: decodeSeldon },
  {
    source: 'sagemaker',
    summary: "Lines of SageMaker's data capture, and of its ground truth",
    decode: (_headers, body, options) => decodeSageMaker(body, options),
  },
  {
    source: 'azureml',
    summary: 'Lines of the Azure ML model data collector',
    decode: (_headers, body, options) => decodeAzureMl(body, options),
  },
];

const query = Type.Object({
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  version: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  features: Type.Optional(Type.String({ maxLength: 20_000 })),
  classes: Type.Optional(Type.String({ maxLength: 20_000 })),
  output: Type.Optional(Type.Union([Type.Literal('prediction'), Type.Literal('score')])),
});
type Query = Readonly<Partial<Record<'model' | 'version' | 'features' | 'classes' | 'output', string>>>;

const DESCRIPTION =
  'Answers 200 only after the events are committed. What the events do not say the address may: `model` and `version`; `features` and `classes`, comma-separated names for columns and scores that come without; `output=score` where a lonely number is the score of the positive class.';

export function foreignIntakeRoutes(server: FastifyInstance, services: Services, access: Access): void {
  for (const { source, summary, decode } of FORMATS)
    server.post<{ Querystring: Query }>(`/api/ml/intake/${source}`, {
      schema: {
        tags: ['intake'],
        summary,
        description: DESCRIPTION,
        querystring: query,
        response: { 200: Type.Any() },
      },
      serializerCompiler: () => JSON.stringify,
      handler: async (request, reply) => {
        const caller = authorise(request, 'ingest', access);
        const events = decode(request.headers, await bodyOf(request, services), optionsOf(request.query));
        const allowed = onlyAllowed(events, caller);
        const { rejected, ...result } = await services.foreignEvents(source, allowed);
        if (rejected > 0 && result.accepted === 0 && result.duplicates === 0) {
          sendProblem(reply, {
            ...problem(422, 'Every event was refused; errors says why, one by one.'),
            ...{ accepted: 0, rejected, errors: result.errors },
          });
          return reply;
        }
        return reply.send({
          accepted: result.accepted,
          duplicates: result.duplicates,
          rejected,
          errors: result.errors,
        });
      },
    });
  otlpRoutes(server, services, access);
}

/** OTLP's own answers; and `/`, because BentoML takes the endpoint that it is given as it is. */
function otlpRoutes(server: FastifyInstance, services: Services, access: Access): void {
  const decode = bentoDecoder();
  for (const path of ['/v1/logs', '/'])
    server.post<{ Querystring: Query }>(path, {
      schema: {
        ...(path === '/' ? { hide: true } : {}),
        tags: ['intake'],
        summary: 'OTLP logs over HTTP, protobuf or JSON, as BentoML monitoring sends them',
        description: DESCRIPTION,
        consumes: ['application/x-protobuf', 'application/json'],
        querystring: query,
        response: { 200: Type.Any() },
      },
      serializerCompiler: () => JSON.stringify,
      handler: async (request, reply) => {
        const caller = authorise(request, 'ingest', access);
        const encoding = encodingOf(request.headers['content-type']);
        const records = decodeOtlpLogs(await bodyOf(request, services), encoding);
        const options = optionsOf(request.query);
        let events = decode(records, services.senderRoles, options);
        if (events.unknownSender) {
          // Another replica may have been told.
          await services.senderRoles.load();
          events = decode(records, services.senderRoles, options);
        }
        await services.senderRoles.learn(events.learnt);
        const { rejected, errors } = await services.foreignEvents('bentoml', onlyAllowed(events, caller));
        const said = errors.slice(0, 3).map(({ index, pointer, detail }) => `record ${index}${pointer}: ${detail}`);
        return reply
          .header('content-type', encoding === 'json' ? 'application/json' : 'application/x-protobuf')
          .send(encodeOtlpReply(encoding, rejected, said.join('; ')));
      },
    });
}

function bodyOf(request: FastifyRequest, services: Services): Promise<Buffer> {
  const { bodyBytes: bytes, decompressedBytes } = services.limits();
  return readBody(request.body, request.headers['content-encoding'], { bytes, decompressedBytes });
}

function encodingOf(contentType = ''): 'protobuf' | 'json' {
  if (contentType.startsWith('application/json')) return 'json';
  if (contentType.startsWith('application/x-protobuf')) return 'protobuf';
  throw new HttpError(415, 'Content-Type must be application/x-protobuf or application/json.');
}

function optionsOf({ model, version, features, classes, output }: Query): ForeignOptions {
  const names = (list: string | undefined) => list?.split(',').map((name) => name.trim()) ?? null;
  return {
    model: model ?? null,
    version: version ?? null,
    features: names(features),
    classes: names(classes),
    output: output === 'score' ? 'score' : 'prediction',
  };
}

/** A token's list of models is kept event by event. */
function onlyAllowed(events: ForeignEvents, caller: Caller): ForeignEvents {
  const errors = [...events.errors];
  const allowed = (index: number, model: unknown): boolean => {
    if (typeof model !== 'string' || caller.mayTouch(model)) return true;
    errors.push({ index, pointer: '/model', detail: `token ${caller.name} may not send for this model` });
    return false;
  };
  const mayTouch = ({ index, model }: RawPrediction | RawGroundTruth) => allowed(index, model);
  return {
    halves: events.halves.filter(({ index, half }) => allowed(index, half.model)),
    predictions: events.predictions.filter(mayTouch),
    labels: events.labels.filter(mayTouch),
    errors,
  };
}
