import type { FastifyInstance } from 'fastify';
import { Type } from '@sinclair/typebox';
import { Readable } from 'node:stream';
import { readBody } from '../body.ts';
import { HttpError, problem, sendProblem } from '../problem-details.ts';
import type { Services } from '../services.ts';
import { isJobId } from './retraining.ts';

const CALLBACK_CAPS = { bytes: 262_144, decompressedBytes: 262_144 };
const params = Type.Object({ id: Type.String() });
type OfJob = { Params: { id: string } };
const PARTS = ['train', 'test', 'holdout'] as const;

/** What trainers call. They come with the token, the signature or the signed address of their job, not with a token of the configuration. */
export function trainerRoutes(server: FastifyInstance, { trainers, limits }: Services): void {
  server.post<OfJob>('/api/ml/retrain/jobs/:id/callback', {
    config: { provesItself: true },
    schema: {
      tags: ['retraining'],
      summary: 'For trainers: progress, completion or failure of an attempt',
      description:
        'Signed as Standard Webhooks over the raw bytes, with the bearer token of the job. The answer to `retrain.completed` has the holdout to predict. 409: the attempt was given up or has ended.',
      consumes: ['application/json'],
      params,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const body = await readBody(request.body, undefined, CALLBACK_CAPS);
      const answer = await trainers.callback(provenId(request.params.id), request.headers, body);
      if (answer.status === 200) return reply.send(answer.body);
      sendProblem(reply, problem(answer.status, answer.detail));
      return reply;
    },
  });

  server.get<OfJob & { Params: { part: string }; Querystring: { expires?: string; signature?: string } }>(
    '/api/ml/retrain/jobs/:id/data/:part',
    {
      config: { provesItself: true },
      schema: {
        tags: ['retraining'],
        summary: 'For trainers: a part of the data, as gzip of NDJSON, at a signed address that expires',
        description:
          '`train` and `test` have features and label; `holdout`, once the candidate is known, features only.',
        params: Type.Object({ id: Type.String(), part: Type.String() }),
        querystring: Type.Object({ expires: Type.Optional(Type.String()), signature: Type.Optional(Type.String()) }),
      },
      handler: async (request, reply) => {
        const part = PARTS.find((one) => one === request.params.part);
        const { expires = '', signature = '' } = request.query;
        const id = provenId(request.params.id);
        const pieces =
          part === undefined ? null : await trainers.data(id, part, { expires: Number(expires), signature });
        if (pieces === null)
          throw new HttpError(401, 'The address is not valid, has expired, or the data are not to be had (any more).');
        return reply.type('application/gzip').send(Readable.from(pieces));
      },
    },
  );

  server.put<OfJob>('/api/ml/retrain/jobs/:id/predictions', {
    config: { provesItself: true },
    schema: {
      tags: ['retraining'],
      summary: "For trainers: the candidate's predictions of the holdout",
      description:
        'NDJSON of `{"id", "prediction", "score"}` with the bearer token of the job. The first upload counts.',
      consumes: ['application/x-ndjson'],
      params,
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const id = provenId(request.params.id);
      if (!(await trainers.mayUpload(id, request.headers.authorization)))
        throw new HttpError(401, 'The token of the job is missing or wrong.');
      const { bodyBytes, decompressedBytes } = limits();
      const body = await readBody(request.body, request.headers['content-encoding'], {
        bytes: bodyBytes,
        decompressedBytes,
      });
      return reply.send({ rows: await trainers.predictions(id, body) });
    },
  });
}

/** Who cannot prove anything learns nothing, not even that there is no such job. */
function provenId(id: string): string {
  if (!isJobId(id)) throw new HttpError(401, 'The signature or the token of the job is missing or wrong.');
  return id.toLowerCase();
}
