import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Scope, TokenSettings } from '../domain/settings.ts';
import { HttpError } from './problem-details.ts';
import type { RateLimit } from './rate-limit.ts';
import { refuseCrossOrigin } from './same-origin.ts';

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
  /** By token, or by address where there are none. */
  readonly requests: RateLimit;
  /** By address: those who guess. */
  readonly failures: RateLimit;
  /** Origins of other sites whose pages may call. */
  readonly corsOrigin: RegExp | null;
  /** Told of each request that was let in as `admin`. */
  readonly onAdmin: (request: FastifyRequest, caller: string) => void;
}

/** Set by /login; a browser cannot send an Authorization header by itself. */
export const SESSION_COOKIE = 'model_health_session';
const ANONYMOUS = 'anonymous';
const CHALLENGE = { 'www-authenticate': 'Bearer realm="model-health"' };

/**
 * The caller of a request that needs `scope`. Without tokens everyone may that came so far: the exporter then listens on loopback only, or asks for a user.
 * Throws HttpError 401 without a valid token, 403 with one that lacks the scope, 429 for one that asks too often.
 */
export function authorise(request: FastifyRequest, scope: Scope, access: Access): Caller {
  const caller = identify(request, scope, access);
  limit(access.requests, caller.name === ANONYMOUS ? request.ip : `token ${caller.name}`);
  if (scope === 'admin') access.onAdmin(request, caller.name);
  return caller;
}

export function requireModel(caller: Caller, model: string): void {
  if (!caller.mayTouch(model)) throw new HttpError(403, `Token ${caller.name} may not touch this model.`);
}

/** The token that a secret is, undefined for none of them. Looks at every token, and compares each in constant time, so that the answer's delay tells nothing. */
export function findToken(secret: string, tokens: readonly TokenSettings[]): TokenSettings | undefined {
  const digest = createHash('sha256').update(secret).digest();
  let found: TokenSettings | undefined;
  for (const token of tokens) if (timingSafeEqual(digest, Buffer.from(token.sha256, 'hex'))) found = token;
  return found;
}

/** Throws HttpError 429 when `key` has none left. */
export function limit(rate: RateLimit, key: string): void {
  const seconds = rate.take(key);
  if (seconds > 0)
    throw new HttpError(429, `Too many requests; try again in ${seconds} s.`, { 'retry-after': String(seconds) });
}

function identify(request: FastifyRequest, scope: Scope, { tokens, isUser, failures, corsOrigin }: Access): Caller {
  if (tokens().length === 0 || isUser(request)) {
    refuseCrossOrigin(request, corsOrigin);
    return { name: ANONYMOUS, mayTouch: () => true };
  }
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const secret = bearer ?? sessionOf(request);
  if (secret === undefined) throw new HttpError(401, 'A bearer token is needed.', CHALLENGE);
  const token = findToken(secret, tokens());
  if (token === undefined) {
    limit(failures, request.ip);
    throw new HttpError(401, 'The bearer token is not known.', CHALLENGE);
  }
  if (bearer === undefined) refuseCrossOrigin(request);
  if (!token.scopes.includes(scope)) throw new HttpError(403, `Token ${token.name} does not have the scope ${scope}.`);
  const all = token.models.includes('*');
  return { name: token.name, mayTouch: (model) => all || token.models.includes(model) };
}

/** Whether it comes from a browser that somebody has logged in with. */
export function hasSession(request: FastifyRequest): boolean {
  return sessionOf(request) !== undefined;
}

function sessionOf(request: FastifyRequest): string | undefined {
  const cookies = (request.headers.cookie ?? '').split(/; */);
  const session = cookies.find((one) => one.startsWith(`${SESSION_COOKIE}=`))?.slice(SESSION_COOKIE.length + 1);
  // After a log-out some send it without a value until they are closed.
  return session === '' ? undefined : session;
}
