import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../config/load-config.ts';
import { THRESHOLD_KEYS } from '../../domain/effective-settings.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { readDeclaration } from './model-declaration.ts';

function faults(declaration: object): readonly string[] {
  try {
    readDeclaration(JSON.stringify(declaration));
    return [];
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return error.fields.map(({ pointer }) => pointer);
  }
}

const VALUES = [-1, 0, 1e-9, 0.069, 0.0691, 0.07, 0.5, 0.999, 1, 1.001, 2, 100, 101, 1e6, 1e7];

describe('a threshold is refused by the API exactly where the configuration file refuses it', () => {
  test.each(Object.keys(THRESHOLD_KEYS))('%s', (key) => {
    const inFile = VALUES.filter((value) => loadConfig(`thresholds: { ${key}: ${value} }`, 'f.yml').ok);
    const declared = VALUES.filter((value) => faults({ thresholds: { [key]: value } }).length === 0);
    expect(declared).toEqual(inFile);
    expect(declared.length).toBeGreaterThan(0);
  });
});

test.each([
  ['a budget that cannot burn 14.4 times as fast', { thresholds: { error_budget: 0.07 } }, '/thresholds/error_budget'],
  ['a threshold that does not exist', { thresholds: { error_budgets: 0.01 } }, '/thresholds/error_budgets'],
  ['weights that are no whole', { weights: { latency: 0.5 } }, '/weights/performance'],
  ['a range that is none', { features: { 'a/b': { min: 2, max: 1 } } }, '/features/a~1b'],
])('%s is refused, by its place', (_case, declaration, pointer) => {
  expect(faults(declaration)).toContain(pointer);
});
