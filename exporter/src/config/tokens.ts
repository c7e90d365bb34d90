import { createHash } from 'node:crypto';
import { resolve } from 'node:path';

import { SCOPES } from '../domain/settings.ts';
import type { Scope, TokenSettings } from '../domain/settings.ts';
import { key, list, object, oneOf, text } from './fields.ts';
import type { Field } from './fields.ts';
import { FAILED } from './yaml-source.ts';
import type { Cursor, Failed } from './yaml-source.ts';

/** A token as it stands in the file, before its hash is fetched. */
interface TokenText {
  readonly name: string;
  readonly sha256File: string;
  readonly sha256Environment: string;
  readonly scopes: readonly Scope[];
  readonly models: readonly string[];
}

const TOKEN_TEXT = object<TokenText>({
  name: key('name', text('letters, digits, "_" and "-", at most 100', /^[\w-]{1,100}$/)),
  sha256File: key('sha256_file', text('the name of a file', /./)),
  sha256Environment: key('sha256_env', text('the name of an environment variable', /^[A-Za-z_]\w*$/)),
  scopes: key('scopes', list(oneOf(SCOPES), { max: SCOPES.length })),
  models: key('models', list(text('the name of a model, or "*"', /./), { max: 10_000 })),
});

/** No name that a file can give: a dot is not allowed there. */
export const WEBHOOK_TOKEN_NAME = 'alerts.webhook_token_file';

/** One of `auth.tokens`; fetches its hash, so that a missing file is an error of the configuration. */
export const TOKEN: Field<TokenSettings> = {
  keys: TOKEN_TEXT.keys,
  read: (cursor) => {
    const token = TOKEN_TEXT.read(cursor);
    if (token === FAILED || cursor.source.hasIssueUnder(cursor.path)) return FAILED;
    const { name, scopes, models = ['*'] } = token;
    if (name === undefined) return cursor.fail('needs a name');
    if (scopes === undefined || scopes.length === 0)
      return cursor.fail(`needs scopes: one or more of ${SCOPES.join(', ')}`);
    if ((token.sha256File === undefined) === (token.sha256Environment === undefined))
      return cursor.fail('needs either sha256_file or sha256_env');
    const source =
      token.sha256File !== undefined ? { file: token.sha256File } : { environment: token.sha256Environment! };
    const sha256 = fetchHash(cursor, source);
    return sha256 === FAILED ? FAILED : { name, sha256, source, scopes, models };
  },
  print: (value) => {
    const { name, source, scopes, models } = value as TokenSettings;
    return {
      name,
      ...('file' in source ? { sha256_file: source.file } : { sha256_env: source.environment }),
      scopes,
      models,
    };
  },
};

/** Accepts the bare digits and what sha256sum prints (digits, spaces, name). */
function fetchHash(cursor: Cursor, source: TokenSettings['source']): string | Failed {
  if ('file' in source) {
    const at = cursor.nearest(['sha256_file']);
    const found = readSecretFile(at, source.file);
    return found === FAILED ? FAILED : checkHash(at, found, `file ${source.file}`);
  }
  const at = cursor.nearest(['sha256_env']);
  const found = cursor.source.secrets.environment[source.environment];
  const origin = `environment variable ${source.environment}`;
  return found === undefined ? at.fail(`${origin} is not set`) : checkHash(at, found, origin);
}

function checkHash(at: Cursor, found: string, origin: string): string | Failed {
  const hash = found.trim().split(/\s/, 1)[0]!.toLowerCase();
  return /^[0-9a-f]{64}$/.test(hash) ? hash : at.fail(`${origin} does not hold a SHA-256 in 64 hexadecimal digits`);
}

/** The token that Alertmanager reads from the same file and sends to the webhook. */
export function readWebhookToken(cursor: Cursor, file: string): TokenSettings | Failed {
  const found = readSecretFile(cursor, file);
  if (found === FAILED) return FAILED;
  const secret = found.trim();
  if (secret.length < 16) return cursor.fail(`file ${file} must hold a token of at least 16 characters`);
  const sha256 = createHash('sha256').update(secret).digest('hex');
  return { name: WEBHOOK_TOKEN_NAME, sha256, source: { file }, scopes: ['webhook'], models: ['*'] };
}

/** Contents of a file named in the configuration; a relative name starts from the directory of the configuration. Reports failures. */
export function readSecretFile(cursor: Cursor, file: string): string | Failed {
  try {
    return cursor.source.secrets.readFile(resolve(cursor.source.directory, file));
  } catch (error) {
    return cursor.fail(`cannot read file ${file}: ${reasonOf(error)}`);
  }
}

/** Why a file could not be read, in words. */
export function reasonOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return typeof code === 'string' ? code : String(error);
  }
}
