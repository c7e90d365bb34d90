import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { DEFAULT_SETTINGS, overlay } from '../domain/settings.ts';
import type { ModelSettings, Overrides, Settings } from '../domain/settings.ts';
import { brokenRules } from './rules.ts';
import { CONFIG_FILE } from './schema.ts';
import type { ConfigFile } from './schema.ts';
import { readWebhookToken, reasonOf } from './tokens.ts';
import { FAILED, YamlSource } from './yaml-source.ts';
import type { ConfigError, Cursor, Path, SecretSource } from './yaml-source.ts';

export type LoadResult<T> =
  { readonly ok: true; readonly settings: T } | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Secrets from the real file system. */
export function secretsFrom(environment: SecretSource['environment']): SecretSource {
  return { environment, readFile: (path) => readFileSync(path, 'utf8') };
}

/**
 * Reads a configuration: every setting checked and in place, or every mistake with its line. Text of any kind is answered, never
 * thrown at. Empty text is the default configuration.
 * @param file name of the file the text came from: relative names of secret files start from its directory
 */
export function loadConfig(text: string, file: string, secrets: SecretSource = secretsFrom({})): LoadResult<Settings> {
  const { value, errors } = YamlSource.read(text, dirname(file), secrets, readSettings);
  return value === undefined ? { ok: false, errors } : { ok: true, settings: value };
}

/** The same from a file; null: no file, hence the defaults. */
export function loadConfigFile(file: string | null, secrets: SecretSource): LoadResult<Settings> {
  if (file === null) return loadConfig('', 'none', secrets);
  try {
    return loadConfig(secrets.readFile(file), file, secrets);
  } catch (error) {
    return { ok: false, errors: [{ line: 0, column: 0, path: '', message: `cannot be read: ${reasonOf(error)}` }] };
  }
}

function readSettings(root: Cursor): Settings | undefined {
  const read = CONFIG_FILE.read(root);
  if (read === FAILED) return undefined;
  const settings = withWebhookToken(root, assemble(read));
  for (const { path, message, counts = false } of brokenRules(settings)) {
    // A value that could not be read was replaced by its default: what that breaks is no news.
    if (counts || !root.source.hasIssueUnder(path)) failAt(root, path, message);
  }
  return settings;
}

function failAt(root: Cursor, path: Path, message: string): void {
  root.nearest(path).failAs(path, message);
}

function assemble(file: Overrides<ConfigFile>): Settings {
  const { evaluation, retention, limits, auth, alerts, models, ...common } = file;
  const defaults: ModelSettings = overlay(DEFAULT_SETTINGS.defaults, common);
  const overrides = models ?? new Map<string, Overrides<ModelSettings>>();
  return {
    evaluation: overlay(DEFAULT_SETTINGS.evaluation, evaluation),
    retention: overlay(DEFAULT_SETTINGS.retention, retention),
    limits: overlay(DEFAULT_SETTINGS.limits, limits),
    auth: overlay(DEFAULT_SETTINGS.auth, auth),
    alerts: overlay(DEFAULT_SETTINGS.alerts, alerts),
    defaults,
    overrides,
    models: new Map([...overrides].map(([name, own]) => [name, overlay(defaults, own)])),
  };
}

function withWebhookToken(root: Cursor, settings: Settings): Settings {
  const file = settings.alerts.webhookTokenFile;
  if (file === null) return settings;
  const token = readWebhookToken(root.nearest(['alerts', 'webhook_token_file']), file);
  return token === FAILED ? settings : { ...settings, auth: { tokens: [...settings.auth.tokens, token] } };
}

/** One line for each mistake: `file:line:column: path: message`. A file that could not be read has no line. */
export function formatErrors(errors: readonly ConfigError[], file: string): readonly string[] {
  return errors.map(({ line, column, path, message }) => {
    const place = line === 0 ? file : `${file}:${line}:${column}`;
    return `${place}: ${path === '' ? '' : `${path}: `}${message}`;
  });
}
