import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createSecureContext } from 'node:tls';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { formatErrors, secretsFrom } from './load-config.ts';
import { DEFAULT_WEB_SETTINGS, loadWebConfig, loadWebConfigFile } from './web-config.ts';

const TESTDATA = path.join(__dirname, '../../testdata/config');
const SECRETS = secretsFrom({});

function load(name: string) {
  return loadWebConfigFile(path.join(TESTDATA, name), SECRETS);
}

describe('a valid web configuration', () => {
  test('no file is plain HTTP without users', () => {
    expect(loadWebConfigFile(null, SECRETS)).toEqual({ ok: true, settings: { tls: null, basicAuthUsers: new Map() } });
  });

  test.each(['web-valid-empty-tls.yml'])('%s is the default', (name) => {
    expect(load(name)).toEqual({ ok: true, settings: DEFAULT_WEB_SETTINGS });
  });

  test('users only', () => {
    const users = new Map([['alice', '$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay']]);
    expect(load('web-valid-users-only.yml')).toEqual({ ok: true, settings: { tls: null, basicAuthUsers: users } });
  });

  test('everything, in a form that node:tls takes', () => {
    const result = load('web-valid-full.yml');
    const cert = readFileSync(path.join(TESTDATA, 'tls/server.crt'), 'utf8');
    const key = readFileSync(path.join(TESTDATA, 'tls/server.key'), 'utf8');
    expect(result).toEqual({
      ok: true,
      settings: {
        tls: {
          cert,
          key,
          clientAuth: 'RequireAndVerifyClientCert',
          clientCa: cert,
          minVersion: 'TLSv1.2',
          maxVersion: 'TLSv1.3',
        },
        basicAuthUsers: new Map([['alice', '$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG']]),
      },
    });
    const tls = result.ok ? result.settings.tls! : undefined;
    expect(() =>
      createSecureContext({ cert: tls!.cert, key: tls!.key, minVersion: tls!.minVersion, maxVersion: tls!.maxVersion }),
    ).not.toThrow();
  });
});

const INVALID: readonly (readonly [file: string, error: string])[] = [
  [
    'web-invalid-auth-type.yml',
    '4:21: tls_server_config.client_auth_type: must be one of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert, is "RequireAndVerifyClientCerts"; did you mean "RequireAndVerifyClientCert"?',
  ],
  ['web-invalid-auth-without-ca.yml', '2:3: tls_server_config: RequireAndVerifyClientCert needs client_ca_file'],
  [
    'web-invalid-ca-without-auth.yml',
    '4:19: tls_server_config.client_ca_file: is given, but client_auth_type verifies no certificate',
  ],
  [
    'web-invalid-cert-content.yml',
    '2:14: tls_server_config.cert_file: file tls/server.key does not hold a certificate in PEM',
  ],
  [
    'web-invalid-cert-missing.yml',
    '2:14: tls_server_config.cert_file: cannot read file tls/nowhere.crt: there is no such file',
  ],
  [
    'web-invalid-key-content.yml',
    '3:13: tls_server_config.key_file: file secrets/not-a-hash.txt does not hold a private key in PEM',
  ],
  [
    'web-invalid-key-of-another.yml',
    '3:13: tls_server_config.key_file: file tls/other.key does not hold the private key of the certificate in tls/server.crt',
  ],
  [
    'web-invalid-plain-password.yml',
    '2:10: basic_auth_users.alice: must be a bcrypt hash ($2y$...), as `htpasswd -nBC 10 ""` prints it',
  ],
  [
    'web-invalid-unknown-key.yml',
    '1:1: basic_auth_user: unknown key "basic_auth_user"; did you mean "basic_auth_users"?',
  ],
  [
    'web-invalid-unsupported.yml',
    '2:3: http_server_config: belongs to the format of the exporter-toolkit, but is not supported here',
  ],
  ['web-invalid-version-order.yml', '2:3: tls_server_config: min_version must not be above max_version'],
  [
    'web-invalid-version.yml',
    '4:16: tls_server_config.min_version: must be one of TLS10, TLS11, TLS12, TLS13, is "TLS1.2"; did you mean "TLS12"?',
  ],
  ['web-invalid-without-key.yml', '2:3: tls_server_config: needs key_file'],
];

describe('an invalid web configuration', () => {
  test.each(INVALID)('%s', (file, error) => {
    const result = load(file);
    expect(result.ok ? [] : formatErrors(result.errors, '')).toEqual([`:${error}`]);
  });

  test('every file has its row in the table', () => {
    const files = readdirSync(TESTDATA).filter((name) => name.startsWith('web-invalid-'));
    expect(INVALID.map(([file]) => file).toSorted()).toEqual(files.toSorted());
  });

  test('no message repeats a password', () => {
    for (const [, error] of INVALID) expect(error).not.toContain('hunter2');
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        const result = loadWebConfig(text, 'web.yml', SECRETS);
        expect(result.ok || result.errors.length > 0).toBe(true);
      }),
    );
  });
});
