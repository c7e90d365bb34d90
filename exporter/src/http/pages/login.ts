import type { FastifyInstance, FastifyReply } from 'fastify';
import { findToken, limit, SESSION_COOKIE } from '../auth.ts';
import type { Access } from '../auth.ts';
import { refuseCrossOrigin } from '../same-origin.ts';
import { readForm } from './form.ts';
import { escapeHtml, FORM_PAGE_HEADERS, page } from './page.ts';

/** `/login`: a token becomes a cookie that scripts cannot read and other sites cannot send. `secure`: over TLS only. */
export function loginPage(server: FastifyInstance, access: Access, { secure }: { readonly secure: boolean }): void {
  const cookie = (value: string, rest: string) =>
    `${SESSION_COOKIE}=${value}; HttpOnly; SameSite=Strict; Path=/${secure ? '; Secure' : ''}${rest}`;

  server.get<{ Querystring: { next?: string } }>('/login', {
    schema: { hide: true },
    handler: (request, reply) => sendForm(reply, 200, localPath(request.query.next), ''),
  });

  server.post('/login', {
    schema: { hide: true },
    handler: async (request, reply) => {
      // Nobody is to be logged in as someone else by a page that they happen to look at.
      refuseCrossOrigin(request);
      const form = await readForm(request);
      const next = localPath(form.next);
      const secret = (form.token ?? '').trim();
      // Only what can stand in a cookie as it is; a generated token always can.
      const token = /^[\w.~+/=-]+$/.test(secret) ? findToken(secret, access.tokens()) : undefined;
      if (token === undefined) {
        limit(access.failures, request.ip);
        return sendForm(reply, 401, next, 'This token is not known.');
      }
      // It would lead to a page that it may not see.
      if (!token.scopes.includes('read'))
        return sendForm(reply, 403, next, `Token ${token.name} does not have the scope read.`);
      return reply.header('set-cookie', cookie(secret, '')).redirect(next, 303);
    },
  });

  server.post('/logout', {
    schema: { hide: true },
    handler: (request, reply) => {
      refuseCrossOrigin(request);
      return reply.header('set-cookie', cookie('', '; Max-Age=0')).redirect('/login', 303);
    },
  });
}

/** A path of ours, never another site's address. */
function localPath(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[^\\\s]*$/.test(next) ? next : '/';
}

function sendForm(reply: FastifyReply, status: number, next: string, mistake: string): FastifyReply {
  return reply
    .code(status)
    .headers(FORM_PAGE_HEADERS)
    .send(
      page(
        'Log in · Model health',
        `<header><h1>Log in</h1></header>
<form class="login" method="post" action="/login">
<input type="hidden" name="next" value="${escapeHtml(next)}">
<label for="token">A token with the scope <code>read</code></label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
${mistake === '' ? '' : `<p class="banner" role="alert">${escapeHtml(mistake)}</p>`}
<button>Log in</button>
</form>
<p class="soft">It stays in this browser until it is closed. Tokens are made by whoever runs the exporter, in its configuration.</p>`,
      ),
    );
}
