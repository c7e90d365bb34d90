import swagger from '@fastify/swagger';
import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Log } from '../domain/log.ts';
import type { TokenSettings } from '../domain/settings.ts';
import { auditing } from './audit.ts';
import { limit } from './auth.ts';
import type { Access } from './auth.ts';
import { BasicAuth } from './basic-auth.ts';
import { guardBodies } from './body-guard.ts';
import { capConnections } from './connection-cap.ts';
import { docsPage } from './pages/docs.ts';
import { landingPage } from './pages/landing.ts';
import { loginPage } from './pages/login.ts';
import { dashboardPage } from './pages/dashboard.ts';
import { weeklyReportPage } from './pages/weekly-report.ts';
import { jobPages } from './pages/jobs.ts';
import { modelPage } from './pages/model.ts';
import { problem, sendError, sendProblem } from './problem-details.ts';
import { RateLimit } from './rate-limit.ts';
import { auditRoutes } from './routes/audit.ts';
import { alertsPage } from './pages/alerts.ts';
import { alertRoutes } from './routes/alerts.ts';
import { baselineRoutes } from './routes/baselines.ts';
import { dashboardRoutes } from './routes/dashboard.ts';
import { distributionRoutes } from './routes/distribution.ts';
import { foreignIntakeRoutes } from './routes/foreign-intake.ts';
import { healthRoutes } from './routes/health.ts';
import { intakeRoutes } from './routes/intake.ts';
import { modelRoutes } from './routes/models.ts';
import { processRoutes } from './routes/process.ts';
import { retrainingRoutes } from './routes/retraining.ts';
import { trainerRoutes } from './routes/trainer-callbacks.ts';
import { weeklyReportRoutes } from './routes/weekly-reports.ts';
import type { Services } from './services.ts';

export interface ServerOptions {
  readonly telemetryPath: string;
  /** Whole origins that may call from a browser; null: none. */
  readonly corsOrigin: RegExp | null;
  readonly tls: ServerTls | null;
  /** As they are now: a reload may change them. */
  readonly tokens: () => readonly TokenSettings[];
  /** bcrypt hash by user name. */
  readonly users: ReadonlyMap<string, string>;
  readonly now: () => number;
  readonly log: Log;
  readonly version: string;
  /** At once, on this server. Beyond them 503. */
  readonly maxConnections: () => number;
  /** Only tests are in a hurry. */
  readonly patience?: Partial<Patience>;
  /** Of rate limits: it must not go back. Only tests have another than the process's. */
  readonly monotonicMs?: () => number;
}

/** How long a client may take, in milliseconds. */
export interface Patience {
  readonly headersMs: number;
  /** Over the next few bytes of a body. */
  readonly bodyStallMs: number;
  /** Nothing moves in either direction, also while an answer is not being read. */
  readonly silenceMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
  /** How often overdue headers are looked for. */
  readonly checkMs: number;
}

const PATIENCE: Patience = {
  headersMs: 15_000,
  bodyStallMs: 20_000,
  silenceMs: 120_000,
  keepAliveMs: 75_000,
  checkMs: 5_000,
};

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | null;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
}

const MAX_PARAM_LENGTH = 1_024;
/** Wrong tokens and passwords of one address: ten at once, then one in six seconds. */
const FAILURES_AT_ONCE = 10;
const FAILURES_PER_SECOND = 1 / 6;

/** The HTTP server, not yet listening. */
export async function createServer(services: Services, options: ServerOptions): Promise<FastifyInstance> {
  const patience = { ...PATIENCE, ...options.patience };
  const server = newServer(options, patience);
  addSecurityHeaders(server, options.tls !== null);
  capConnections(server, options.maxConnections);
  const nowMs = options.monotonicMs ?? (() => performance.now());
  const failures = new RateLimit({
    perSecond: () => FAILURES_PER_SECOND,
    burst: () => FAILURES_AT_ONCE,
    nowMs,
  });
  const basic = new BasicAuth(options.users, (address) => limit(failures, address));
  // Before anyone is asked for a name: browsers send preflights without one, and must be able to read a refusal.
  if (options.corsOrigin !== null) allowOrigins(server, options.corsOrigin);
  const access: Access = {
    tokens: options.tokens,
    isUser: (request) => basic.hasPassed(request),
    requests: new RateLimit({
      perSecond: () => services.limits().requestsPerSecond,
      burst: () => services.limits().requestsPerSecond,
      nowMs,
    }),
    failures,
    corsOrigin: options.corsOrigin,
    onAdmin: auditing(server, services.audit),
  };
  if (options.users.size > 0)
    server.addHook('onRequest', (request) => basic.check(request, options.tokens().length > 0));
  guardBodies(server, { heldBytes: () => services.limits().inFlightBytes, stallMs: patience.bodyStallMs });
  // Bodies are read by the routes, with their own caps, while they flow in.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  server.setErrorHandler((error, request, reply) => sendError(error, request, reply, options.log));
  answerUnknownRoutes(server);
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Model health exporter',
        version: options.version,
        description: 'Predictions and ground truth in, model health out.',
      },
    },
    // The routes read their bodies themselves: a schema there would have fastify validate a stream.
    transform: ({ schema, url }) => ({ schema: schema.consumes === undefined ? schema : { ...schema, body: {} }, url }),
  });
  await server.register((routes, _options, done) => {
    intakeRoutes(routes, services, access);
    foreignIntakeRoutes(routes, services, access);
    healthRoutes(routes, services, access);
    dashboardRoutes(routes, services, access, options.now);
    weeklyReportRoutes(routes, services, access, options.now);
    modelRoutes(routes, services, access);
    baselineRoutes(routes, services, access);
    distributionRoutes(routes, services, access);
    retrainingRoutes(routes, services, access);
    alertRoutes(routes, services, access, options.now);
    trainerRoutes(routes, services);
    processRoutes(routes, services, access, options.telemetryPath);
    auditRoutes(routes, services, access);
    landingPage(routes, services, access, options);
    alertsPage(routes, services, access, options.now);
    dashboardPage(routes, services, access, options.now);
    jobPages(routes, services, access);
    modelPage(routes, services, access, options.now);
    weeklyReportPage(routes, services, access, options.now);
    docsPage(routes, access);
    loginPage(routes, access, { secure: options.tls !== null });
    done();
  });
  await server.ready();
  return server;
}

function newServer({ tls }: ServerOptions, patience: Patience): FastifyInstance {
  const common = {
    logger: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: true },
    // A socket on which nothing moves is cut off; an upload that flows may take as long as it needs.
    connectionTimeout: patience.silenceMs,
    requestTimeout: 0,
    keepAliveTimeout: patience.keepAliveMs,
    forceCloseConnections: 'idle' as const,
    exposeHeadRoutes: true,
    // An address that cannot be decoded, or has an overlong part, comes to no route and no error handler.
    frameworkErrors: ({ statusCode = 400 }: { readonly statusCode?: number }, _request: unknown, reply: FastifyReply) =>
      sendProblem(reply, problem(statusCode, 'The address of the request is not valid, or too long.')),
  };
  const checks = { headersTimeout: patience.headersMs, connectionsCheckingInterval: patience.checkMs };
  return tls === null
    ? Fastify({ ...common, http: checks })
    : Fastify({ ...common, https: { ...httpsOptions(tls), ...checks } });
}

function httpsOptions({ ca, ...options }: ServerTls): Omit<ServerTls, 'ca'> & { readonly ca?: string } {
  return ca === null ? options : { ...options, ca };
}

/** On every answer, also of errors and of what is meant for machines: a browser must not guess types, frame or leak addresses. */
function addSecurityHeaders(server: FastifyInstance, tls: boolean): void {
  const headers: Readonly<Record<string, string>> = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    ...(tls ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
  server.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(headers);
    done();
  });
}

/** 405 where the path exists under another method, else 404. */
function answerUnknownRoutes(server: FastifyInstance): void {
  const known: { readonly methods: readonly string[]; readonly path: RegExp }[] = [];
  server.addHook('onRoute', ({ method, url }) => {
    const pattern = url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:[^/]+/g, '[^/]+');
    known.push({ methods: [method].flat(), path: new RegExp(`^${pattern}/?$`) });
  });
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    const allowed = [...new Set(known.filter((route) => route.path.test(path)).flatMap((route) => route.methods))];
    if (allowed.length === 0) {
      sendProblem(reply, problem(404, 'There is nothing here; see / for what there is.'));
      return;
    }
    void reply.header('allow', allowed.join(', '));
    sendProblem(reply, problem(405, `Only ${allowed.join(', ')} here.`));
  });
}

/** Browsers of other origins may read, and send without credentials. */
function allowOrigins(server: FastifyInstance, origins: RegExp): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    void reply.header('vary', 'origin');
    if (origin === undefined || !origins.test(origin)) {
      done();
      return;
    }
    void reply.header('access-control-allow-origin', origin);
    if (request.method === 'OPTIONS') {
      void reply
        .headers({
          'access-control-allow-methods': 'GET, POST, PUT, DELETE',
          'access-control-allow-headers': 'content-type, authorization, content-encoding',
          'access-control-max-age': '600',
        })
        .code(204)
        .send();
      return;
    }
    done();
  });
}
