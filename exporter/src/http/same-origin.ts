import type { FastifyRequest } from 'fastify';
import { HttpError } from './problem-details.ts';

/**
 * Refuses what a page of another origin has a browser send in our user's name, with the cookie or password that the browser knows (or from
 * the loopback, where none is asked). Browsers say in Sec-Fetch-Site who asks, older ones in Origin, and no page can forge either; what
 * says neither is no browser. The same rule as http.CrossOriginProtection of Go 1.25; it needs no tokens, so that any replica may answer
 * a form of another. What only reads is not refused.
 *
 * @param allowed origins of other sites whose pages may act (--web.cors.origin)
 */
export function refuseCrossOrigin(request: FastifyRequest, allowed: RegExp | null = null): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const site = request.headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return;
  const { origin } = request.headers;
  if (origin !== undefined && allowed?.test(origin) === true) return;
  if (site === undefined && (origin === undefined || hostOf(origin) === request.headers.host)) return;
  throw new HttpError(403, 'A page of another site may not do this.');
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
