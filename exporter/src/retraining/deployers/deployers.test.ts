import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_RETRAINING } from '../../domain/retraining-settings.ts';
import { createOutbound, SYSTEM_OUTBOUND } from '../outbound/outbound.ts';
import { verifyWebhook } from '../webhook-signature.ts';
import type { DeployAction } from './deployer.ts';
import { kserveDeployer } from './kserve.ts';
import { mlflowDeployer } from './mlflow.ts';
import { webhookDeployer } from './webhook.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}
type Answer = (seen: Seen) => readonly [number, unknown] | readonly [number, unknown, http.OutgoingHttpHeaders];

let server: http.Server;
let seen: Seen[] = [];
let answer: Answer;
beforeAll(async () => {
  server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += String(piece)));
    request.on('end', () => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      seen.push(one);
      const [status, reply, headers = {}] = answer(one);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  answer = () => [200, {}];
});

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const settings = { ...DEFAULT_RETRAINING, allowedHosts: ['127.0.0.1'], allowPrivateAddresses: true };
const outbound = createOutbound(SYSTEM_OUTBOUND);
const signal = new AbortController().signal;
const requests = () =>
  seen.map(({ method, url: address, body }) => [method, address, body === '' ? null : JSON.parse(body)]);

function action(kind: DeployAction['kind'], percent = 0): DeployAction {
  return {
    kind,
    key: `job:${kind}`,
    jobId: 'job',
    model: 'churn',
    version: '13',
    uri: 's3://models/13',
    previous: '12',
    percent,
  };
}

describe('webhook', () => {
  const secrets = [Buffer.alloc(24, 7)];
  const deployer = () =>
    webhookDeployer({
      settings,
      deployer: { type: 'webhook', url: `${url()}/deploy`, secretFile: '' },
      secrets,
      outbound,
      realNow: () => 1_700_000_000_000,
    });

  test('says what to do, signed, under an id that every repetition has', async () => {
    expect(await deployer().apply(action('stage', 25), signal)).toEqual({ kind: 'applied' });
    expect(requests()).toEqual([
      [
        'POST',
        '/deploy',
        {
          type: 'deploy.stage',
          timestamp: '2023-11-14T22:13:20.000Z',
          data: {
            job_id: 'job',
            model: 'churn',
            version: '13',
            uri: 's3://models/13',
            previous: '12',
            percent: 25,
            shadow: false,
          },
        },
      ],
    ]);
    expect(seen[0]!.headers).toMatchObject({ 'webhook-id': 'job:stage', 'idempotency-key': 'job:stage' });
    expect(verifyWebhook(secrets, seen[0]!.headers, Buffer.from(seen[0]!.body), 1_700_000_000)).toBe('valid');
  });

  test.each<readonly [string, number, http.OutgoingHttpHeaders, object]>([
    ['too much at once', 429, { 'retry-after': '7' }, { kind: 'later', afterMs: 7_000 }],
    ['an outage', 503, {}, { kind: 'later' }],
    ['a refusal', 422, {}, { kind: 'refused', reason: 'it answered 422' }],
    [
      'a redirect, which is not followed',
      302,
      { location: 'http://169.254.169.254/' },
      { kind: 'refused', reason: 'it answered 302' },
    ],
  ])('%s', async (_name, status, headers, expected) => {
    answer = () => [status, {}, headers];
    expect(await deployer().apply(action('promote'), signal)).toMatchObject(expected);
    expect(seen).toHaveLength(1);
  });

  test('a host that is not allowed is refused, nobody is called', async () => {
    const elsewhere = webhookDeployer({
      settings: { ...settings, allowedHosts: [] },
      deployer: { type: 'webhook', url: url(), secretFile: '' },
      secrets,
      outbound,
      realNow: () => 0,
    });
    expect(await elsewhere.apply(action('promote'), signal)).toMatchObject({ kind: 'refused' });
    expect(seen).toEqual([]);
  });
});

describe('KServe', () => {
  const PATH = '/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices/churn';
  const deployer = () =>
    kserveDeployer({
      settings,
      deployer: { type: 'kserve', url: url(), namespace: 'models', service: 'churn', tokenFile: '', caFile: null },
      token: 'service-account',
      ca: null,
      outbound,
    });
  const service = (storageUri: string, annotations = {}) => ({
    metadata: { annotations },
    spec: { predictor: { model: { storageUri } } },
  });
  const NOTE = 'model-health/previous-storage-uri';

  test.each<readonly [string, DeployAction, object, object]>([
    [
      'a first stage remembers where the model came from',
      action('stage', 5),
      service('s3://models/12'),
      {
        metadata: { annotations: { [NOTE]: 's3://models/12' } },
        spec: { predictor: { canaryTrafficPercent: 5, model: { storageUri: 's3://models/13' } } },
      },
    ],
    [
      'a further one, or a repetition, does not overwrite that',
      action('stage', 25),
      service('s3://models/13', { [NOTE]: 's3://models/12' }),
      { spec: { predictor: { canaryTrafficPercent: 25, model: { storageUri: 's3://models/13' } } } },
    ],
    [
      'a promotion',
      action('promote'),
      service('s3://models/13'),
      { spec: { predictor: { canaryTrafficPercent: null } } },
    ],
    [
      'a rollback',
      action('rollback'),
      service('s3://models/13', { [NOTE]: 's3://models/12' }),
      {
        metadata: { annotations: { [NOTE]: null } },
        spec: { predictor: { canaryTrafficPercent: null, model: { storageUri: 's3://models/12' } } },
      },
    ],
  ])('%s', async (_name, asked, current, patch) => {
    answer = ({ method }) => [200, method === 'GET' ? current : {}];
    expect(await deployer().apply(asked, signal)).toEqual({ kind: 'applied' });
    expect(requests()).toEqual([
      ['GET', PATH, null],
      ['PATCH', PATH, patch],
    ]);
    expect(seen[1]!.headers).toMatchObject({
      'content-type': 'application/merge-patch+json',
      authorization: 'Bearer service-account',
    });
  });

  test('a service that is not there', async () => {
    answer = () => [404, { kind: 'Status' }];
    expect(await deployer().apply(action('stage', 5), signal)).toEqual({ kind: 'refused', reason: 'it answered 404' });
  });

  test('a candidate without an address cannot be served', async () => {
    expect(await deployer().apply({ ...action('stage', 5), uri: '' }, signal)).toMatchObject({ kind: 'refused' });
    expect(seen).toEqual([]);
  });
});

describe('MLflow', () => {
  const ALIAS = '/api/2.0/mlflow/registered-models/alias';
  let aliases: Map<string, string>;
  beforeEach(() => {
    aliases = new Map();
    // As the server of MLflow answers.
    answer = ({ method, url: address, body }) => {
      const query = new URL(address, 'http://localhost');
      if (query.pathname !== ALIAS) return [404, { error_code: 'ENDPOINT_NOT_FOUND' }];
      if (method === 'GET') {
        const version = aliases.get(query.searchParams.get('alias') ?? '');
        return version === undefined
          ? [400, { error_code: 'INVALID_PARAMETER_VALUE', message: 'Registered model alias not found.' }]
          : [200, { model_version: { name: query.searchParams.get('name'), version } }];
      }
      const { alias, version } = JSON.parse(body) as { alias: string; version: string };
      if (method === 'DELETE') aliases.delete(alias);
      else aliases.set(alias, version);
      return [200, {}];
    };
  });
  const deployer = () =>
    mlflowDeployer({
      settings,
      deployer: { type: 'mlflow', url: `${url()}/`, registeredModel: 'churn model', tokenFile: null },
      token: null,
      outbound,
    });

  test('the whole way: previous is set before champion', async () => {
    aliases.set('champion', '12');
    expect(await deployer().apply(action('stage', 25), signal)).toEqual({ kind: 'applied' });
    expect(aliases.get('candidate')).toBe('13');
    seen = [];
    expect(await deployer().apply(action('promote'), signal)).toEqual({ kind: 'applied' });
    expect(requests()).toEqual([
      ['GET', `${ALIAS}?name=churn+model&alias=champion`, null],
      ['POST', ALIAS, { name: 'churn model', alias: 'previous', version: '12' }],
      ['POST', ALIAS, { name: 'churn model', alias: 'champion', version: '13' }],
      ['DELETE', ALIAS, { name: 'churn model', alias: 'candidate' }],
    ]);
    // Repeated after a crash: previous stays.
    await deployer().apply(action('promote'), signal);
    expect([...aliases]).toEqual([
      ['champion', '13'],
      ['previous', '12'],
    ]);
    await deployer().apply(action('rollback'), signal);
    expect(aliases.get('champion')).toBe('12');
  });

  test('a first champion: the missing alias answers 400 INVALID_PARAMETER_VALUE, which is no failure', async () => {
    expect(await deployer().apply(action('promote'), signal)).toEqual({ kind: 'applied' });
    expect([...aliases]).toEqual([['champion', '13']]);
  });

  test('a rollback before the promotion leaves the champion alone', async () => {
    aliases.set('champion', '12').set('candidate', '13').set('previous', '11');
    await deployer().apply(action('rollback'), signal);
    expect([...aliases]).toEqual([
      ['champion', '12'],
      ['previous', '11'],
    ]);
  });

  test('another 400 is a refusal', async () => {
    answer = () => [400, { error_code: 'BAD_REQUEST' }];
    expect(await deployer().apply(action('promote'), signal)).toEqual({ kind: 'refused', reason: 'it answered 400' });
  });
});
