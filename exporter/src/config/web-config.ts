import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { dirname, resolve } from 'node:path';

import type { Overrides } from '../domain/settings.ts';
import { key, mapping, object, oneOf, text } from './fields.ts';
import type { Field } from './fields.ts';
import type { LoadResult } from './load-config.ts';
import { reasonOf } from './tokens.ts';
import { FAILED, YamlSource } from './yaml-source.ts';
import type { Cursor, Failed, SecretSource } from './yaml-source.ts';

/** In the words of Go's crypto/tls, which the exporter-toolkit took over. */
export const CLIENT_AUTH_TYPES = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;
export type ClientAuthType = (typeof CLIENT_AUTH_TYPES)[number];

/** In the words of node:tls. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

export interface TlsSettings {
  /** PEM, chain included. */
  readonly cert: string;
  /** PEM. Never print it. */
  readonly key: string;
  readonly clientAuth: ClientAuthType;
  /** PEM; null exactly when the client authentication verifies nothing. */
  readonly clientCa: string | null;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
}

/** What `--web.config.file` says. The default is plain HTTP without users. */
export interface WebSettings {
  readonly tls: TlsSettings | null;
  /** bcrypt hashes by user name. Never print them. */
  readonly basicAuthUsers: ReadonlyMap<string, string>;
}

export const DEFAULT_WEB_SETTINGS: WebSettings = { tls: null, basicAuthUsers: new Map() };

const VERSION_WORDS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'] as const;
type VersionWord = (typeof VERSION_WORDS)[number];
const VERSIONS: Readonly<Record<VersionWord, TlsVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

/** A key of the exporter-toolkit that would silently do nothing here. */
const UNSUPPORTED: Field<never> = {
  keys: [],
  refused: true,
  read: (cursor) => cursor.fail('belongs to the format of the exporter-toolkit, but is not supported here'),
  print: (value) => value,
};

interface TlsFile {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientAuthType: ClientAuthType;
  readonly clientCaFile: string;
  readonly minVersion: VersionWord;
  readonly maxVersion: VersionWord;
  readonly cert: never;
  readonly key: never;
  readonly clientCa: never;
  readonly clientAllowedSans: never;
  readonly cipherSuites: never;
  readonly curvePreferences: never;
  readonly preferServerCipherSuites: never;
}

interface WebFile {
  readonly tls: TlsFile;
  readonly users: ReadonlyMap<string, string>;
  readonly httpServer: never;
  readonly rateLimit: never;
}

const FILE_NAME = text('the name of a file', /./);

/** Its message must not repeat the value: someone may have put the password itself there. */
const BCRYPT_HASH: Field<string> = {
  keys: [],
  read: (cursor) => {
    const value = cursor.scalar()?.value;
    if (typeof value === 'string' && /^\$2[abxy]?\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/.test(value)) return value;
    return cursor.fail('must be a bcrypt hash ($2y$...), as `htpasswd -nBC 10 ""` prints it');
  },
  print: (value) => value,
};

export const WEB_CONFIG_FILE: Field<WebFile> = object<WebFile>({
  tls: key(
    'tls_server_config',
    object<TlsFile>({
      certFile: key('cert_file', FILE_NAME),
      keyFile: key('key_file', FILE_NAME),
      clientAuthType: key('client_auth_type', oneOf(CLIENT_AUTH_TYPES)),
      clientCaFile: key('client_ca_file', FILE_NAME),
      minVersion: key('min_version', oneOf(VERSION_WORDS)),
      maxVersion: key('max_version', oneOf(VERSION_WORDS)),
      cert: key('cert', UNSUPPORTED),
      key: key('key', UNSUPPORTED),
      clientCa: key('client_ca', UNSUPPORTED),
      clientAllowedSans: key('client_allowed_sans', UNSUPPORTED),
      cipherSuites: key('cipher_suites', UNSUPPORTED),
      curvePreferences: key('curve_preferences', UNSUPPORTED),
      preferServerCipherSuites: key('prefer_server_cipher_suites', UNSUPPORTED),
    }),
  ),
  users: key('basic_auth_users', mapping('user', BCRYPT_HASH)),
  httpServer: key('http_server_config', UNSUPPORTED),
  rateLimit: key('rate_limit', UNSUPPORTED),
});

/**
 * Reads a web configuration in the format of the exporter-toolkit
 * (https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md), certificates and keys included.
 * Text of any kind is answered, never thrown at. Relative file names start from the directory of `file`.
 */
export function loadWebConfig(text: string, file: string, secrets: SecretSource): LoadResult<WebSettings> {
  const { value, errors } = YamlSource.read(text, dirname(file), secrets, (root) => {
    const read = WEB_CONFIG_FILE.read(root);
    if (read === FAILED) return DEFAULT_WEB_SETTINGS;
    const tls = read.tls === undefined ? null : readTls(root.nearest(['tls_server_config']), read.tls);
    return { tls, basicAuthUsers: read.users ?? new Map<string, string>() };
  });
  return value === undefined ? { ok: false, errors } : { ok: true, settings: value };
}

/** The same from a file; null: no file, hence plain HTTP without users. */
export function loadWebConfigFile(file: string | null, secrets: SecretSource): LoadResult<WebSettings> {
  if (file === null) return { ok: true, settings: DEFAULT_WEB_SETTINGS };
  try {
    return loadWebConfig(secrets.readFile(file), file, secrets);
  } catch (error) {
    return { ok: false, errors: [{ line: 0, column: 0, path: '', message: `cannot be read: ${reasonOf(error)}` }] };
  }
}

function readTls(cursor: Cursor, file: Overrides<TlsFile>): TlsSettings | null {
  if (Object.keys(file).length === 0) return null;
  const {
    certFile,
    keyFile,
    clientAuthType: clientAuth = 'NoClientCert',
    minVersion = 'TLS12',
    maxVersion = 'TLS13',
  } = file;
  if (VERSION_WORDS.indexOf(minVersion) > VERSION_WORDS.indexOf(maxVersion))
    cursor.fail('min_version must not be above max_version');
  const clientCa = readClientCa(cursor, clientAuth, file.clientCaFile);
  if (certFile === undefined || keyFile === undefined) {
    const missing = [certFile === undefined ? 'cert_file' : '', keyFile === undefined ? 'key_file' : ''].filter(
      (name) => name !== '',
    );
    if (!cursor.source.hasIssueUnder(cursor.path)) cursor.fail(`needs ${missing.join(' and ')}`);
    return null;
  }
  const cert = readPem(cursor.nearest(['cert_file']), certFile, 'certificate', (pem) => new X509Certificate(pem));
  const privateKey = readPem(cursor.nearest(['key_file']), keyFile, 'private key', (pem) => createPrivateKey(pem));
  if (cert === FAILED || privateKey === FAILED) return null;
  if (!belongTogether(cert.value, privateKey.value)) {
    cursor
      .nearest(['key_file'])
      .fail(`file ${keyFile} does not hold the private key of the certificate in ${certFile}`);
    return null;
  }
  return {
    cert: cert.pem,
    key: privateKey.pem,
    clientAuth,
    clientCa,
    minVersion: VERSIONS[minVersion],
    maxVersion: VERSIONS[maxVersion],
  };
}

function readClientCa(cursor: Cursor, clientAuth: ClientAuthType, file: string | undefined): string | null {
  const verifies = clientAuth === 'VerifyClientCertIfGiven' || clientAuth === 'RequireAndVerifyClientCert';
  if (file === undefined) {
    if (verifies && !cursor.source.hasIssueUnder([...cursor.path, 'client_ca_file']))
      cursor.fail(`${clientAuth} needs client_ca_file`);
    return null;
  }
  const at = cursor.nearest(['client_ca_file']);
  if (!verifies && !cursor.source.hasIssueUnder([...cursor.path, 'client_auth_type'])) {
    at.fail('is given, but client_auth_type verifies no certificate');
    return null;
  }
  const ca = readPem(at, file, 'certificate', (pem) => new X509Certificate(pem));
  return ca === FAILED ? null : ca.pem;
}

/** Never repeats what the file holds or why the parser refused it: it may be a key. */
function readPem<T>(
  at: Cursor,
  file: string,
  what: string,
  parse: (pem: string) => T,
): { readonly pem: string; readonly value: T } | Failed {
  let pem: string;
  try {
    pem = at.source.secrets.readFile(resolve(at.source.directory, file));
  } catch (error) {
    return at.fail(`cannot read file ${file}: ${reasonOf(error)}`);
  }
  try {
    return { pem, value: parse(pem) };
  } catch {
    return at.fail(`file ${file} does not hold a ${what} in PEM`);
  }
}

function belongTogether(cert: X509Certificate, privateKey: KeyObject): boolean {
  return cert.checkPrivateKey(privateKey);
}
