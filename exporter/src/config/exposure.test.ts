import { describe, expect, test } from '@jest/globals';

import type { TokenSettings } from '../domain/settings.ts';
import { exposureProblem, refuseExposure } from './exposure.ts';
import type { ListenAddress } from './listen-address.ts';

const LOOPBACK: ListenAddress = { host: '127.0.0.1', port: 9477 };
const EVERYWHERE: ListenAddress = { host: '', port: 9477 };
const TOKEN: TokenSettings = {
  name: 't',
  sha256: 'aa'.repeat(32),
  source: { environment: 'T' },
  scopes: ['read'],
  models: ['*'],
};

function problem(options: {
  readonly addresses: readonly ListenAddress[];
  readonly tokens?: number;
  readonly users?: number;
  readonly allow?: boolean;
}) {
  return exposureProblem(
    { listenAddresses: options.addresses, allowAnonymous: options.allow ?? false },
    { auth: { tokens: options.tokens === undefined ? [] : [TOKEN] } },
    { basicAuthUsers: new Map(options.users === undefined ? [] : [['alice', 'hash']]) },
  );
}

describe('exposureProblem', () => {
  test.each([
    ['loopback alone', { addresses: [LOOPBACK] }],
    ['beyond loopback with a token', { addresses: [EVERYWHERE], tokens: 1 }],
    ['beyond loopback with a user', { addresses: [EVERYWHERE], users: 1 }],
    ['beyond loopback, allowed', { addresses: [EVERYWHERE], allow: true }],
  ])('fine: %s', (_name, options) => {
    expect(problem(options)).toBeNull();
  });

  test('refused: one address of several is open to others', () => {
    expect(problem({ addresses: [LOOPBACK, EVERYWHERE] })).toBe(
      '--web.listen-address=:9477 can be reached from other machines, and nothing asks who is there: configure auth.tokens ' +
        'or basic_auth_users, listen on 127.0.0.1, or allow it with --web.allow-anonymous',
    );
  });
});

test('a reload that would let everyone in is one with a mistake', () => {
  const web = { basicAuthUsers: new Map<string, string>() };
  const loaded = { ok: true, settings: { auth: { tokens: [] } } } as const;
  const flags = { listenAddresses: [EVERYWHERE], allowAnonymous: false };
  expect(refuseExposure(loaded, flags, web)).toMatchObject({
    ok: false,
    errors: [{ path: 'auth.tokens', message: expect.stringContaining('nothing asks who is there') }],
  });
  expect(refuseExposure({ ok: true, settings: { auth: { tokens: [TOKEN] } } }, flags, web).ok).toBe(true);
  expect(refuseExposure(loaded, { ...flags, listenAddresses: [LOOPBACK] }, web)).toBe(loaded);
  const broken = { ok: false, errors: [{ line: 2, column: 1, path: 'x', message: 'is unknown' }] } as const;
  expect(refuseExposure(broken, flags, web)).toBe(broken);
});
