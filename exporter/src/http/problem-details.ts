import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../domain/log.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { ServiceErrorCode } from '../domain/service-error.ts';
import { PAGE_HEADERS } from './pages/page.ts';
import { problemPage } from './pages/problem.ts';

/** RFC 9457. `errors` has a JSON pointer for each field at fault. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

const STATUS: Readonly<Record<ServiceErrorCode, number>> = {
  unavailable: 503,
  overloaded: 429,
  not_found: 404,
  invalid: 400,
  conflict: 409,
};
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'The request took too long',
  409: 'Conflict',
  413: 'Too large',
  414: 'Address too long',
  415: 'Media type not supported',
  422: 'No row could be accepted',
  429: 'Too much at once',
  500: 'Internal error',
  503: 'Temporarily unavailable',
};

/** A refusal that http itself decides: who may not, what is too large. */
export class HttpError extends Error {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(statusCode: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'HttpError';
    this.statusCode = statusCode;
    this.headers = headers;
  }
}

export function problem(status: number, detail: string, errors?: Problem['errors']): Problem {
  const base = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail };
  return errors === undefined || errors.length === 0 ? base : { ...base, errors };
}

/** The only mapping of errors to status codes. What is unexpected is logged and says nothing of the inside. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  if (error instanceof ServiceError) {
    const status = STATUS[error.code];
    if (status === 503 || status === 429) void reply.header('retry-after', String(error.retryAfterSeconds));
    sendProblem(reply, problem(status, error.message, error.fields));
    return;
  }
  if (wantsLogin(error, request)) {
    void reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303);
    return;
  }
  if (error instanceof HttpError) void reply.headers(error.headers);
  const status = statusOf(error);
  if (status >= 500) {
    log.error({ err: error, method: request.method, route: request.routeOptions.url ?? '' }, 'request failed');
    sendProblem(reply, problem(status, 'Something went wrong on our side; the log has the details.'));
    return;
  }
  sendProblem(
    reply,
    problem(status, error instanceof Error ? error.message : 'The request cannot be served.', validationErrors(error)),
  );
}

/** A person at a browser that has no token yet: a page to enter one says more than a problem. */
function wantsLogin(error: unknown, { method, headers }: FastifyRequest): boolean {
  return (
    error instanceof HttpError &&
    error.statusCode === 401 &&
    error.headers['www-authenticate']?.startsWith('Bearer') === true &&
    method === 'GET' &&
    headers.accept?.includes('text/html') === true
  );
}

/** As JSON for programs, as a page for a person at a browser. */
export function sendProblem(reply: FastifyReply, body: Problem): void {
  if (reply.request.headers.accept?.includes('text/html') === true)
    void reply.code(body.status).headers(PAGE_HEADERS).send(problemPage(body));
  else void reply.code(body.status).header('content-type', PROBLEM_CONTENT_TYPE).send(JSON.stringify(body));
}

function statusOf(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 600 ? status : 500;
}

/** fastify's own schema validation. */
function validationErrors(error: unknown): Problem['errors'] {
  if (typeof error !== 'object' || error === null || !('validation' in error) || !Array.isArray(error.validation))
    return undefined;
  return (error.validation as readonly { readonly instancePath?: string; readonly message?: string }[]).map((one) => ({
    pointer: one.instancePath ?? '',
    detail: one.message ?? 'is not valid',
  }));
}
