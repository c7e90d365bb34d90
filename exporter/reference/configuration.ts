import { FLAGS } from '../src/config/flag-table.ts';
import type { FlagSpec } from '../src/config/flag-table.ts';
import { CONFIG_FILE } from '../src/config/schema.ts';
import { WEB_CONFIG_FILE } from '../src/config/web-config.ts';
import { DEFAULT_SETTINGS } from '../src/domain/settings.ts';
import { rewriteTables } from './tables.ts';

/** Keys that stand for themselves: sections and placeholders are described by what is below them. */
function leaves(keys: readonly string[]): readonly string[] {
  return keys.filter((key) => !keys.some((other) => other.startsWith(`${key}.`) || other.startsWith(`${key}[`)));
}

/** What a model may override is described once, where it stands for all models. */
export const CONFIGURATION_KEYS: readonly string[] = leaves(CONFIG_FILE.keys).filter((key) => {
  const common = /^models\.<model>\.(.+)$/.exec(key)?.[1];
  return common === undefined || !CONFIG_FILE.keys.includes(common);
});

/** docs/configuration.md with every flag and key that the code has, and its defaults. */
export function configurationReference(document: string): string {
  const keys = [...CONFIGURATION_KEYS, ...leaves(WEB_CONFIG_FILE.keys)];
  const withKeys = rewriteTables(
    document,
    'key',
    keys.map((key) => ({ name: key, cells: [defaultOf(key)], words: '' })),
  );
  const flags: readonly FlagSpec[] = FLAGS;
  return rewriteTables(
    withKeys,
    'flag',
    flags.map(({ name, kind, preset, help }) => ({
      name: `--${name}`,
      cells: [preset === undefined ? (kind === 'switch' ? 'off' : 'none') : `\`${preset}\``],
      words: help,
    })),
  );
}

/** As it is printed; null for what has no default in the code: the document says what is then. */
function defaultOf(key: string): string | null {
  const values = CONFIG_FILE.print({ ...DEFAULT_SETTINGS.defaults, ...DEFAULT_SETTINGS });
  let value: unknown = values;
  for (const part of key.split('.')) {
    if (typeof value !== 'object' || value === null || !(part in value)) return null;
    value = (value as Record<string, unknown>)[part];
  }
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
