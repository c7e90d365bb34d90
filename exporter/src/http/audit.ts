import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Someone did, or tried, what only `admin` may. */
export interface AuditEntry {
  /** Name of the token; `anonymous` where nobody needs one. */
  readonly actor: string;
  readonly address: string;
  readonly method: string;
  /** With its parameters, without the query. */
  readonly path: string;
  readonly status: number;
}

/** Notes who was let in as `admin`, and tells of it when the answer is out, with its status. Reading changes nothing and is not told. */
export function auditing(
  server: FastifyInstance,
  record: (entry: AuditEntry) => void,
): (request: FastifyRequest, actor: string) => void {
  const actors = new WeakMap<FastifyRequest, string>();
  server.addHook('onResponse', (request, reply, done) => {
    const actor = actors.get(request);
    if (actor !== undefined && request.method !== 'GET' && request.method !== 'HEAD')
      record({
        actor,
        address: request.ip,
        method: request.method,
        path: request.url.split('?', 1)[0]!,
        status: reply.statusCode,
      });
    done();
  });
  return (request, actor) => void actors.set(request, actor);
}
