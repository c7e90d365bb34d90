import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Scope, TokenSettings } from '../domain/settings.ts';
import { HttpError } from './problem-details.ts';

/** Who asks, and for which models it may. */
export interface Caller {
  readonly name: string;
  mayTouch(model: string): boolean;
}

/** Whom the exporter lets in. */
export interface Access {
  readonly tokens: () => readonly TokenSettings[];
  /** The request came with the name and password of a user; users may everything. */
  readonly isUser: (request: FastifyRequest) => boolean;
}

const ANYONE: Caller = { name: 'anonymous', mayTouch: () => true };
const CHALLENGE = { 'www-authenticate': 'Bearer realm="model-health"' };

/**
 * The caller of a request that needs `scope`. Without tokens everyone may that came so far: the exporter then listens on loopback only, or asks for a user.
 * Throws HttpError 401 without a valid token, 403 with one that lacks the scope.
 */
export function authorise(request: FastifyRequest, scope: Scope, { tokens, isUser }: Access): Caller {
  if (tokens().length === 0 || isUser(request)) return ANYONE;
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined) throw new HttpError(401, 'A bearer token is needed.', CHALLENGE);
  const token = findToken(bearer, tokens());
  if (token === undefined) throw new HttpError(401, 'The bearer token is not known.', CHALLENGE);
  if (!token.scopes.includes(scope)) throw new HttpError(403, `Token ${token.name} does not have the scope ${scope}.`);
  const all = token.models.includes('*');
  return { name: token.name, mayTouch: (model) => all || token.models.includes(model) };
}

export function requireModel(caller: Caller, model: string): void {
  if (!caller.mayTouch(model)) throw new HttpError(403, `Token ${caller.name} may not touch this model.`);
}

/** Looks at every token, and compares each in constant time, so that the answer's delay tells nothing. */
function findToken(bearer: string, tokens: readonly TokenSettings[]): TokenSettings | undefined {
  const digest = createHash('sha256').update(bearer).digest();
  let found: TokenSettings | undefined;
  for (const token of tokens) if (timingSafeEqual(digest, Buffer.from(token.sha256, 'hex'))) found = token;
  return found;
}
