import { describe, expect, test } from '@jest/globals';

import type { TokenSettings } from '../domain/settings.ts';
import { exposureProblem } from './exposure.ts';
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
