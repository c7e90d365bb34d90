import { afterEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import type { Flags } from '../config/flags.ts';
import { secretsFrom } from '../config/load-config.ts';
import { loadWebConfigFile } from '../config/web-config.ts';
import type { TlsSettings } from '../config/web-config.ts';
import { fakeServer } from '../http/fake-services.ts';
import { listenAll } from './listen.ts';

const CONFIG = path.join(__dirname, '..', '..', 'testdata', 'config');
const pem = (name: string) => readFileSync(path.join(CONFIG, 'tls', name), 'utf8');
/** Its own authority: of the server for its clients, and of clients for the server. */
const OURS = { cert: pem('server.crt'), key: pem('server.key') };
const OTHERS = { cert: pem('other.crt'), key: pem('other.key') };

const NONE = /^(ERR_SSL_|ECONNRESET|EPROTO|EPIPE)/;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listen(clientAuth: TlsSettings['clientAuth'] = 'RequireAndVerifyClientCert'): Promise<URL> {
  const web = loadWebConfigFile(path.join(CONFIG, 'web-valid-full.yml'), secretsFrom({}));
  if (!web.ok) throw new Error(JSON.stringify(web.errors));
  const flags = { listenAddresses: [{ host: '127.0.0.1', port: 0 }] } as unknown as Flags;
  const create = (tls: Parameters<Parameters<typeof listenAll>[2]>[0]) =>
    fakeServer({}, { tls, users: web.settings.basicAuthUsers });
  const settings = { ...web.settings, tls: { ...web.settings.tls!, clientAuth } };
  const [address] = await listenAll(flags, settings, create, closers);
  return new URL(address!);
}

/** The status of an answer, or why there was none. */
function ask(url: URL, options: https.RequestOptions): Promise<number | string> {
  return new Promise((resolve) => {
    https
      .get(url, { ca: OURS.cert, checkServerIdentity: () => undefined, agent: false, ...options }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe('TLS by the web configuration, RequireAndVerifyClientCert with users', () => {
  test('who has a certificate is asked for a password, too', async () => {
    const url = new URL('/metrics', await listen());
    expect(url.protocol).toBe('https:');
    expect(await ask(url, OURS)).toBe(401);
    expect(await ask(new URL('/-/healthy', url), OURS)).toBe(200);
  });

  test.each([
    ['no certificate', {}],
    ['the certificate of another authority', OTHERS],
    ['a version below min_version', { ...OURS, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }],
  ] as const)('%s: no answer at all, not even of /-/healthy', async (_, options) => {
    expect(await ask(new URL('/-/healthy', await listen()), options)).toMatch(NONE);
  });
});

test.each([
  ['NoClientCert', 200, 200, 200],
  ['RequestClientCert', 200, 200, 200],
  ['RequireAnyClientCert', NONE, 200, 200],
  ['VerifyClientCertIfGiven', 200, NONE, 200],
  ['RequireAndVerifyClientCert', NONE, NONE, 200],
] as const)('%s: without a certificate, with one of others, with one of ours', async (clientAuth, ...wanted) => {
  const url = new URL('/-/healthy', await listen(clientAuth));
  for (const [i, options] of [{}, OTHERS, OURS].entries()) {
    const answer = await ask(url, options);
    if (wanted[i] === NONE) expect(answer).toMatch(NONE);
    else expect(answer).toBe(wanted[i]);
  }
});
