import { jobToken, signedQuery, tokenHash } from './job-access.ts';
import type { RetrainingSettings, TrainerSettings } from '../../domain/retraining-settings.ts';
import { OutboundError } from '../outbound/outbound.ts';
import type { Outbound, OutboundReply } from '../outbound/outbound.ts';
import { retryAfterMs } from '../retry-after.ts';
import { signWebhook } from '../webhook-signature.ts';
import { jobDocument } from './job-document.ts';
import type { Trainer, TrainerPart, TrainingOutcome, TrainingRequest } from './trainer.ts';

export interface WebhookTrainerOptions {
  readonly settings: RetrainingSettings;
  readonly trainer: Extract<TrainerSettings, { readonly type: 'webhook' }>;
  readonly secrets: readonly Buffer[];
  readonly outbound: Outbound;
  /** Real time. */
  readonly realNow: () => number;
}

const DATA_EXPIRES_MS = 24 * 3_600_000;

/**
 * Tells a trainer elsewhere of the job, signed as Standard Webhooks; it answers 202 and calls back. Before a job is sent it is asked for
 * by its external id: a trainer that knows it (200) is not told again.
 */
export function webhookTrainer(options: WebhookTrainerOptions): Trainer {
  const tokenOf = (externalId: string) => jobToken(options.secrets[0]!, externalId);
  return {
    tokenHash: (externalId) => tokenHash(tokenOf(externalId)),
    train: async (request) => {
      const token = tokenOf(request.externalId);
      const running = { kind: 'running' } as const;
      try {
        const known = await send(options, request, 'GET', null);
        if (known.status === 200) return running;
        return outcomeOf(
          await send(options, request, 'POST', JSON.stringify(dispatch(options, request, token))),
          running,
        );
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error;
        return error.code === 'refused'
          ? failed('not_allowed', error.message, false)
          : { kind: 'busy', afterMs: retryAfterMs(undefined) };
      }
    },
    predict: () => Promise.resolve({ kind: 'awaited' }),
  };
}

/** Where a trainer gets a part of the data. */
export function partUrl(
  { trainer, secrets, realNow }: Pick<WebhookTrainerOptions, 'trainer' | 'secrets' | 'realNow'>,
  jobId: string,
  part: TrainerPart,
): string {
  const expires = Math.floor((realNow() + DATA_EXPIRES_MS) / 1000);
  return `${jobUrl(trainer.callbackUrl, jobId)}/data/${part}?${signedQuery(secrets[0]!, jobId, part, expires)}`;
}

export function jobUrl(callbackUrl: string, jobId: string): string {
  return `${callbackUrl.replace(/\/+$/, '')}/api/ml/retrain/jobs/${jobId}`;
}

function dispatch(options: WebhookTrainerOptions, request: TrainingRequest, token: string): Record<string, unknown> {
  const { trainer, realNow } = options;
  const { parts, rows } = request.dataset;
  const { split, schema, ...document } = jobDocument(request);
  const { train, test } = parts;
  return {
    type: 'retrain.requested',
    timestamp: new Date(realNow()).toISOString(),
    data: {
      ...document,
      dataset: {
        format: 'ndjson.gz',
        rows,
        sha256: train.sha256,
        url: partUrl(options, request.jobId, 'train'),
        test: { rows: test.rows, sha256: test.sha256, url: partUrl(options, request.jobId, 'test') },
        schema,
        split,
      },
      callback: {
        url: `${jobUrl(trainer.callbackUrl, request.jobId)}/callback`,
        token,
        heartbeat_s: trainer.heartbeatMs / 1000,
        deadline: new Date(realNow() + request.deadlineMs).toISOString(),
      },
    },
  };
}

function send(
  options: WebhookTrainerOptions,
  request: TrainingRequest,
  method: 'GET' | 'POST',
  body: string | null,
): Promise<OutboundReply> {
  const { settings, trainer, secrets, outbound, realNow } = options;
  const url = new URL(trainer.url);
  if (method === 'GET') url.searchParams.set('external_id', request.externalId);
  const seconds = Math.floor(realNow() / 1000);
  return outbound({
    method,
    url: url.href,
    headers: {
      ...(body === null
        ? {}
        : { 'content-type': 'application/json', 'idempotency-key': `${request.jobId}:${request.attempt}` }),
      ...signWebhook(secrets, request.externalId, seconds, body ?? ''),
    },
    body,
    allowedHosts: settings.allowedHosts,
    allowPrivateAddresses: settings.allowPrivateAddresses,
    signal: request.signal,
  });
}

function outcomeOf({ status, headers }: OutboundReply, running: TrainingOutcome): TrainingOutcome {
  // 409: it is at it already.
  if ((status >= 200 && status < 300) || status === 409) return running;
  if (status === 410) return failed('endpoint_gone', 'The trainer answered 410: it takes no more jobs.', false);
  if (status === 429 || status >= 500) return { kind: 'busy', afterMs: retryAfterMs(headers['retry-after']) };
  return failed('refused_by_trainer', `The trainer answered ${status}.`, false);
}

function failed(code: string, message: string, retryable: boolean): TrainingOutcome {
  return { kind: 'failed', error: { code, message, retryable }, output: '' };
}
