import type { FastifyRequest } from 'fastify';
import { HttpError } from './problem-details.ts';

/**
 * Refuses what a page of another origin has a browser send in our user's name, with the password that the browser knows (or from the
 * loopback, where none is asked). Browsers say in Sec-Fetch-Site who asks, older ones in Origin; what says neither is no browser. The same
 * rule as http.CrossOriginProtection of Go 1.25; it needs no tokens, so that any replica may answer a form of another.
 */
export function refuseCrossOrigin(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return;
  const { origin } = request.headers;
  if (site === undefined && (origin === undefined || hostOf(origin) === request.host)) return;
  throw new HttpError(403, 'Requests of other origins may not change anything here.');
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
