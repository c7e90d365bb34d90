import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig, secretsFrom } from '../src/config/load-config.ts';
import { redact } from '../src/config/redact.ts';
import { DEFAULT_SETTINGS } from '../src/domain/settings.ts';
import { apiReference } from './api.ts';
import { configurationReference } from './configuration.ts';
import { metricsReference } from './metrics.ts';
import { asCompared, rewriteTables } from './tables.ts';

const DOCS = path.join(__dirname, '..', 'docs');
const read = (file: string) => readFileSync(path.join(DOCS, file), 'utf8');

describe('the reference is that of the code: else run `npm run reference`', () => {
  test('docs/metrics.md', () => {
    expect(asCompared(metricsReference(read('metrics.md')))).toBe(asCompared(read('metrics.md')));
  });

  test('docs/configuration.md', () => {
    expect(asCompared(configurationReference(read('configuration.md')))).toBe(asCompared(read('configuration.md')));
    // Every row says what it is for.
    expect(read('configuration.md')).not.toMatch(/^\| `[^|]+\| +\|$/m);
  });

  test('the defaults that are printed load as the defaults that are in force', () => {
    const printed = loadConfig(redact(DEFAULT_SETTINGS), 'defaults.yml', secretsFrom({}));
    expect(printed).toEqual({ ok: true, settings: DEFAULT_SETTINGS });
  });

  test('docs/api.md', async () => {
    expect(asCompared(read('api.md'))).toBe(asCompared(await apiReference()));
  });
});

describe('rewriteTables', () => {
  const DOCUMENT = `Before.

| name | type  | meaning     |
| ---- | ----- | ----------- |
| \`b\` | gauge | bee \\| b   |
| \`a\` | old   | ay          |
| \`gone\` | x  | went        |

Between.

| name | type | meaning |
| ---- | ---- | ------- |
| \`d\` | x    | dee     |
| \`p_*\` |    | others  |

| key | meaning |
| --- | ------- |
| \`a\` | no table of ours |
`;
  const facts = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, cells: ['new'], words: `${name} is new` }));

  test('facts and order from the code, words from the document, new rows behind their predecessor', () => {
    const out = rewriteTables(DOCUMENT, 'name', facts, (name) => name.includes('*'));
    expect(asCompared(out)).toBe(
      asCompared(`Before.

| name | type  | meaning     |
| ---- | ----- | ----------- |
| \`a\` | new | ay |
| \`b\` | new | bee \\| b |
| \`c\` | new | c is new |

Between.

| name | type | meaning |
| ---- | ---- | ------- |
| \`d\` | new | dee |
| \`e\` | new | e is new |
| \`p_*\` |  | others |

| key | meaning |
| --- | ------- |
| \`a\` | no table of ours |
`),
    );
    expect(rewriteTables(out, 'name', facts, (name) => name.includes('*'))).toBe(out);
  });

  test('a null leaves the cell as the document has it', () => {
    const out = rewriteTables(DOCUMENT, 'name', [{ name: 'b', cells: [null], words: '' }]);
    expect(out).toContain('| `b` | gauge | bee \\| b |');
  });
});
