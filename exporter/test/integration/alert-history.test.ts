import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { alertServices, judgeAlerts } from '../../src/app/alert-services.ts';
import type { AlertParts } from '../../src/app/alert-services.ts';
import type { JobState } from '../../src/domain/retraining.ts';
import { textFormat } from '../../src/exposition/text-format.ts';
import { bearer, fakeServer, fakeToken } from '../../src/http/fake-services.ts';
import { DayPartitions } from '../../src/storage/day-partitions.ts';
import { EVALUATION_INDEXES, EvaluationStore } from '../../src/storage/evaluation-store.ts';
import { ModelStore } from '../../src/storage/model-store.ts';
import { RetrainingStore } from '../../src/storage/retraining-store.ts';
import { alertParts } from '../support/alert-parts.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { recordingLog } from '../support/silent-log.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const iso = (ms: number) => new Date(ms).toISOString();

interface WebhookAlert {
  readonly status: string;
  readonly fingerprint: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly startsAt: string;
  readonly endsAt: string;
}

function alert(fingerprint: string, more: Partial<WebhookAlert> = {}): WebhookAlert {
  return {
    status: 'firing',
    fingerprint,
    labels: { alertname: 'MLDataDrift', severity: 'medium', model: 'churn', version: '1', check: 'data_drift' },
    annotations: { summary: 'Features of churn drifted', description: 'Worst: tenure (KL 0.41).' },
    startsAt: iso(NOW - HOUR),
    endsAt: '0001-01-01T00:00:00Z',
    ...more,
  };
}
const resolved = (fingerprint: string, more: Partial<WebhookAlert> = {}) =>
  alert(fingerprint, { status: 'resolved', endsAt: iso(NOW - HOUR / 2), ...more });

describe('the history of alerts', () => {
  let database: TestDatabase;
  let core: Core;
  let parts: AlertParts;
  let server: FastifyInstance;
  let evaluations: EvaluationStore;
  let now = NOW;
  const log = recordingLog();
  const retrained: string[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    core = await openCore(database.url, { now: () => now });
    const days = new DayPartitions(core.pool, 'evaluations', EVALUATION_INDEXES);
    await days.load();
    evaluations = new EvaluationStore(core.pool, days.ensure);
    parts = alertParts(core, () => now, log.log, {
      retrain: (model, alertname) => Promise.resolve(void retrained.push(`${model} ${alertname}`)),
    });
    server = await fakeServer(
      { alerts: alertServices(parts) },
      {
        now: () => now,
        tokens: () => [
          fakeToken('hook', ['webhook']),
          fakeToken('root', ['admin', 'read']),
          fakeToken('churn', ['read'], ['churn']),
        ],
      },
    );
  });
  afterAll(async () => {
    await server.close();
    await core.close();
    await database.drop();
  });
  beforeEach(async () => {
    now = NOW;
    await core.pool.query('TRUNCATE alerts, alert_notifications, alert_verdicts, evaluations');
  });

  const deliver = (alerts: readonly unknown[], more: object = {}) =>
    server.inject({
      method: 'POST',
      url: '/api/ml/alerts/webhook',
      headers: { 'content-type': 'application/json', ...bearer('hook') },
      payload: JSON.stringify({ version: '4', receiver: 'history', alerts, ...more }),
    });
  const read = async (url: string) => {
    const response = await server.inject({ url, headers: bearer('root') });
    expect(response.statusCode).toBe(200);
    return response.json();
  };
  const post = (url: string, payload: object) =>
    server.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...bearer('root') },
      payload: JSON.stringify(payload),
    });
  const history = async () => (await read('/api/ml/alerts')).alerts as Record<string, unknown>[];
  const notified = async () =>
    Number((await core.pool.query('SELECT count(*) FROM alert_notifications')).rows[0].count);

  test('an alert whose rule says retrain="true" asks for retraining once: when it is news and fires', async () => {
    const asks = (fingerprint: string, more: object = {}) => ({
      ...alert(fingerprint),
      labels: { alertname: 'MLPerformance', model: 'churn', severity: 'high', retrain: 'true' },
      ...more,
    });
    retrained.length = 0;
    await deliver([asks('aa'), alert('bb')]);
    await deliver([asks('aa')]);
    await deliver([asks('aa', { status: 'resolved', endsAt: iso(NOW) })]);
    expect(retrained).toEqual(['churn MLPerformance']);
  });

  test('delivered twice: kept once', async () => {
    expect((await deliver([alert('a')])).json()).toMatchObject({ accepted: 1, news: 1 });
    expect((await deliver([alert('a')])).json()).toMatchObject({ accepted: 1, news: 0 });
    expect((await deliver([resolved('a'), resolved('a')])).json()).toMatchObject({ news: 1 });
    expect(await history()).toMatchObject([{ status: 'resolved', ends_at: iso(NOW - HOUR / 2), check: 'data_drift' }]);
    expect(await notified()).toBe(2);
  });

  test('ten deliveries at once, in both orders: kept once', async () => {
    const both = [alert('a'), alert('b'), resolved('c')];
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, i) => deliver(i % 2 === 0 ? both : [...both].reverse())),
    );
    expect(replies.map(({ statusCode }) => statusCode)).toEqual(Array(10).fill(200));
    expect(replies.reduce((sum, reply) => sum + Number(reply.json().news), 0)).toBe(3);
    expect(await history()).toHaveLength(3);
  });

  test('out of order: an end is final, and its figures stay', async () => {
    await deliver([resolved('a')]);
    await deliver([alert('a', { annotations: { summary: 'late' } })]);
    expect(await history()).toMatchObject([{ status: 'resolved', summary: 'Features of churn drifted' }]);
  });

  test('while it fires its figures follow; when it fires again it is another incident', async () => {
    await deliver([alert('a')]);
    await deliver([alert('a', { annotations: { summary: 'worse' } })]);
    await deliver([resolved('a', { annotations: {} })]);
    await deliver([alert('a', { startsAt: iso(NOW - HOUR / 4) })]);
    expect(await history()).toMatchObject([
      { status: 'firing', summary: 'Features of churn drifted' },
      { status: 'resolved', summary: 'worse' },
    ]);
  });

  describe('fired again before its end was told', () => {
    const again = iso(NOW - HOUR / 4);
    test.each([
      ['the next start ends it', [alert('a'), alert('a', { startsAt: again })], ['firing', 'resolved']],
      [
        'the next end, when its start was not told either',
        [alert('a'), resolved('a', { startsAt: again, endsAt: iso(NOW) })],
        ['resolved', 'resolved'],
      ],
      ['in the other order', [alert('a', { startsAt: again }), alert('a')], ['firing', 'resolved']],
    ])('%s', async (_case, messages, states) => {
      for (const message of messages) await deliver([message]);
      const kept = await history();
      expect(kept.map(({ status }) => status)).toEqual(states);
      expect(kept[1]).toMatchObject({ starts_at: iso(NOW - HOUR), ends_at: again });
    });

    test('its own end, told late, is the earlier one and counts', async () => {
      await deliver([alert('a'), alert('b')]);
      await deliver([alert('a', { startsAt: again })]);
      await deliver([resolved('a')]);
      expect(await history()).toMatchObject([
        { fingerprint: 'a', status: 'firing' },
        { fingerprint: 'b', status: 'firing' },
        { fingerprint: 'a', status: 'resolved', ends_at: iso(NOW - HOUR / 2) },
      ]);
    });
  });

  describe('what reaches no webhook', () => {
    const seen = (suppressed: 'inhibited' | null) =>
      parts.store.record(
        [
          {
            fingerprint: 'a',
            startsAtMs: NOW - HOUR,
            endsAtMs: null,
            status: 'firing',
            labels: alert('a').labels,
            annotations: {},
            generatorUrl: '',
            receiver: null,
            suppressed,
          },
        ],
        now,
      );

    test('is kept as muted, also when it is free again for a moment before it ends', async () => {
      await seen(null);
      await seen('inhibited');
      await seen(null);
      expect(await history()).toMatchObject([{ status: 'firing', suppressed: 'inhibited' }]);
      now += 1_000;
      await parts.store.endUnseen(now, now - 5 * 60_000);
      expect(await history()).toMatchObject([{ status: 'resolved', suppressed: 'inhibited' }]);
      expect(await notified()).toBe(0);
    });

    test('and as told from the moment that somebody is, for good', async () => {
      await seen('inhibited');
      await deliver([alert('a')]);
      expect(await history()).toMatchObject([{ suppressed: null }]);
      await seen('inhibited');
      expect(await history()).toMatchObject([{ suppressed: null }]);
      now += 1_000;
      await parts.store.endUnseen(now, now - 5 * 60_000);
      expect(await history()).toMatchObject([{ status: 'firing' }]);
    });

    test('an end alone tells nobody that it fired', async () => {
      await seen('inhibited');
      await deliver([resolved('a')]);
      expect(await history()).toMatchObject([{ status: 'resolved', suppressed: 'inhibited' }]);
    });
  });

  test('a thousand alerts in one call, and pages through them', async () => {
    const alerts = Array.from({ length: 1_000 }, (_, i) => alert(`f${i}`, { startsAt: iso(NOW - (i % 100) * 60_000) }));
    expect((await deliver(alerts)).json()).toMatchObject({ accepted: 1_000, news: 1_000 });
    const seen = new Set<unknown>();
    let cursor: string | null = '';
    let pages = 0;
    while (cursor !== null) {
      const page = await read(`/api/ml/alerts?limit=300${cursor === '' ? '' : `&cursor=${cursor}`}`);
      for (const { id } of page.alerts) seen.add(id);
      cursor = page.next;
      pages++;
    }
    expect([seen.size, pages]).toEqual([1_000, 4]);
  });

  test('truncated by Alertmanager: what came is kept, the rest is told', async () => {
    expect((await deliver([alert('a')], { truncatedAlerts: 7 })).json()).toMatchObject({ news: 1, truncated: 7 });
    expect(log.lines.at(-1)).toMatchObject({ level: 'warn', fields: { truncated: 7 } });
  });

  test('a body that was cut off is refused, and nothing kept', async () => {
    const whole = JSON.stringify({ version: '4', receiver: 'history', alerts: [alert('a'), alert('b')] });
    const response = await server.inject({
      method: 'POST',
      url: '/api/ml/alerts/webhook',
      headers: { 'content-type': 'application/json', ...bearer('hook') },
      payload: whole.slice(0, -40),
    });
    expect(response.statusCode).toBe(400);
    expect(response.json().detail).toMatch(/not JSON/);
    expect(await history()).toEqual([]);
  });

  test.each([
    ['quotes and tags', `<b>"o'clock"</b> & \\ ' "`],
    ['NUL and half a pair', 'a\0b\ud83d'],
    ['right to left, emoji, newlines', 'שלום 😀\r\n\t'],
    ['SQL', "'); DROP TABLE alerts; --"],
    ['a long one', 'x'.repeat(5_000)],
  ])('labels of odd characters: %s', async (_case, value) => {
    const labels = { alertname: 'MLDataDrift', model: value, version: value, severity: value, check: value };
    expect((await deliver([alert('a', { labels, annotations: { [value]: value } })])).statusCode).toBe(200);
    const kept = value.replaceAll(/\0|\ud83d(?!\ude00)/g, '\ufffd');
    expect(await history()).toMatchObject([{ model: kept, version: kept, severity: kept }]);
  });

  test('one bad alert among good ones', async () => {
    const reply = (await deliver([alert('a'), { ...alert('b'), startsAt: 'soon' }, alert('c')])).json();
    expect(reply).toMatchObject({ accepted: 2, rejected: 1, errors: [{ pointer: '/alerts/1/startsAt' }] });
    expect(await history()).toHaveLength(2);
  });

  test.each([
    ['no token', {}, 401],
    ['a wrong token', { authorization: 'Bearer guess' }, 401],
    ['a token of another scope', bearer('root'), 403],
  ])('%s', async (_case, headers, status) => {
    const payload = JSON.stringify({ version: '4', alerts: [alert('a')] });
    const response = await server.inject({ method: 'POST', url: '/api/ml/alerts/webhook', headers, payload });
    expect(response.statusCode).toBe(status);
    expect(await history()).toEqual([]);
  });

  test('severities in other words are ours', async () => {
    await deliver([alert('a', { labels: { alertname: 'MLDataDrift', severity: 'critical', model: 'churn' } })]);
    expect((await read('/api/ml/alerts?severity=critical')).alerts).toMatchObject([{ severity: 'high' }]);
  });

  test('filters are half-open in time, and a token for some models sees those', async () => {
    const fraud = { alertname: 'MLLatencySpike', severity: 'high', model: 'fraud', version: '1', check: 'latency' };
    await deliver([alert('a'), resolved('b', { labels: fraud, startsAt: iso(NOW - 2 * HOUR) })]);
    const ids = async (query: string) =>
      (await read(`/api/ml/alerts?${query}`)).alerts.map(({ fingerprint }: { fingerprint: string }) => fingerprint);
    expect(await ids('status=firing')).toEqual(['a']);
    expect(await ids('model=fraud')).toEqual(['b']);
    expect(await ids('severity=high')).toEqual(['b']);
    expect(await ids(`from=${iso(NOW - 2 * HOUR)}&to=${iso(NOW - HOUR)}`)).toEqual(['b']);
    const asChurn = (url: string) => server.inject({ url, headers: bearer('churn') });
    expect((await asChurn('/api/ml/alerts?model=churn')).json().alerts).toHaveLength(1);
    expect((await asChurn('/api/ml/alerts?model=fraud')).statusCode).toBe(403);
    expect((await asChurn('/api/ml/alerts')).statusCode).toBe(400);
  });

  test('acknowledged once, judged as often as one likes; metrics count it', async () => {
    await deliver([alert('a')]);
    const id = String((await history())[0]!.id);
    await post(`/api/ml/alerts/${id}/acknowledge`, { note: 'on it' });
    now += HOUR;
    await post(`/api/ml/alerts/${id}/acknowledge`, { note: 'me too' });
    await post(`/api/ml/alerts/${id}/verdict`, { verdict: 'false' });
    const reply = await post(`/api/ml/alerts/${id}/verdict`, { verdict: 'benign', note: 'a campaign' });
    expect(reply.json()).toMatchObject({
      acknowledged: { by: 'root', at: iso(NOW), note: 'on it' },
      verdict: { verdict: 'benign', source: 'person', by: 'root', note: 'a campaign' },
    });
    const metrics = await parts.self.render(textFormat);
    expect(metrics).toContain('ml_alert_verdicts_total{alertname="MLDataDrift",verdict="benign"} 1');
    expect(metrics).toMatch(/ml_alert_time_to_acknowledge_seconds_count\{alertname="MLDataDrift"} 1/);
    expect((await post(`/api/ml/alerts/${id}/verdict`, { verdict: 'maybe' })).statusCode).toBe(400);
    expect((await post('/api/ml/alerts/999999/verdict', { verdict: 'true' })).statusCode).toBe(404);
  });

  describe('with stored evaluations', () => {
    beforeAll(async () => {
      await core.predict([
        { model: 'churn', version: '1', prediction_id: 'p', features: { a: 1 }, prediction: '1', timestamp: iso(NOW) },
      ]);
    });

    async function evaluate(fromMs: number, toMs: number, state: string, drop: number): Promise<void> {
      const { target, model } = core.catalog.versionsOf('churn')[0]!;
      const records = [];
      for (let atMs = fromMs; atMs < toMs; atMs += 60_000)
        records.push({
          modelId: model.id,
          versionId: target.versionId,
          evaluatedAtMs: atMs,
          healthScore: 90,
          severity: 'none',
          report: { checks: { performance: { state, drop, dropPValue: 1e-9, samples: 1_000, windowMs: DAY } } },
        });
      await evaluations.append(records);
    }

    test('labels judge drift a window after its end: benign where performance held, true where it was lost', async () => {
      await deliver([
        resolved('held'),
        resolved('lost', { startsAt: iso(NOW - 50 * HOUR), endsAt: iso(NOW - 48 * HOUR) }),
      ]);
      await evaluate(NOW - 50 * HOUR, NOW - 49 * HOUR, 'ok', 0);
      await evaluate(NOW - 30 * HOUR, NOW - 29 * HOUR, 'alert', 0.2);
      await evaluate(NOW - HOUR, NOW, 'ok', 0);
      await judgeAlerts(parts);
      expect((await history()).map(({ verdict }) => verdict)).toMatchObject([
        null,
        { verdict: 'true', source: 'labels' },
      ]);
      now = NOW + 2 * DAY;
      await judgeAlerts(parts);
      await judgeAlerts(parts);
      expect((await history()).map(({ verdict }) => verdict)).toMatchObject([
        { verdict: 'benign' },
        { verdict: 'true' },
      ]);
      expect((await core.pool.query('SELECT FROM alert_verdicts')).rowCount).toBe(2);
    });

    test('a person knows better than labels', async () => {
      await deliver([resolved('held')]);
      const id = String((await history())[0]!.id);
      await post(`/api/ml/alerts/${id}/verdict`, { verdict: 'unactionable' });
      await evaluate(NOW - HOUR, NOW, 'ok', 0);
      now = NOW + 2 * DAY;
      await judgeAlerts(parts);
      expect(await history()).toMatchObject([{ verdict: { verdict: 'unactionable', source: 'person' } }]);
    });

    test('effectiveness: precision, recall, lead time, and the loss that nobody told of', async () => {
      await deliver([resolved('a', { startsAt: iso(NOW - 50 * HOUR), endsAt: iso(NOW - 48 * HOUR) })]);
      await evaluate(NOW - 40 * HOUR, NOW - 39 * HOUR, 'alert', 0.2);
      await evaluate(NOW - 200 * HOUR, NOW - 199 * HOUR, 'alert', 0.2);
      await judgeAlerts(parts);
      expect(await read(`/api/ml/alerts/effectiveness?model=churn&from=${iso(NOW - 20 * DAY)}`)).toMatchObject({
        rules: [
          {
            alertname: 'MLDataDrift',
            fired: 1,
            precision: { value: 1, of: 1 },
            recall: { value: 0.5, of: 2 },
            lead_time_seconds: 36_000,
          },
        ],
        losses: 2,
        misses: [{ model: 'churn', from: iso(NOW - 200 * HOUR) }],
      });
    });

    test('a back-test says what another threshold would have fired', async () => {
      await evaluate(NOW - 10 * HOUR, NOW - 9 * HOUR, 'alert', 0.2);
      await evaluate(NOW - 5 * HOUR, NOW - 4 * HOUR, 'warning', 0.04);
      const fired = async (threshold: number) =>
        read(`/api/ml/alerts/backtest?model=churn&version=1&signal=accuracy_drop&threshold=${threshold}`);
      expect(await fired(0.05)).toMatchObject({ evaluations: 120, with_loss: 1, fired: [{ peak: 0.2 }] });
      expect((await fired(0.03)).fired).toHaveLength(2);
      expect((await fired(0.3)).fired).toEqual([]);
    });

    test('the timeline has alerts, verdicts and baselines in order, and Grafana can read it', async () => {
      await deliver([alert('a')]);
      await post(`/api/ml/alerts/${String((await history())[0]!.id)}/verdict`, { verdict: 'true' });
      now = NOW + 1;
      const { events } = await read('/api/ml/alerts/timeline?model=churn');
      expect(events.map(({ kind }: { kind: string }) => kind)).toEqual(['alert', 'verdict']);
      expect((await read('/api/ml/alerts/timeline?model=churn&format=grafana'))[0]).toMatchObject({
        time: NOW - HOUR,
        tags: ['alert', 'churn', 'medium'],
      });
    });

    test('the timeline has retraining: the job, what its gate and a person said, and the stages', async () => {
      const jobs = new RetrainingStore(core.pool);
      const { jobId } = await jobs.request(
        {
          model: 'churn',
          trigger: 'alert',
          requestedBy: 'MLAccuracyDropped',
          reasons: [
            { code: 'performance_drop', observed: 0.1, threshold: 0.05, windowSeconds: 86_400, samples: 900, note: '' },
          ],
          champion: { version: '1', degraded: true, baselineFigure: 0.9 },
          shadow: false,
          lastEndMs: Infinity,
        },
        NOW - 20 * HOUR,
      );
      const move = async (hours: number, to: JobState, detail: object, facts: object = {}, kind = 'transition') => {
        const job = (await jobs.claim(60_000))!;
        await jobs.write(
          job,
          { to, attempt: 1, facts, runAfterMs: 0, event: { kind, detail: { ...detail } } },
          NOW - hours * HOUR,
        );
      };
      const training = { candidate: { version: '2', uri: '', sha256: null, framework: null }, metrics: {} };
      await move(19, 'preparing', {});
      await move(18, 'training', {});
      await move(17, 'validating', {}, { training });
      await move(16, 'awaiting_approval', { verdict: 'approve', reasons: ['better by 0.03'] });
      await jobs.decide(jobId, 'approved', 'ada', 'looks right', NOW - 15 * HOUR);
      await move(14, 'rolling_out', {});
      await move(13, 'rolling_out', { stage: '10 %' }, {}, 'stage_applied');
      await move(12, 'rolled_back', { reason: 'twice the errors' });
      const told = async (query: string) =>
        (await read(`/api/ml/alerts/timeline?model=churn${query}`)).events.map(
          ({ kind, title, text, version }: Record<string, string>) => [kind, version, title, text],
        );
      expect(await told('')).toEqual([
        ['job', '2', 'Retraining rolled back', 'alert, asked for by MLAccuracyDropped; performance drop'],
        ['gate', '2', 'Gate: approve', 'better by 0.03'],
        ['gate', '2', 'Candidate approved by ada', 'looks right'],
        ['stage', '2', 'Stage 10 % begins', ''],
        ['stage', '2', 'Rolled back', 'twice the errors'],
      ]);
      expect(await told(`&from=${iso(NOW - 10 * HOUR)}`)).toEqual([]);
      await core.pool.query('TRUNCATE retraining_jobs CASCADE');
    });

    test.each([
      ['backtest?model=churn&version=1&signal=nonsense&threshold=1', 400],
      ['backtest?model=churn&version=1&signal=accuracy_drop&threshold=-1', 400],
      ['backtest?model=churn&version=9&signal=accuracy_drop&threshold=1', 404],
      ['backtest?signal=accuracy_drop&threshold=1', 400],
      ['effectiveness?from=2027-01-01&to=2026-01-01', 400],
      ['timeline?model=churn&from=tomorrow', 400],
      ['maintenance', 409],
    ])('%s: %d', async (url, status) => {
      expect((await server.inject({ url: `/api/ml/alerts/${url}`, headers: bearer('root') })).statusCode).toBe(status);
    });

    test('a model that is deleted takes its alerts along', async () => {
      await deliver([alert('a'), alert('b', { labels: { alertname: 'MLDatabaseDown', severity: 'high' } })]);
      await new ModelStore(core.pool, core.catalog).remove('churn');
      expect(await history()).toMatchObject([{ alertname: 'MLDatabaseDown' }]);
    });
  });
});
