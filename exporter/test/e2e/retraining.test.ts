import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash, createHmac, randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { MLDashboardService } from '../../client/ml-dashboard-service.ts';
import { SUCCESSFUL_WAY } from '../../src/domain/retraining.ts';
import { ChurnScene, SECRET, startTrainer, statesOf } from '../support/churn-scene.ts';
import { eventually, jsonOf, metric } from '../support/exporter-process.ts';
import { freePort } from '../support/free-port.ts';

let scene: ChurnScene;
beforeEach(() => {
  scene = new ChurnScene();
});
afterEach(() => scene.close());

describe('the embedded trainer, and a router that pulls', () => {
  test('a better candidate goes all the way, and is in charge', async () => {
    await scene.start('{ type: embedded }', 'automatic');
    const id = await scene.startJob();
    const ended = await scene.routeUntilEnd(id, 5);
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
    expect(statesOf(ended)).toEqual(SUCCESSFUL_WAY);
    const service = new MLDashboardService({ url: scene.baseUrl });
    const artefact = await scene.call('GET', '/api/ml/models/churn/registry/2/artefact');
    expect(artefact.headers.get('content-type')).toBe('application/gzip');
    const sha256 = createHash('sha256')
      .update(Buffer.from(await artefact.arrayBuffer()))
      .digest('hex');
    expect(await service.modelRegistry('churn')).toMatchObject([
      { version: '2', stage: 'champion', job: id, uri: expect.stringMatching(/./), sha256 },
    ]);
    expect(await service.modelRouting('churn')).toEqual({ champion: { version: '2' }, candidate: null });
    await eventually(
      async () =>
        expect(await metric(scene.baseUrl, 'ml_retraining_jobs_total{model="churn",outcome="succeeded"}')).toBe(1),
      40_000,
    );
    // The cool-down has begun: not without a word.
    await expect(service.triggerRetraining('churn', 'again')).rejects.toThrow(/^409 .*cool-down/);
    expect(await service.triggerRetraining('churn', 'again', true)).toMatchObject({ created: true });
  });

  test('one that passed the gate and is slow in production is rolled back', async () => {
    await scene.start('{ type: embedded }', 'manual');
    const id = await scene.startJob();
    await scene.untilState(id, /^awaiting_approval$/);
    const service = new MLDashboardService({ url: scene.baseUrl });
    await service.decideRetraining(id, 'pause');
    expect(await service.retrainingJob(id)).toMatchObject({ paused: true });
    await service.decideRetraining(id, 'approve', 'looks fine');
    await expect(service.decideRetraining(id, 'approve')).rejects.toThrow(/^409 .*does not wait for approval/);
    // A paused job keeps its place, whatever was decided.
    expect(await service.retrainingJob(id)).toMatchObject({ paused: true, state: 'awaiting_approval' });
    await service.decideRetraining(id, 'resume');
    const ended = await scene.routeUntilEnd(id, 80);
    expect(ended.state).toBe('rolled_back');
    expect(ended.rollback?.reason).toMatch(/longer than 1\.5 times the champion's p95/);
    expect(await jsonOf(await scene.call('GET', '/api/ml/models/churn/routing'))).toMatchObject({
      champion: { version: '1' },
    });
    expect(await jsonOf(await scene.call('GET', '/api/ml/models/churn/registry'))).toMatchObject({
      versions: [{ version: '2', stage: 'rolled_back' }],
    });
  });
});

describe('a trainer behind a webhook', () => {
  const webhook = (url: string) =>
    `{ type: webhook, url: "${url}", secret_file: secret, callback_url: "BASE_URL", heartbeat: 60s }`;

  test('the example trainer: signed both ways, judged on the holdout it never saw', async () => {
    const trainer = await startTrainer(scene.secretFile);
    try {
      await scene.start(webhook(trainer.url), 'automatic');
      const ended = await scene.routeUntilEnd(await scene.startJob(), 5);
      expect(ended).toMatchObject({
        state: 'succeeded',
        attempt: 1,
        gate: { verdict: 'approve', selfReported: false },
      });
      expect(statesOf(ended)).toEqual(SUCCESSFUL_WAY);
    } finally {
      await trainer.stop();
    }
  });

  test('one that learnt from shuffled labels is rejected', async () => {
    const trainer = await startTrainer(scene.secretFile, { SHUFFLE_LABELS: '1' });
    try {
      await scene.start(webhook(trainer.url), 'automatic');
      const ended = await scene.untilState(await scene.startJob(), /^(succeeded|rejected|failed|rolled_back)$/);
      expect(ended).toMatchObject({ state: 'rejected', gate: { verdict: 'reject' } });
      expect(ended.gate!.reasons.join()).toMatch(/worse than the champion/);
    } finally {
      await trainer.stop();
    }
  });

  test('the exporter is killed while the trainer trains: the job is dispatched once, and goes on', async () => {
    const trainer = new HandTrainer();
    await trainer.listen();
    try {
      const port = await freePort();
      await scene.start(webhook(trainer.url), 'manual', port);
      const id = await scene.startJob();
      await eventually(() => (trainer.job === null ? Promise.reject(new Error('no job')) : Promise.resolve()));
      await scene.kill('SIGKILL');
      await scene.start(webhook(trainer.url), 'manual', port);
      expect((await trainer.tell('retrain.completed', { seq: 2, candidate: { version: '2' } })).status).toBe(200);
      // Its lease of 30 s has to run out first where it was killed with the job in its hands.
      await scene.untilState(id, /^(validating|awaiting_approval)$/);
      expect(trainer.posts).toBe(1);
    } finally {
      trainer.close();
    }
  });

  test('callbacks: forged, replayed, out of order, late, of another attempt', async () => {
    const trainer = new HandTrainer();
    await trainer.listen();
    try {
      await scene.start(webhook(trainer.url), 'manual');
      const id = await scene.startJob();
      await eventually(() => (trainer.job === null ? Promise.reject(new Error('no job')) : Promise.resolve()));
      const status = async (reply: Promise<Response>) => (await reply).status;
      const progress = { seq: 5, phase: 'fitting', progress: 0.5 };

      expect(await status(trainer.tell('retrain.progress', progress, { secret: Buffer.alloc(24, 1) }))).toBe(401);
      expect(await status(trainer.tell('retrain.progress', progress, { token: 'guessed' }))).toBe(401);
      expect(await status(trainer.tell('retrain.progress', progress, { ageSeconds: 301 }))).toBe(401);
      expect(await status(trainer.tell('retrain.progress', progress, { jobId: randomUUID() }))).toBe(401);
      expect(await status(trainer.tell('retrain.progress', { ...progress, progress: 7 }))).toBe(400);
      expect(await status(trainer.tell('retrain.progress', progress, { messageId: 'msg_1' }))).toBe(200);
      for (let replay = 0; replay < 20; replay++)
        expect(await status(trainer.tell('retrain.progress', progress, { messageId: 'msg_1' }))).toBe(200);
      expect(await status(trainer.tell('retrain.progress', { ...progress, seq: 4 }))).toBe(200);
      expect(await status(trainer.tell('retrain.progress', progress, { attempt: 0 }))).toBe(409);
      expect(
        await status(trainer.tell('retrain.completed', { seq: 6, candidate: { version: '2' } }, { attempt: 2 })),
      ).toBe(409);
      // The holdout is not to be had before the candidate is known.
      const { events } = await scene.job(id);
      expect(events.filter(({ kind }) => kind === 'retrain.progress')).toHaveLength(1);

      const told = await trainer.tell(
        'retrain.completed',
        { seq: 3, candidate: { version: '2' } },
        { messageId: 'msg_2' },
      );
      const { holdout } = await jsonOf<{ holdout: { url: string; predictions_url: string } }>(told);
      expect(await status(trainer.tell('retrain.completed', { seq: 9, candidate: { version: '3' } }))).toBe(409);
      expect((await fetch(holdout.url)).status).toBe(200);
      expect((await fetch(holdout.url.replace('/data/holdout', '/data/train'))).status).toBe(401);
      expect((await fetch(holdout.url.replace(/expires=\d+/, 'expires=99999999999'))).status).toBe(401);
      const upload = (token: string, body: string) =>
        fetch(holdout.predictions_url, {
          method: 'PUT',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
          body,
        });
      expect(await status(upload('guessed', '{"id":"p2999","prediction":"left"}'))).toBe(401);
      expect(await status(upload(trainer.job!.callback.token, '{"id":"p1","score":2}'))).toBe(400);
      expect(await status(upload(trainer.job!.callback.token, '{"id":"p2999","prediction":"left"}'))).toBe(200);
      expect(await status(upload(trainer.job!.callback.token, '{"id":"p2999","prediction":"stayed"}'))).toBe(409);
      // One row of the holdout is not the holdout.
      const ended = await scene.untilState(id, /^rejected$/);
      expect(ended.gate!.reasons.join()).toMatch(/answered 1 of \d+ rows/);
      expect(await status(trainer.tell('retrain.progress', { seq: 10 }))).toBe(409);
      expect((await fetch(holdout.url)).status).toBe(401);
      expect(await status(upload(trainer.job!.callback.token, '{"id":"p2","prediction":"left"}'))).toBe(401);
    } finally {
      trainer.close();
    }
  });
});

interface HandJob {
  readonly job_id: string;
  readonly attempt: number;
  readonly external_id: string;
  readonly callback: { readonly url: string; readonly token: string };
}

/** A trainer that does what the test tells it to. */
class HandTrainer {
  job: HandJob | null = null;
  posts = 0;
  private readonly server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += String(piece)));
    request.on('end', () => {
      if (request.method === 'GET') return response.writeHead(this.job === null ? 404 : 200).end();
      this.posts++;
      this.job = (JSON.parse(body) as { data: HandJob }).data;
      return response.writeHead(202).end('{}');
    });
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/retrain`;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  tell(
    type: string,
    data: Readonly<Record<string, unknown>>,
    wrong: {
      secret?: Buffer;
      token?: string;
      ageSeconds?: number;
      jobId?: string;
      messageId?: string;
      attempt?: number;
    } = {},
  ): Promise<Response> {
    const { secret = Buffer.from(SECRET.slice(6), 'base64'), ageSeconds = 0, messageId = randomUUID() } = wrong;
    const job = this.job!;
    const body = JSON.stringify({ type, data: { job_id: job.job_id, attempt: wrong.attempt ?? job.attempt, ...data } });
    const seconds = Math.floor(Date.now() / 1000) - ageSeconds;
    const signature = createHmac('sha256', secret).update(`${messageId}.${seconds}.${body}`).digest('base64');
    return fetch(job.callback.url.replace(job.job_id, wrong.jobId ?? job.job_id), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${wrong.token ?? job.callback.token}`,
        'content-type': 'application/json',
        'webhook-id': messageId,
        'webhook-timestamp': String(seconds),
        'webhook-signature': `v1,${signature}`,
      },
      body,
    });
  }
}
