import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from '@sinclair/typebox';
import { isObject, parseJson } from '../../intake/formats/parse-json.ts';
import { authorise, requireModel } from '../auth.ts';
import type { Access, Caller } from '../auth.ts';
import { alertJson, annotationsJson, backTestJson, effectivenessJson, iso, timelineJson } from '../alert-report.ts';
import { readBody } from '../body.ts';
import { refuseCrossOrigin } from '../same-origin.ts';
import type { Services } from '../services.ts';
import {
  DAY_MS,
  endMaintenance,
  invalid,
  readAction,
  readFilter,
  readMaintenance,
  readRange,
  readText,
  readVerdict,
} from './alert-requests.ts';
import type { Action } from './alert-requests.ts';

type Query = Readonly<Record<string, string | undefined>>;
type ById = { Params: { id: string } };
const text = Type.Optional(Type.String({ maxLength: 500 }));
const range = { from: text, to: text };
const params = Type.Object({ id: Type.String() });
const ACTION_CAPS = { bytes: 65_536, decompressedBytes: 65_536 };
const MAX_PAGE = 500;

/** Alertmanager's messages in; history, verdicts, effectiveness, back-tests, timelines and maintenance windows. */
export function alertRoutes(server: FastifyInstance, services: Services, access: Access, now: () => number): void {
  const { alerts } = services;

  server.post('/api/ml/alerts/webhook', {
    schema: {
      tags: ['alerts'],
      summary: 'Receive a webhook message of Alertmanager (version 4)',
      description:
        'Scope `webhook`. Answers 200 once it is committed. May be delivered twice and in any order: an alert is known by fingerprint and start, and its end is final. An alert that cannot be read is in `errors`, the others are stored.',
      consumes: ['application/json'],
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      authorise(request, 'webhook', access);
      const { bodyBytes: bytes, decompressedBytes } = services.limits();
      const body = await readBody(request.body, request.headers['content-encoding'], { bytes, decompressedBytes });
      return reply.send(await alerts.receive(parseJson(body.toString('utf8'))));
    },
  });

  server.get<{ Querystring: Query }>('/api/ml/alerts', {
    schema: {
      tags: ['alerts'],
      summary: 'History of alerts, newest first',
      description:
        '`next` of the answer is the `cursor` of the next page; null at the end. `from` and `to` are of the start.',
      querystring: Type.Object({ status: text, model: text, severity: text, ...range, limit: text, cursor: text }),
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const { query } = request;
      oneModel(authorise(request, 'read', access), query.model);
      const page = await alerts.list(readFilter(query), readLimit(query.limit), query.cursor);
      return reply.send({ alerts: page.alerts.map(alertJson), next: page.next });
    },
  });

  server.post<ById>('/api/ml/alerts/:id/acknowledge', {
    schema: {
      tags: ['alerts'],
      summary: 'Say that somebody takes care of it',
      description: 'Body: `{"by", "note"}`, both optional. The first to acknowledge counts.',
      consumes: ['application/json'],
      params,
      response: { 200: Type.Any() },
    },
    handler: (request) => change(request, (id, { by, note }) => alerts.acknowledge(id, by, note)),
  });

  server.post<ById>('/api/ml/alerts/:id/verdict', {
    schema: {
      tags: ['alerts'],
      summary: 'Say what an alert was worth',
      description:
        'Body: `{"verdict", "by", "note"}`; verdict is `true`, `false`, `benign`, `duplicate` or `unactionable`. The newest of a person counts, before those of later labels.',
      consumes: ['application/json'],
      params,
      response: { 200: Type.Any() },
    },
    handler: (request) => change(request, (id, { by, note }, body) => alerts.decide(id, readVerdict(body), by, note)),
  });

  server.get<{ Querystring: Query }>('/api/ml/alerts/effectiveness', {
    schema: {
      tags: ['alerts'],
      summary: 'What each rule was worth: precision, recall, lead time, time to acknowledge',
      description:
        'Of alerts that began in [from, to), by default the last 30 days. Shares come with their 95 % Wilson interval.',
      querystring: Type.Object({ model: text, ...range }),
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const { model, ...query } = request.query;
      oneModel(authorise(request, 'read', access), model);
      const { fromMs, toMs } = readRange(query, now(), 30 * DAY_MS);
      return reply.send(effectivenessJson(await alerts.effectiveness(model, fromMs, toMs)));
    },
  });

  server.get<{ Querystring: Query }>('/api/ml/alerts/backtest', {
    schema: {
      tags: ['alerts'],
      summary: 'What a threshold would have fired, over stored evaluations',
      description:
        '`signal`: `accuracy_drop`, `mae_rise`, `calibration_gap`, `kl_divergence`, `ks_statistic`, `latency_spike`, `error_rate`, `data_quality`. By default the last 7 days.',
      querystring: Type.Object({ model: text, version: text, signal: text, threshold: text, ...range }),
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const { query } = request;
      const caller = authorise(request, 'read', access);
      const model = readText(query.model, 'model');
      requireModel(caller, model);
      const threshold = Number(query.threshold);
      if (query.threshold === undefined || !(threshold > 0) || threshold > 1e9)
        throw invalid('threshold', 'must be a number above 0');
      const { fromMs, toMs } = readRange(query, now(), 7 * DAY_MS);
      const signal = readText(query.signal, 'signal');
      const version = query.version ?? '';
      const found = await alerts.backTest({ model, version, signal, threshold, fromMs, toMs });
      return reply.send(backTestJson({ model, version, signal, threshold, fromMs, toMs }, found));
    },
  });

  server.get<{ Querystring: Query }>('/api/ml/alerts/timeline', {
    schema: {
      tags: ['alerts'],
      summary: 'What happened to a model: alerts, verdicts, retraining with gate and rollout, baselines, maintenance',
      description: 'By default the last 30 days. `format=grafana`: as annotations for a JSON data source.',
      querystring: Type.Object({ model: text, format: text, ...range }),
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      const model = readText(request.query.model, 'model');
      requireModel(caller, model);
      const { fromMs, toMs } = readRange(request.query, now(), 30 * DAY_MS);
      const events = await alerts.timeline(model, fromMs, toMs);
      return reply.send(
        request.query.format === 'grafana' ? annotationsJson(events, model) : { model, events: timelineJson(events) },
      );
    },
  });

  server.get('/api/ml/alerts/maintenance', {
    schema: {
      tags: ['alerts'],
      summary: 'Maintenance windows: silences of models in Alertmanager',
      description: 'Needs `alerts.alertmanager_url`.',
      response: { 200: Type.Any() },
    },
    handler: async (request, reply) => {
      const caller = authorise(request, 'read', access);
      const windows = await alerts.maintenance.list();
      return reply.send({
        maintenance: windows
          .filter(({ model }) => caller.mayTouch(model))
          .map(({ fromMs, toMs, ...rest }) => ({ ...rest, from: iso(fromMs), to: iso(toMs) })),
      });
    },
  });

  server.post('/api/ml/alerts/maintenance', {
    schema: {
      tags: ['alerts'],
      summary: 'Let nobody be told of a model for a while',
      description:
        'Body: `{"model", "version", "from", "to", "reason", "by"}`; `version` is optional, `from` is now by default. A silence in Alertmanager.',
      consumes: ['application/json'],
      response: { 201: Type.Any() },
    },
    handler: async (request, reply) => {
      refuseCrossOrigin(request);
      const caller = authorise(request, 'admin', access);
      const window = readMaintenance(await actionBody(request), caller, now());
      return reply.code(201).send({ id: await alerts.maintenance.start(window) });
    },
  });

  server.delete<ById>('/api/ml/alerts/maintenance/:id', {
    schema: { tags: ['alerts'], summary: 'End a maintenance window', params, response: { 204: Type.Null() } },
    handler: async (request, reply) => {
      refuseCrossOrigin(request);
      const caller = authorise(request, 'admin', access);
      await endMaintenance(alerts, request.params.id, caller);
      return reply.code(204).send();
    },
  });

  /** Does something about one alert, and answers with what became of it. */
  async function change(
    request: FastifyRequest<ById>,
    act: (id: string, action: Action, body: Readonly<Record<string, unknown>>) => Promise<void>,
  ): Promise<object> {
    const { id } = request.params;
    refuseCrossOrigin(request);
    const caller = authorise(request, 'admin', access);
    requireModel(caller, (await alerts.get(id)).model);
    const body = await actionBody(request);
    await act(id, readAction(body, caller), body);
    return alertJson(await alerts.get(id));
  }
}

async function actionBody(request: FastifyRequest): Promise<Readonly<Record<string, unknown>>> {
  const body = await readBody(request.body, request.headers['content-encoding'], ACTION_CAPS);
  const value = body.length === 0 ? {} : parseJson(body.toString('utf8'));
  if (!isObject(value)) throw invalid('', 'must be an object');
  return value;
}

/** A token for some models must say which one it asks for: a page of all of them would show the others. */
function oneModel(caller: Caller, model: string | undefined): void {
  if (model !== undefined) requireModel(caller, model);
  else if (!caller.mayTouch('*')) throw invalid('model', `must be given: token ${caller.name} is for some models only`);
}

function readLimit(limit: string | undefined): number {
  const value = Number(limit ?? 50);
  if (!Number.isInteger(value) || value < 1 || value > MAX_PAGE)
    throw invalid('limit', `must be a whole number from 1 to ${MAX_PAGE}`);
  return value;
}
