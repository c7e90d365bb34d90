import type { FastifyRequest } from 'fastify';
import { readBody } from '../body.ts';

const CAPS = { bytes: 16_384, decompressedBytes: 16_384 };

/** What a form of our pages sent: `application/x-www-form-urlencoded`, the last of fields of one name. Of an odd body, odd fields. */
export async function readForm(request: FastifyRequest): Promise<Readonly<Record<string, string>>> {
  const body = await readBody(request.body, request.headers['content-encoding'], CAPS);
  return Object.fromEntries(new URLSearchParams(body.toString('utf8')));
}

/** The page of alerts as it was when the form was sent, at `anchor`; nowhere else: an address in a form could lead anywhere. */
export function backTo(address: string | undefined, anchor: string): string {
  const known = address !== undefined && /^\/admin\/ml\/alerts(\?[^\s#\\]*)?$/.test(address);
  return `${known ? address : '/admin/ml/alerts'}#${encodeURIComponent(anchor)}`;
}
