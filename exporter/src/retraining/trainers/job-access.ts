import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { TrainerPart } from './trainer.ts';

/** What a trainer may with one job. All of it is derived from the webhook secret, so that a repeated dispatch tells the same. */
export function jobToken(secret: Buffer, externalId: string): string {
  return createHmac('sha256', secret).update(`callback:${externalId}`).digest('base64url');
}

export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export function isToken(authorization: string | undefined, hash: Buffer | null): boolean {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  return token !== undefined && hash !== null && timingSafeEqual(tokenHash(token), hash);
}

/** The query of an address at which a part of the data can be had until it expires. */
export function signedQuery(secret: Buffer, jobId: string, part: TrainerPart, expiresSeconds: number): string {
  return `expires=${expiresSeconds}&signature=${partSignature(secret, jobId, part, expiresSeconds).toString('hex')}`;
}

export function isSigned(
  secrets: readonly Buffer[],
  jobId: string,
  part: TrainerPart,
  { expires, signature }: { readonly expires: number; readonly signature: string },
  nowSeconds: number,
): boolean {
  if (!/^[0-9a-f]{64}$/.test(signature) || !(nowSeconds <= expires)) return false;
  const given = Buffer.from(signature, 'hex');
  return secrets.some((secret) => timingSafeEqual(given, partSignature(secret, jobId, part, expires)));
}

function partSignature(secret: Buffer, jobId: string, part: TrainerPart, expiresSeconds: number): Buffer {
  return createHmac('sha256', secret).update(`data:${jobId}/${part}/${expiresSeconds}`).digest();
}
