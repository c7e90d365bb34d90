import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { writeFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { eventually, jsonOf, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { temporaryFolder } from '../support/test-server.ts';

const CONFIG = `
evaluation: { interval: 200ms }
minimum_samples: { report: 50, alert: 100, labels: 100 }
retraining:
  trainer: { type: embedded }
  deployer: { type: pull }
  approval: APPROVAL
  hints: { tuning_budget: 1 }
  data: { min_rows: 500 }
  cooldown: 1h
  rollout:
    soak: 0s
    stages: [{ percent: 0, min_time: 0s, min_predictions: 60 }, { percent: 50, min_time: 0s, min_predictions: 60 }]
models:
  churn: { task: binary, positive_class: left }
`;

interface JobJson {
  readonly state: string;
  readonly candidate: { readonly version: string } | null;
  readonly gate: { readonly verdict: string; readonly reasons: readonly string[] } | null;
  readonly events: readonly { readonly kind: string; readonly to: string | null }[];
  readonly rollout: { readonly history: readonly { readonly stage: string; readonly verdict: string }[] } | null;
  readonly rollback: { readonly reason: string } | null;
  readonly error: unknown;
}

describe('retraining, end to end with the embedded trainer and a router that pulls', () => {
  let dataPath: string;
  let exporter: ExporterProcess;
  let sent = 0;

  async function start(approval: string): Promise<void> {
    const file = path.join(dataPath, 'config.yml');
    writeFileSync(file, CONFIG.replace('APPROVAL', approval));
    exporter = await startExporter({ dataPath, flags: [`--config.file=${file}`] });
  }

  beforeEach(() => {
    dataPath = temporaryFolder();
    sent = 0;
  });
  afterEach(async () => {
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });

  async function call(method: 'GET' | 'POST', url: string, body?: unknown): Promise<Response> {
    return fetch(`${exporter.baseUrl}${url}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  }

  /** Who is long with us stays; version 1 believes the opposite half of the time. */
  async function predict(version: string, count: number, latencyMs = 5): Promise<void> {
    const now = Date.now();
    const rows = Array.from({ length: count }, (_, i) => {
      const n = sent++;
      const tenure = (n * 37) % 100;
      const left = tenure < 40 && n % 11 !== 0;
      const good = left ? 0.9 : 0.1;
      const score = version === '1' && n % 2 === 0 ? 0.5 : good;
      const event = {
        model: 'churn',
        version,
        prediction_id: `p${n}`,
        timestamp: now - (count - i) * 10,
        features: { tenure, region: ['north', 'south'][n % 2] },
        prediction: score > 0.5 ? 'left' : 'stayed',
        score,
        latency_ms: latencyMs,
      };
      return { event, label: { model: 'churn', prediction_id: `p${n}`, label: left ? 'left' : 'stayed' } };
    });
    expect(
      (
        await call(
          'POST',
          '/api/ml/predictions',
          rows.map(({ event }) => event),
        )
      ).status,
    ).toBe(200);
    expect(
      (
        await call(
          'POST',
          '/api/ml/ground-truth',
          rows.map(({ label }) => label),
        )
      ).status,
    ).toBe(200);
  }

  async function job(id: string): Promise<JobJson> {
    return jsonOf<JobJson>(await call('GET', `/api/ml/retrain/jobs/${id}`));
  }

  async function startJob(): Promise<string> {
    await predict('1', 3_000);
    return eventually(async () => {
      const reply = await call('POST', '/api/ml/retrain/churn', { reason: 'a test' });
      expect(reply.status).toBe(202);
      return (await jsonOf<{ jobId: string }>(reply)).jobId;
    });
  }

  /** Sends what a router would, as the routing says, until the job has ended. */
  async function routeUntilEnd(id: string, candidateLatencyMs: number): Promise<JobJson> {
    return eventually(async () => {
      const routing = await jsonOf<{ candidate: { version: string } | null }>(
        await call('GET', '/api/ml/models/churn/routing'),
      );
      await predict('1', 40);
      if (routing.candidate !== null) await predict(routing.candidate.version, 40, candidateLatencyMs);
      const now = await job(id);
      expect(now.state).toMatch(/^(succeeded|rejected|failed|cancelled|rolled_back)$/);
      return now;
    }, 90_000);
  }

  test('a better candidate goes all the way, and is in charge', async () => {
    await start('automatic');
    const id = await startJob();
    const ended = await routeUntilEnd(id, 5);
    expect(ended).toMatchObject({
      state: 'succeeded',
      candidate: { version: '2' },
      gate: { verdict: 'approve' },
      rollout: {
        history: [
          { stage: 'shadow', verdict: 'pass' },
          { stage: '50 %', verdict: 'pass' },
          { stage: 'soak', verdict: 'pass' },
        ],
      },
    });
    expect(ended.events.filter(({ to }) => to !== null).map(({ to }) => to)).toEqual([
      'queued',
      'preparing',
      'training',
      'validating',
      'awaiting_approval',
      'rolling_out',
      'monitoring',
      'succeeded',
    ]);
    expect(await jsonOf(await call('GET', '/api/ml/models/churn/registry'))).toMatchObject({
      versions: [{ version: '2', stage: 'champion', job: id }],
    });
    expect(await jsonOf(await call('GET', '/api/ml/models/churn/routing'))).toEqual({
      champion: { version: '2' },
      candidate: null,
    });
    await eventually(
      async () =>
        expect(await metric(exporter.baseUrl, 'ml_retraining_jobs_total{model="churn",outcome="succeeded"}')).toBe(1),
      20_000,
    );
    // The cool-down has begun: not without a word.
    const again = await call('POST', '/api/ml/retrain/churn', { reason: 'again' });
    expect(again.status).toBe(409);
    const forced = await call('POST', '/api/ml/retrain/churn', { reason: 'again', override_cooldown: true });
    expect(forced.status).toBe(202);
  }, 120_000);

  test('one that passed the gate and is slow in production is rolled back', async () => {
    await start('manual');
    const id = await startJob();
    await eventually(async () => expect((await job(id)).state).toBe('awaiting_approval'), 60_000);
    expect((await call('POST', `/api/ml/retrain/jobs/${id}/approve`, { note: 'looks fine' })).status).toBe(202);
    expect((await call('POST', `/api/ml/retrain/jobs/${id}/approve`)).status).toBe(409);
    const ended = await routeUntilEnd(id, 80);
    expect(ended.state).toBe('rolled_back');
    expect(ended.rollback?.reason).toMatch(/longer than 1\.5 times the champion's p95/);
    expect(await jsonOf(await call('GET', '/api/ml/models/churn/routing'))).toMatchObject({
      champion: { version: '1' },
    });
    expect(await jsonOf(await call('GET', '/api/ml/models/churn/registry'))).toMatchObject({
      versions: [{ version: '2', stage: 'rolled_back' }],
    });
  }, 120_000);
});
