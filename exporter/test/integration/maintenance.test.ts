import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { alertServices, askAlertmanager } from '../../src/app/alert-services.ts';
import type { AlertParts } from '../../src/app/alert-services.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { bearer, fakeServer, fakeToken } from '../../src/http/fake-services.ts';
import { startAlertReceivers } from '../fakes/alert-receivers.ts';
import type { AlertReceivers } from '../fakes/alert-receivers.ts';
import { startAlertmanager } from '../support/alert-chain.ts';
import type { AlertChain } from '../support/alert-chain.ts';
import { alertParts } from '../support/alert-parts.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { eventually, jsonOf } from '../support/exporter-process.ts';
import { freePort } from '../support/free-port.ts';
import { recordingLog } from '../support/silent-log.ts';
import { describeWith } from '../support/prometheus.ts';
import { temporaryFolder } from '../support/test-server.ts';

const HOUR_MS = 3_600_000;
const WAIT_MS = 90_000;
const iso = (ms: number) => new Date(ms).toISOString();

interface Window {
  readonly id: string;
  readonly model: string;
  readonly version: string;
  readonly by: string;
  readonly reason: string;
  readonly state: string;
}

describeWith('prometheus-alertmanager')('maintenance windows are silences of a real Alertmanager', () => {
  const folder = temporaryFolder();
  let database: TestDatabase;
  let core: Core;
  let parts: AlertParts;
  let receivers: AlertReceivers;
  let chain: AlertChain;
  let server: FastifyInstance;
  beforeAll(async () => {
    database = await createTestDatabase();
    core = await openCore(database.url, { now: Date.now });
    receivers = await startAlertReceivers();
    chain = await startAlertmanager(
      folder,
      await freePort(),
      receivers,
      receivers.slackUrl.replace('slack', 'webhook'),
    );
    const alerts = { ...DEFAULT_SETTINGS.alerts, alertmanagerUrl: `${chain.alertmanagerUrl}/` };
    parts = alertParts(core, Date.now, recordingLog().log, { settings: () => ({ ...DEFAULT_SETTINGS, alerts }) });
    server = await fakeServer(
      { alerts: alertServices(parts) },
      {
        now: Date.now,
        tokens: () => [fakeToken('root', ['admin', 'read']), fakeToken('fraud', ['admin', 'read'], ['fraud'])],
      },
    );
  }, WAIT_MS);
  afterAll(async () => {
    chain.stop();
    await receivers.close();
    await server.close();
    await core.close();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const api = '/api/ml/alerts/maintenance';
  const start = (body: object, token = 'root') =>
    server.inject({
      method: 'POST',
      url: api,
      headers: { 'content-type': 'application/json', ...bearer(token) },
      payload: JSON.stringify(body),
    });
  const end = (id: string, token = 'root') =>
    server.inject({ method: 'DELETE', url: `${api}/${id}`, headers: bearer(token) });
  const windows = async (token = 'root'): Promise<readonly Window[]> =>
    (await server.inject({ url: api, headers: bearer(token) })).json().maintenance;
  const stateOf = async (id: string) => (await windows()).find((window) => window.id === id)?.state;
  const history = async () => (await parts.store.list({}, 100)).alerts;
  /** As Prometheus does: again and again while it fires. */
  const fire = (model: string) =>
    fetch(`${chain.alertmanagerUrl}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([
        {
          labels: { alertname: 'MLDataDrift', severity: 'medium', model, version: '1', check: 'data_drift' },
          annotations: { summary: `Features of ${model} drifted`, description: '' },
        },
      ]),
    });
  const told = (model: string) =>
    receivers.messages.filter(({ channel, body }) => channel === 'slack' && JSON.stringify(body).includes(model))
      .length;

  test(
    'a window mutes its model and no other; ended early, its alerts are heard',
    async () => {
      const reply = await start({ model: 'churn', to: iso(Date.now() + HOUR_MS), reason: 'new source', note: '' });
      expect(reply.statusCode).toBe(201);
      const { id } = reply.json();
      const silence = await jsonOf<object>(await fetch(`${chain.alertmanagerUrl}/api/v2/silence/${id}`));
      expect(silence).toMatchObject({
        status: { state: 'active' },
        createdBy: 'root',
        comment: 'new source',
        matchers: [{ name: 'model', value: 'churn', isRegex: false }],
      });
      expect(await windows()).toMatchObject([{ id, model: 'churn', version: '', by: 'root', state: 'active' }]);
      expect(await windows('fraud')).toEqual([]);
      await fire('churn');
      await fire('fraud');
      await eventually(() => {
        expect(told('fraud')).toBe(1);
        return Promise.resolve();
      }, WAIT_MS);
      await askAlertmanager(parts);
      expect(Object.fromEntries((await history()).map(({ model, suppressed }) => [model, suppressed]))).toEqual({
        churn: 'silenced',
        fraud: null,
      });
      expect(told('churn')).toBe(0);
      const { events } = (
        await server.inject({ url: '/api/ml/alerts/timeline?model=churn', headers: bearer('root') })
      ).json();
      expect(events.map(({ kind, title }: { kind: string; title: string }) => [kind, title])).toContainEqual([
        'maintenance',
        'Maintenance by root',
      ]);

      expect((await end(id, 'fraud')).statusCode).toBe(403);
      expect((await end(id)).statusCode).toBe(204);
      expect(await stateOf(id)).toBe('expired');
      await eventually(async () => {
        await fire('churn');
        expect(told('churn')).toBe(1);
      }, WAIT_MS);
      const again = await end(id);
      expect([again.statusCode, again.json().detail]).toEqual([409, 'This maintenance window is over already.']);
    },
    2 * WAIT_MS,
  );

  test(
    'a window of one version ends by itself',
    async () => {
      const { id } = (await start({ model: 'quick', version: '1', to: iso(Date.now() + 2_000) })).json();
      expect(await windows()).toContainEqual(expect.objectContaining({ id, model: 'quick', version: '1' }));
      await eventually(async () => expect(await stateOf(id)).toBe('expired'), WAIT_MS);
      await eventually(async () => {
        await fire('quick');
        expect(told('quick')).toBe(1);
      }, WAIT_MS);
    },
    2 * WAIT_MS,
  );

  test('a window of the page’s form', async () => {
    const form = (url: string, fields: Record<string, string>) =>
      server.inject({
        method: 'POST',
        url: `/admin/ml/alerts/maintenance${url}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...bearer('root') },
        payload: new URLSearchParams(fields).toString(),
      });
    const mine = async () => (await windows()).find(({ reason }) => reason === 'by hand');
    expect((await form('', { model: 'churn', hours: '1', reason: 'by hand' })).statusCode).toBe(303);
    expect(await mine()).toMatchObject({ model: 'churn', version: '', by: 'root', state: 'active' });
    expect((await form(`/${(await mine())!.id}/end`, {})).statusCode).toBe(303);
    expect(await mine()).toMatchObject({ state: 'expired' });
  });

  test.each([
    ['an end that has passed', { model: 'churn', from: iso(1), to: iso(2) }, 400, /Alertmanager refuses it: .*past/],
    ['an end before its start', { model: 'churn', from: iso(2e12), to: iso(1e12) }, 400, /from must be before/],
    ['no end', { model: 'churn' }, 400, /to must be given/],
    ['no model', { to: iso(Date.now() + HOUR_MS) }, 400, /model must be given/],
  ])('%s is refused', async (_case, body, status, detail) => {
    const reply = await start(body);
    expect([reply.statusCode, reply.json().detail]).toEqual([status, expect.stringMatching(detail)]);
  });

  test('a window that is not there', async () => expect((await end('nonsense')).statusCode).toBe(404));

  test(
    'Alertmanager is away: that is said, and the timeline goes without it',
    async () => {
      chain.stop();
      await eventually(async () => {
        await expect(fetch(chain.alertmanagerUrl)).rejects.toThrow();
      }, WAIT_MS);
      const reply = await start({ model: 'churn', to: iso(Date.now() + HOUR_MS) });
      expect([reply.statusCode, reply.json().detail]).toEqual([503, expect.stringMatching(/alerts\.alertmanager_url/)]);
      expect((await server.inject({ url: api, headers: bearer('root') })).statusCode).toBe(503);
      const timeline = await server.inject({ url: '/api/ml/alerts/timeline?model=churn', headers: bearer('root') });
      expect(timeline.statusCode).toBe(200);
    },
    2 * WAIT_MS,
  );
});
