// A complete trainer that the exporter sends its jobs to: copy it, and put your own training in the place of `fit` and `predict`.
//
//   SECRET_FILE=secrets/trainer PORT=8080 node dist/demo/trainers/webhook-trainer.js
//
// with `retraining: { trainer: { type: webhook, url: "http://127.0.0.1:8080/", secret_file: secrets/trainer, callback_url: ... } }`.
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { predictTabular, trainTabular } from '../../src/retraining/trainers/tabular-model.ts';
import type { FeatureRow, LabelledFeatures, TabularModel } from '../../src/retraining/trainers/tabular-model.ts';

interface Job {
  readonly job_id: string;
  readonly external_id: string;
  readonly attempt: number;
  readonly task: TabularModel['task'];
  readonly positive_class: string | null;
  readonly classes: readonly string[];
  readonly candidate: { readonly version: string };
  readonly hints: { readonly seed: number; readonly cv_folds: number; readonly tuning_budget: number };
  readonly dataset: {
    readonly url: string;
    readonly sha256: string;
    readonly schema: readonly { readonly name: string; readonly kind: 'numeric' | 'categorical' }[];
  };
  readonly callback: { readonly url: string; readonly token: string };
}

const secret = Buffer.from(
  readFileSync(process.env.SECRET_FILE ?? '', 'utf8')
    .trim()
    .replace(/^whsec_/, ''),
  'base64',
);
/** For tests: learn nothing, as a broken pipeline would. */
const shuffles = process.env.SHUFFLE_LABELS === '1';
const started = new Set<string>();
/** Trained models, by the last part of their address; a real trainer has a store for them. */
const artefacts = new Map<string, string>();

const server = createServer((request, response) => {
  void bodyOf(request).then((body) => {
    const artefact = artefacts.get(/^\/artefacts\/([\w-]+)$/.exec(request.url ?? '')?.[1] ?? '');
    if (artefact !== undefined) return response.writeHead(200, { 'content-type': 'application/json' }).end(artefact);
    if (!isSigned(request, body)) return response.writeHead(401).end();
    if (request.method === 'GET') {
      const id = new URL(request.url ?? '/', 'http://localhost').searchParams.get('external_id') ?? '';
      return response.writeHead(started.has(id) ? 200 : 404).end();
    }
    const job = (JSON.parse(body.toString()) as { data: Job }).data;
    // The same job again is not begun again.
    if (started.has(job.external_id)) return response.writeHead(409).end();
    started.add(job.external_id);
    run(job).catch((error: unknown) =>
      tell(job, 'retrain.failed', { error: { code: 'training_failed', message: String(error), retryable: true } }),
    );
    return response
      .writeHead(202, { 'content-type': 'application/json' })
      .end(JSON.stringify({ external_id: job.external_id }));
  });
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => process.stdout.write(`listening on ${port()}\n`));

function port(): number {
  return (server.address() as AddressInfo).port;
}

async function run(job: Job): Promise<void> {
  await tell(job, 'retrain.progress', { seq: 1, phase: 'loading', progress: 0 });
  const rows = (await linesOf(job.dataset.url, job.dataset.sha256)) as LabelledFeatures[];
  const model = fit(job, shuffles ? shuffled(rows) : rows);
  const artefact = JSON.stringify(model);
  artefacts.set(job.external_id, artefact);
  const { holdout } = await tell(job, 'retrain.completed', {
    seq: 2,
    candidate: {
      version: job.candidate.version,
      uri: `http://127.0.0.1:${port()}/artefacts/${job.external_id}`,
      sha256: createHash('sha256').update(artefact).digest('hex'),
      framework: 'model-health-tabular/1',
    },
    metrics: { train_rows: rows.length },
  });
  // The trial: rows that we never saw, without their labels.
  const asked = (await linesOf(holdout.url, holdout.sha256)) as { id: string; features: FeatureRow }[];
  const predictions = predictTabular(
    model,
    asked.map(({ features }) => features),
  );
  const reply = await fetch(holdout.predictions_url, {
    method: 'PUT',
    headers: { authorization: `Bearer ${job.callback.token}`, 'content-type': 'application/x-ndjson' },
    body: asked.map(({ id }, i) => JSON.stringify({ id, ...predictions[i] })).join('\n'),
  });
  if (!reply.ok) throw new Error(`the predictions were refused: ${reply.status} ${await reply.text()}`);
}

function fit(job: Job, rows: readonly LabelledFeatures[]): TabularModel {
  const { task, positive_class: positiveClass, classes, hints } = job;
  return trainTabular(rows, {
    task,
    positiveClass,
    classes,
    features: job.dataset.schema,
    seed: hints.seed,
    cvFolds: hints.cv_folds,
    tuningBudget: hints.tuning_budget,
  }).model;
}

/** Labels of other rows. */
function shuffled(rows: readonly LabelledFeatures[]): LabelledFeatures[] {
  return rows.map(({ features }, i) => ({ features, label: rows[(i * 7919 + 13) % rows.length]!.label }));
}

interface Told {
  readonly holdout: { readonly url: string; readonly sha256: string; readonly predictions_url: string };
}

/** Calls back, signed, and again until it is heard: with the same id, so that it counts once. */
async function tell(job: Job, type: string, data: Readonly<Record<string, unknown>>): Promise<Told> {
  const id = randomUUID();
  const body = JSON.stringify({
    type,
    timestamp: new Date().toISOString(),
    data: { job_id: job.job_id, attempt: job.attempt, ...data },
  });
  for (let wait = 100; ; wait = Math.min(2 * wait, 10_000)) {
    const seconds = String(Math.floor(Date.now() / 1000));
    const reply = await fetch(job.callback.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${job.callback.token}`,
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': seconds,
        'webhook-signature': `v1,${signature(id, seconds, body)}`,
      },
      body,
    }).catch(() => null);
    if (reply?.ok === true) return (await reply.json()) as Told;
    // 409: another attempt has taken our place.
    if (reply !== null && reply.status < 500 && reply.status !== 429)
      throw new Error(`the callback was refused: ${reply.status} ${await reply.text()}`);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function linesOf(url: string, sha256: string): Promise<unknown[]> {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`no data: ${reply.status} ${await reply.text()}`);
  const bytes = Buffer.from(await reply.arrayBuffer());
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new Error('the data are not those that were promised');
  const text = gunzipSync(bytes).toString().trimEnd();
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as unknown);
}

function signature(id: string, seconds: string, body: string | Buffer): string {
  return createHmac('sha256', secret).update(`${id}.${seconds}.`).update(body).digest('base64');
}

/** As https://www.standardwebhooks.com has it; there are libraries for many languages. */
function isSigned({ headers }: IncomingMessage, body: Buffer): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': given } = headers;
  if (typeof id !== 'string' || typeof seconds !== 'string' || typeof given !== 'string') return false;
  if (!(Math.abs(Date.now() / 1000 - Number(seconds)) <= 300)) return false;
  const expected = Buffer.from(`v1,${signature(id, seconds, body)}`);
  return given.split(' ').some((one) => one.length === expected.length && timingSafeEqual(Buffer.from(one), expected));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
