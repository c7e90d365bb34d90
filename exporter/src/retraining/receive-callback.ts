import type { TrainingResult } from '../domain/retraining.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { ReportedEnd } from './steps/train.ts';
import { isToken } from './trainers/job-access.ts';
import { isObject, readResult } from './trainers/read-result.ts';
import { verifyWebhook } from './webhook-signature.ts';

export type CallbackKind = 'retrain.progress' | 'retrain.completed' | 'retrain.failed';

/** What a job says of who may call it back; null: there is no such job. */
export interface CallbackJob {
  readonly model: string;
  readonly attempt: number;
  /** null before it was dispatched, and after it has ended. */
  readonly tokenHash: Buffer | null;
  readonly candidateVersion: string;
}

export type Recorded =
  | { readonly kind: 'recorded' | 'duplicate' | 'ignored'; readonly cancel: boolean }
  | { readonly kind: 'superseded' | 'ended' };

export interface CallbackDependencies {
  readonly job: (jobId: string) => Promise<CallbackJob | null>;
  /** null: the model has no webhook trainer. */
  readonly secretsOf: (model: string) => readonly Buffer[] | null;
  readonly record: (message: {
    readonly jobId: string;
    readonly attempt: number;
    readonly seq: number;
    readonly messageId: string;
    readonly kind: CallbackKind;
    readonly detail: Readonly<Record<string, unknown>>;
  }) => Promise<Recorded>;
  readonly nowSeconds: () => number;
}

export type CallbackReply =
  | { readonly status: 200; readonly kind: CallbackKind; readonly cancel: boolean }
  | { readonly status: 401 | 409; readonly detail: string };

const KINDS: readonly CallbackKind[] = ['retrain.progress', 'retrain.completed', 'retrain.failed'];

/**
 * A trainer tells how far it is. Its signature over the raw bytes is looked at first, then the job's token; who has neither learns nothing
 * of the job. A message that came before is answered like the first time and changes nothing; one of an attempt that was given up is told
 * so (409), which is how a trainer that was thought dead learns to stop.
 *
 * Throws ServiceError invalid for a body that is signed but malformed.
 */
export async function receiveCallback(
  jobId: string,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: Buffer,
  deps: CallbackDependencies,
): Promise<CallbackReply> {
  const job = await deps.job(jobId);
  const secrets = job === null ? null : deps.secretsOf(job.model);
  if (job === null || secrets === null) return refuse();
  const verified = verifyWebhook(secrets, headers, body, deps.nowSeconds());
  if (verified === 'stale') return { status: 401, detail: 'The timestamp is more than five minutes off.' };
  if (verified !== 'valid') return refuse();
  const message = readMessage(body, job.candidateVersion);
  if (job.tokenHash === null) return { status: 409, detail: 'The job has ended, or was never sent to a trainer.' };
  const { authorization } = headers;
  // The token is that of the newest attempt: an older one is known by its number, for it is signed.
  if (
    message.attempt >= job.attempt &&
    !isToken(typeof authorization === 'string' ? authorization : undefined, job.tokenHash)
  )
    return refuse();
  const recorded = await deps.record({ jobId, messageId: headers['webhook-id'] as string, ...message });
  switch (recorded.kind) {
    case 'superseded':
      return { status: 409, detail: 'The attempt was given up; another one has begun.' };
    case 'ended':
      return { status: 409, detail: 'The attempt has ended.' };
    case 'recorded':
    case 'duplicate':
    case 'ignored':
      return { status: 200, kind: message.kind, cancel: recorded.cancel };
  }
}

/** What the events keep of an end, read back. */
export function readEnd(kind: 'completed' | 'failed', detail: Readonly<Record<string, unknown>>): ReportedEnd {
  if (kind === 'completed') return { kind, result: detail.result as TrainingResult };
  const { code, message, retryable } = detail.error as { code: string; message: string; retryable: boolean };
  return { kind, error: { code, message, retryable } };
}

function refuse(): CallbackReply {
  return { status: 401, detail: 'The signature or the token of the job is missing or wrong.' };
}

function readMessage(body: Buffer, candidateVersion: string) {
  const value = parse(body);
  const data = isObject(value) ? value.data : undefined;
  const kind = KINDS.find((one) => isObject(value) && value.type === one);
  if (!isObject(data) || kind === undefined) throw invalid('/type', `must be one of ${KINDS.join(', ')}, with data`);
  const { attempt, seq = 0, phase = null, progress = null } = data;
  if (!isCount(attempt)) throw invalid('/data/attempt', 'must be a whole number');
  if (!isCount(seq)) throw invalid('/data/seq', 'must be a whole number');
  const base = { attempt, seq, kind };
  if (kind === 'retrain.failed') return { ...base, detail: { attempt, seq, error: readError(data.error) } };
  if (kind === 'retrain.progress') {
    if (progress !== null && !(typeof progress === 'number' && progress >= 0 && progress <= 1))
      throw invalid('/data/progress', 'must be from 0 to 1');
    return {
      ...base,
      detail: { attempt, seq, progress, phase: typeof phase === 'string' ? phase.slice(0, 100) : null },
    };
  }
  const result = readResult(data, candidateVersion);
  if (typeof result === 'string') throw invalid('/data', result);
  return { ...base, detail: { attempt, seq, result } };
}

function readError(error: unknown): Readonly<Record<string, unknown>> {
  const { code = 'training_failed', message = '', retryable = false } = isObject(error) ? error : {};
  const text = (value: unknown, max: number) =>
    typeof value === 'string' ? value.replaceAll('\0', '').slice(0, max) : '';
  return { code: text(code, 100), message: text(message, 2_000), retryable: retryable === true };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw new ServiceError('invalid', 'The body is not JSON.', { cause: error });
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function invalid(pointer: string, detail: string): ServiceError {
  return new ServiceError('invalid', 'The callback is not as it should be.', { fields: [{ pointer, detail }] });
}
