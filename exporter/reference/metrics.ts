import { FAMILIES } from '../src/exposition/families.ts';
import { rewriteTables } from './tables.ts';

/** docs/metrics.md with every family that the code has. */
export function metricsReference(document: string): string {
  const facts = FAMILIES.map(({ name, type, labels, help }) => ({
    name,
    cells: [type, labels.map((label) => `\`${label}\``).join(', ')],
    words: help,
  }));
  return rewriteTables(document, 'name', facts, (name) => !name.startsWith('ml_'));
}
