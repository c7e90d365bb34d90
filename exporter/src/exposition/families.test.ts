import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FAMILIES } from './families.ts';

const DOCS = path.join(__dirname, '../../docs/metrics.md');

describe('families', () => {
  test('are named once', () => {
    expect(new Set(FAMILIES.map(({ name }) => name)).size).toBe(FAMILIES.length);
  });

  test.each(FAMILIES.map((family) => [family.name, family] as const))('%s', (name, { type, help, labels }) => {
    expect(name).toMatch(/^ml_[a-z0-9_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(help).toMatch(/^[A-Z01][^"\\\n]*\.$/);
    for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    expect(new Set(labels).size).toBe(labels.length);
    // Reserved for histograms and summaries.
    expect(labels).not.toContain('le');
    expect(labels).not.toContain('quantile');
  });

  test('are those of docs/metrics.md, with their types and labels', () => {
    expect(documented()).toEqual(
      FAMILIES.map(({ name, type, labels }) => `${name} ${type} ${labels.join(', ')}`).sort(),
    );
  });
});

/** Rows of the tables whose first cell is a name in backquotes. */
function documented(): string[] {
  const rows = [...readFileSync(DOCS, 'utf8').matchAll(/^\| `(ml_\w+)` +\| (\w+) +\| ([^|]*?) *\| .+ \|$/gm)];
  return rows.map(([, name, type, labels]) => `${name!} ${type!} ${labels!.replaceAll('`', '')}`).sort();
}
