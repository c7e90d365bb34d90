import { readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { FLAGS } from './flag-table.ts';
import { loadConfig, secretsFrom } from './load-config.ts';
import { redact } from './redact.ts';
import { CONFIG_FILE } from './schema.ts';
import { WEB_CONFIG_FILE } from './web-config.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';

const REFERENCE = readFileSync(path.join(__dirname, '../../docs/configuration.md'), 'utf8');
const FIRST_COLUMN = new Set([...REFERENCE.matchAll(/^\| `([^`]+)` +\|/gm)].map((match) => match[1]!));

/** Keys that stand for themselves: sections and placeholders are described by what is below them. */
function leaves(keys: readonly string[]): string[] {
  return keys.filter((key) => !keys.some((other) => other.startsWith(`${key}.`) || other.startsWith(`${key}[`)));
}

/** What a model may override is described once, where it stands for all models. */
const KEYS = leaves(CONFIG_FILE.keys).filter((key) => {
  const common = /^models\.<model>\.(.+)$/.exec(key)?.[1];
  return common === undefined || !CONFIG_FILE.keys.includes(common);
});

describe('docs/configuration.md', () => {
  test.each(FLAGS.map(({ name }) => `--${name}`))('describes %s', (flag) => {
    expect(FIRST_COLUMN).toContain(flag);
  });

  test.each([...KEYS, ...leaves(WEB_CONFIG_FILE.keys)])('describes %s', (key) => {
    expect(FIRST_COLUMN).toContain(key);
  });

  test('describes nothing that is not there', () => {
    const known = new Set([
      ...FLAGS.map(({ name }) => `--${name}`),
      ...KEYS,
      ...leaves(WEB_CONFIG_FILE.keys),
      'DATABASE_URL',
    ]);
    expect([...FIRST_COLUMN].filter((name) => !known.has(name))).toEqual([]);
  });

  test('gives the default of every key as the code has it', () => {
    const printed = loadConfig(redact(DEFAULT_SETTINGS), 'defaults.yml', secretsFrom({}));
    expect(printed).toEqual({ ok: true, settings: DEFAULT_SETTINGS });
    const documented = [...REFERENCE.matchAll(/^\| `([a-z_0-9.]+)` +\| `([^`]+)` +\|/gm)].map(
      (match) => [match[1]!, match[2]!] as const,
    );
    const differing = documented.filter(([key, value]) => !key.startsWith('tls_') && defaultOf(key) !== value);
    expect(differing).toEqual([]);
    expect(documented.length).toBeGreaterThan(50);
  });
});

/** The default of a dotted key, as it is printed. */
function defaultOf(key: string): string {
  const values = CONFIG_FILE.print({ ...DEFAULT_SETTINGS.defaults, ...DEFAULT_SETTINGS });
  const value = key.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], values);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
