import { formatDuration } from './duration.ts';
import { exposureProblem } from './exposure.ts';
import type { Flags } from './flags.ts';
import { formatErrors, loadConfigFile } from './load-config.ts';
import { loadWebConfigFile } from './web-config.ts';
import type { SecretSource } from './yaml-source.ts';

export interface CheckResult {
  /** Lines to print, the last one ended too. */
  readonly text: string;
  readonly exitCode: 0 | 1;
}

/** What `--config.check` answers: every mistake of both files and of how they go with the flags, or a summary of what is valid. */
export function checkConfiguration(flags: Flags, secrets: SecretSource): CheckResult {
  const config = loadConfigFile(flags.configFile, secrets);
  const web = loadWebConfigFile(flags.webConfigFile, secrets);
  const mistakes = [
    ...(config.ok ? [] : formatErrors(config.errors, flags.configFile ?? 'configuration')),
    ...(web.ok ? [] : formatErrors(web.errors, flags.webConfigFile ?? 'web configuration')),
  ];
  if (!config.ok || !web.ok) return failed(mistakes);
  const exposed = exposureProblem(flags, config.settings, web.settings);
  if (exposed !== null) return failed([exposed]);
  const { evaluation, models, auth } = config.settings;
  const lines = [
    'configuration is valid',
    `  file: ${flags.configFile ?? 'none, the defaults apply'}`,
    `  models: ${models.size} configured, evaluated every ${formatDuration(evaluation.intervalMs)}`,
    `  tokens: ${auth.tokens.length}, users: ${web.settings.basicAuthUsers.size}, TLS: ${web.settings.tls === null ? 'no' : 'yes'}`,
  ];
  return { text: `${lines.join('\n')}\n`, exitCode: 0 };
}

function failed(mistakes: readonly string[]): CheckResult {
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
  return { text: `${[...mistakes, `configuration is not valid: ${count}`].join('\n')}\n`, exitCode: 1 };
}
