import { createHmac, timingSafeEqual } from 'node:crypto';

/** Headers of Standard Webhooks, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export interface WebhookHeaders {
  readonly 'webhook-id': string;
  /** Seconds since the epoch. */
  readonly 'webhook-timestamp': string;
  /** `v1,<base64>` of each secret, with spaces between. */
  readonly 'webhook-signature': string;
}

const TOLERANCE_SECONDS = 300;
const LEAST_SECRET_BYTES = 24;

/**
 * The keys of a secret file: one `whsec_<base64>` a line, the first signs first; several while one is being replaced.
 *
 * @throws Error when there is none, or one is too short, without showing it
 */
export function readSecrets(text: string): readonly Buffer[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const secrets = lines.map((line) => Buffer.from(line.replace(/^whsec_/, ''), 'base64'));
  if (secrets.length === 0) throw new Error('the file of webhook secrets is empty');
  if (secrets.some(({ length }) => length < LEAST_SECRET_BYTES))
    throw new Error(`a webhook secret must be whsec_ and the base64 of at least ${LEAST_SECRET_BYTES} bytes`);
  return secrets;
}

export function signWebhook(
  secrets: readonly Buffer[],
  id: string,
  timestampSeconds: number,
  body: string | Buffer,
): WebhookHeaders {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': secrets
      .map((secret) => `v1,${signature(secret, id, String(timestampSeconds), body).toString('base64')}`)
      .join(' '),
  };
}

export type Verification = 'valid' | 'missing' | 'stale' | 'forged';

/** @param body the raw bytes, as they came. @param headers as they came; names in lower case */
export function verifyWebhook(
  secrets: readonly Buffer[],
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: Buffer,
  nowSeconds: number,
): Verification {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string' || id === '')
    return 'missing';
  if (!/^\d{1,12}$/.test(timestamp)) return 'missing';
  const expected = secrets.map((secret) => signature(secret, id, timestamp, body));
  let matches = false;
  // Every pair is compared, in constant time each.
  for (const one of signatures.split(' ')) {
    const given = /^v1,([A-Za-z0-9+/]{43}=)$/.exec(one)?.[1];
    if (given === undefined) continue;
    const bytes = Buffer.from(given, 'base64');
    for (const good of expected) if (timingSafeEqual(bytes, good)) matches = true;
  }
  if (!matches) return 'forged';
  return Math.abs(nowSeconds - Number(timestamp)) > TOLERANCE_SECONDS ? 'stale' : 'valid';
}

function signature(secret: Buffer, id: string, timestamp: string, body: string | Buffer): Buffer {
  return createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest();
}
