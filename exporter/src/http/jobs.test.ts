import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { Job, JobState } from '../domain/retraining.ts';
import { bearer, fakeServer, fakeServices, fakeToken, JOB } from './fake-services.ts';
import type { ServerOptions } from './server.ts';

const HOST = '127.0.0.1:9477';
const PAGE = `/admin/ml/dashboard/jobs/${JOB.id}`;
const HOSTILE = '"><img src=x onerror=alert(1)>';

let server: FastifyInstance;
let done: unknown[][];
beforeEach(() => {
  done = [];
});
afterEach(() => server.close());

async function start(job: Partial<Job> = {}, options: Partial<ServerOptions> = {}): Promise<void> {
  const note =
    (what: string) =>
    (...of: unknown[]): Promise<void> => {
      done.push([what, ...of]);
      return Promise.resolve();
    };
  const { retraining } = fakeServices();
  const shown = { ...JOB, ...job };
  server = await fakeServer(
    {
      retraining: {
        ...retraining,
        jobs: () => Promise.resolve([shown]),
        job: () =>
          Promise.resolve({
            job: shown,
            events: [
              { atMs: 1, kind: 'transition', from: null, to: 'queued', actor: HOSTILE, detail: {} },
              {
                atMs: 2,
                kind: HOSTILE,
                from: null,
                to: null,
                actor: 'trainer',
                detail: { [HOSTILE]: [HOSTILE, { a: 1 }] },
              },
            ],
          }),
        decide: note('decide'),
        cancel: note('cancel'),
        pause: note('pause'),
      },
    },
    options,
  );
}

const submit = (action: string, headers: Record<string, string> = {}, form = 'note=looks+fine') =>
  server.inject({
    method: 'POST',
    url: `${PAGE}/${action}`,
    headers: { host: HOST, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: form,
  });

describe('the pages of jobs', () => {
  test('show what came from outside as text', async () => {
    await start({
      model: HOSTILE,
      requestedBy: HOSTILE,
      reasons: [{ ...JOB.reasons[0]!, note: HOSTILE }],
      facts: { error: { code: HOSTILE, message: HOSTILE }, output: HOSTILE, rollback: { reason: HOSTILE } },
    });
    for (const url of [
      '/admin/ml/dashboard/jobs',
      `/admin/ml/dashboard/jobs?model=${encodeURIComponent(HOSTILE)}`,
      PAGE,
    ]) {
      const { statusCode, body, headers } = await server.inject({ url });
      expect(statusCode).toBe(200);
      expect(body).not.toContain('<img');
      expect(body).toContain('&quot;&gt;&lt;img src=x');
      expect(headers['content-security-policy']).toContain("form-action 'self'");
      expect(headers['content-security-policy']).toContain("default-src 'none'");
    }
  });

  test.each<readonly [JobState, Partial<Job>, readonly string[], readonly string[]]>([
    ['awaiting_approval', {}, ['/approve', '/reject', '/cancel', '/pause'], ['/resume']],
    ['awaiting_approval', { paused: true }, ['/resume'], ['/pause']],
    ['training', {}, ['/cancel'], ['/approve', '/reject']],
    ['rolling_out', { cancelledBy: 'bob' }, ['Being cancelled by bob'], ['/cancel']],
    ['succeeded', { finishedAtMs: 3 }, [], ['<form']],
  ])('%s %j offers what can be done then', async (state, more, offered, not) => {
    await start({ state, ...more });
    const { body } = await server.inject({ url: PAGE });
    for (const part of offered) expect(body).toContain(part);
    for (const part of not) expect(body).not.toContain(part);
  });

  test.each([
    ['approve', ['decide', JOB.id, 'approved', 'anonymous', 'looks fine']],
    ['reject', ['decide', JOB.id, 'rejected', 'anonymous', 'looks fine']],
    ['cancel', ['cancel', JOB.id, 'anonymous']],
    ['pause', ['pause', JOB.id, true, 'anonymous']],
    ['resume', ['pause', JOB.id, false, 'anonymous']],
  ])('%s, and back to the job', async (action, call) => {
    await start();
    const reply = await submit(action, { 'sec-fetch-site': 'same-origin', origin: `http://${HOST}` });
    expect([reply.statusCode, reply.headers.location]).toEqual([303, PAGE]);
    expect(done).toEqual([call]);
  });

  test.each([
    ['a page of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 403],
    ['another site of the same domain', { 'sec-fetch-site': 'same-site', origin: 'https://b.example' }, 403],
    ['an older browser, from elsewhere', { origin: 'https://evil.example' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
    ['a token that may only read', bearer('reader'), 403],
    ['nobody', {}, 401],
    ['a token that may', bearer('admin'), 303],
  ])('%s', async (_name, headers, status) => {
    const tokens = [fakeToken('reader', ['read']), fakeToken('admin', ['read', 'admin'])];
    await start({}, { tokens: () => tokens });
    expect((await submit('approve', headers)).statusCode).toBe(status);
    expect(done).toHaveLength(status === 303 ? 1 : 0);
  });

  test.each(['/admin/ml/dashboard/jobs/1', `${PAGE.slice(0, -1)}x`])('%s is not there', async (url) => {
    await start();
    expect((await server.inject({ url })).statusCode).toBe(404);
  });

  test('what is no action is not there', async () => {
    await start();
    expect((await submit('delete')).statusCode).toBe(404);
    expect(done).toEqual([]);
  });
});

describe('behind a password', () => {
  const users = new Map([['alice', '$2b$04$C6UzMDM.H6dfI/f/IKcEeO7mJ4ATCxMdHrNLTrpBWxVlEs4z0pNJu']]);
  const job = `/api/ml/retrain/jobs/${JOB.id}`;

  test.each([
    ['a callback', 'POST', `${job}/callback`, 200],
    ['the data', 'GET', `${job}/data/train?expires=1&signature=0`, 401],
    ['predictions of the holdout', 'PUT', `${job}/predictions`, 401],
  ] as const)('trainers come in with what they have: %s', async (_name, method, url, status) => {
    await start({}, { users });
    const reply = await server.inject({ method, url, headers: { authorization: 'Bearer of-the-job' }, payload: '{}' });
    expect(reply.statusCode).toBe(status);
    // Asked for a password they would not come again.
    expect(reply.headers['www-authenticate']).toBeUndefined();
  });

  test.each([
    ['the job', 'GET', job],
    ['its approval', 'POST', `${job}/approve`],
    ['another way to write a callback', 'POST', `${job}/callback/../approve`],
    ['a path that only looks like one', 'GET', `${job}/data`],
  ] as const)('everybody else is asked for it: %s', async (_name, method, url) => {
    await start({}, { users });
    const reply = await server.inject({ method, url, payload: '{}' });
    expect([reply.statusCode, reply.headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic/)]);
    expect(done).toEqual([]);
  });
});
