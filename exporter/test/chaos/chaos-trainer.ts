// A trainer and a deployer to be killed: what it has begun it writes into a file before it says so, and reads back when it comes up again.
// To the exporters it is as rude as the network can be: it says things twice, late, in the wrong order, under other names.
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { readSecrets, signWebhook, verifyWebhook } from '../../src/retraining/webhook-signature.ts';

/** What it writes down, a line each. */
export type Noted =
  | { readonly kind: 'begun' | 'asked_again' | 'done'; readonly externalId: string }
  | {
      readonly kind: 'deploy';
      readonly key: string;
      readonly type: string;
      readonly model: string;
      readonly version: string;
    }
  | { readonly kind: 'callback'; readonly what: Callback; readonly status: number };

export type Callback =
  | 'progress'
  | 'completed'
  | 'failed'
  | 'replayed'
  | 'out of order'
  | 'forged'
  | 'wrong token'
  | 'superseded'
  | 'late'
  | 'after the end'
  | 'predictions';

interface Job {
  readonly job_id: string;
  readonly external_id: string;
  readonly attempt: number;
  readonly candidate: { readonly version: string };
  readonly callback: { readonly url: string; readonly token: string };
}

interface Deployed {
  readonly model: string;
  readonly version: string;
}

const [logFile = '', secretFile = '', port = '0', ...replicas] = process.argv.slice(3);
const secrets = readSecrets(readFileSync(secretFile, 'utf8'));
const FORGER = [Buffer.alloc(24, 7)];
const before = (existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd().split('\n') : [])
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Noted);
const known = new Set(before.flatMap((noted) => (noted.kind === 'begun' ? [noted.externalId] : [])));
/** Version of the candidate that each model has at a stage, as a router has it: from its deployment until it is promoted or taken back. */
const staged = new Map<string, string>();
const routed = new Set<string>();
for (const noted of before) if (noted.kind === 'deploy') route(noted);

function note(noted: Noted): void {
  appendFileSync(logFile, `${JSON.stringify(noted)}\n`);
}

const server = createServer((request, response) => {
  void bodyOf(request).then(async (body) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (verifyWebhook(secrets, request.headers, body, Date.now() / 1000) !== 'valid')
      return response.writeHead(401).end();
    // Long enough that whoever asks is often killed meanwhile.
    await sleep(100 + 300 * Math.random());
    if (request.method === 'GET')
      return response.writeHead(known.has(url.searchParams.get('external_id') ?? '') ? 200 : 404).end();
    if (url.pathname === '/deploy') {
      if (Math.random() < 0.1) return response.writeHead(503, { 'retry-after': '1' }).end();
      const { type, data } = JSON.parse(body.toString()) as { type: string; data: Deployed };
      const { model, version } = data;
      const deploy = { kind: 'deploy', key: String(request.headers['idempotency-key']), type, model, version } as const;
      note(deploy);
      route(deploy);
      return response.writeHead(200).end();
    }
    const job = (JSON.parse(body.toString()) as { data: Job }).data;
    if (known.has(job.external_id)) {
      note({ kind: 'asked_again', externalId: job.external_id });
      return response.writeHead(409).end();
    }
    known.add(job.external_id);
    note({ kind: 'begun', externalId: job.external_id });
    void run(job);
    return response.writeHead(202).end('{}');
  });
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'));

void serve();

function route({ key, type, model, version }: Extract<Noted, { readonly kind: 'deploy' }>): void {
  // A worker that slept may say again what was said long before.
  if (routed.has(key)) return;
  routed.add(key);
  if (type === 'deploy.stage') staged.set(model, version);
  else staged.delete(model);
}

/** Traffic of every candidate that is at a stage; but some get none, whose stages end by their time-out. */
async function serve(): Promise<void> {
  for (;;) {
    await sleep(1_000);
    const served = [...staged].filter(([model]) => !model.startsWith('starved'));
    if (served.length === 0) continue;
    const events = served.map(([model, version]) => ({
      model,
      version,
      timestamp: Date.now(),
      features: { tenure: 50 },
      prediction: 'stayed',
      score: 0.05,
    }));
    await persist(async (base) => {
      const headers = { 'content-type': 'application/json' };
      return fetch(`${base}/api/ml/predictions`, { method: 'POST', headers, body: JSON.stringify(events) });
    });
  }
}

async function run(job: Job): Promise<void> {
  await sleep(300 + 2_500 * Math.random());
  const first = randomUUID();
  await tell(job, 'progress', 'retrain.progress', { seq: 5, phase: 'fitting', progress: 0.5 }, { id: first });
  await tell(job, 'replayed', 'retrain.progress', { seq: 5, phase: 'fitting', progress: 0.5 }, { id: first });
  await tell(job, 'out of order', 'retrain.progress', { seq: 4 });
  await tell(job, 'forged', 'retrain.failed', { seq: 6, error: { code: 'forged' } }, { secrets: FORGER });
  await tell(job, 'wrong token', 'retrain.failed', { seq: 6, error: { code: 'forged' } }, { token: 'guessed' });
  if (job.attempt > 1)
    await tell(job, 'superseded', 'retrain.completed', { seq: 9, candidate: { version: 'x' } }, { attempt: 1 });
  const luck = Math.random();
  if (luck < 0.1) {
    const retryable = luck < 0.07;
    await tell(job, 'failed', 'retrain.failed', {
      seq: 7,
      error: { code: 'unlucky', message: 'it was not to be', retryable },
    });
    note({ kind: 'done', externalId: job.external_id });
    return;
  }
  const last = randomUUID();
  const result = { seq: 8, candidate: { version: job.candidate.version, uri: `chaos:${job.external_id}` } };
  const told = await tell(job, 'completed', 'retrain.completed', result, { id: last });
  await tell(job, 'replayed', 'retrain.completed', result, { id: last });
  await tell(job, 'late', 'retrain.failed', { seq: 9, error: { code: 'late', message: '', retryable: false } });
  note({ kind: 'done', externalId: job.external_id });
  if (told?.holdout === undefined) return;
  const { url, predictions_url: to } = told.holdout;
  const rows = await persist(async (base) => {
    const reply = await fetch(at(base, url));
    return reply.ok ? { status: 200, value: gunzipSync(Buffer.from(await reply.arrayBuffer())).toString() } : reply;
  });
  if (rows === null) return;
  const answers = rows
    .trimEnd()
    .split('\n')
    .map((line) => answer(JSON.parse(line) as Row));
  await persist(async (base) => {
    const { status } = await fetch(at(base, to), {
      method: 'PUT',
      headers: { authorization: `Bearer ${job.callback.token}`, 'content-type': 'application/x-ndjson' },
      body: answers.join('\n'),
    });
    note({ kind: 'callback', what: 'predictions', status });
    return { status, value: '' };
  });
  await sleep(5_000);
  await tell(job, 'after the end', 'retrain.completed', result);
}

interface Row {
  readonly id: string;
  readonly features: { readonly tenure: number };
}

/** The rule by which the labels were made. */
function answer({ id, features: { tenure } }: Row): string {
  const left = tenure < 40;
  return JSON.stringify({ id, prediction: left ? 'left' : 'stayed', score: left ? 0.95 : 0.05 });
}

interface Told {
  readonly holdout?: { readonly url: string; readonly predictions_url: string };
}

async function tell(
  job: Job,
  what: Callback,
  type: string,
  data: Readonly<Record<string, unknown>>,
  as: { id?: string; secrets?: readonly Buffer[]; token?: string; attempt?: number } = {},
): Promise<Told | null> {
  const id = as.id ?? randomUUID();
  const body = JSON.stringify({ type, data: { job_id: job.job_id, attempt: as.attempt ?? job.attempt, ...data } });
  return persist<Told>(async (base) => {
    const reply = await fetch(at(base, job.callback.url), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${as.token ?? job.callback.token}`,
        'content-type': 'application/json',
        ...signWebhook(as.secrets ?? secrets, id, Math.floor(Date.now() / 1000), body),
      },
      body,
    });
    const value = (await reply.json().catch(() => ({}))) as Told;
    if (reply.status < 500) note({ kind: 'callback', what, status: reply.status });
    return { status: reply.status, value };
  });
}

/** Asks one replica after the other until one answers. null: it was refused. */
async function persist<T>(
  ask: (base: string) => Promise<{ readonly status: number; readonly value?: T }>,
): Promise<T | null> {
  for (let i = Math.floor(replicas.length * Math.random()); ; i++) {
    const reply = await ask(replicas[i % replicas.length]!).catch(() => null);
    if (reply?.status === 200) return reply.value ?? null;
    if (reply !== null && reply.status < 500) return null;
    await sleep(200);
  }
}

/** The same address at another replica. */
function at(base: string, url: string): string {
  const { pathname, search } = new URL(url);
  return `${base}${pathname}${search}`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
