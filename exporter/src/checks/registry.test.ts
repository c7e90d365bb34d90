import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { secretsFrom, loadConfigFile } from '../config/load-config.ts';
import { CHECK_NAMES, DEFAULT_SETTINGS } from '../domain/settings.ts';
import type { CheckName, ModelSettings } from '../domain/settings.ts';
import { CHECKS } from './registry.ts';

const DOCS = path.join(__dirname, '../../docs');
const pages = readdirSync(path.join(DOCS, 'checks'));
const fileOf = (check: string) => `${check.replaceAll('_', '-')}.md`;
const page = (check: CheckName) => readFileSync(path.join(DOCS, 'checks', fileOf(check)), 'utf8');
const published = readFileSync(path.join(DOCS, 'metrics.md'), 'utf8');

/** What each check compares with, by the keys of the configuration file. */
const KEYS: Readonly<Record<CheckName, readonly string[]>> = {
  performance: ['accuracy_drop', 'calibration_gap', 'report', 'labels', 'minimum_label_coverage'],
  data_drift: ['drift_score', 'ks_p_value', 'min_ks_statistic', 'report', 'alert'],
  prediction_drift: ['ks_p_value', 'min_ks_statistic', 'report', 'alert'],
  latency: ['latency_spike', 'report', 'alert'],
  error_rate: ['error_rate', 'report', 'alert'],
  data_quality: ['data_quality', 'report', 'alert'],
};

describe('every check has one name, everywhere and in one order', () => {
  const names = ['performance', 'data_drift', 'prediction_drift', 'latency', 'error_rate', 'data_quality'];
  test.each<[string, readonly string[]]>([
    ['CHECK_NAMES', CHECK_NAMES],
    ['registry', CHECKS.map(({ name }) => name)],
    ['default weights', Object.keys(DEFAULT_SETTINGS.defaults.weights)],
    ['default windows', Object.keys(DEFAULT_SETTINGS.defaults.windows)],
  ])('%s', (_name, found) => expect(found).toEqual(names));

  test('pages', () => expect([...pages].sort()).toEqual(names.map(fileOf).sort()));

  test('the default weights sum to 1', () => {
    const { weights } = DEFAULT_SETTINGS.defaults;
    expect(Object.values(weights).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
  });
});

describe.each(CHECK_NAMES)('the page of %s', (check) => {
  const text = page(check);
  const snippets = [...text.matchAll(/```yaml\n([^`]*)```/g)].map((match) => match[1]!);

  test('names itself, and its thresholds in a snippet', () => {
    expect(text.startsWith(`# ${check}\n`)).toBe(true);
    for (const name of KEYS[check]) expect(snippets.join('\n')).toMatch(new RegExp(`\\b${name}: `));
  });

  test('its snippet is accepted, and says the defaults', () => {
    expect(snippets).toHaveLength(1);
    const found = load(snippets[0]!);
    const { thresholds, minimumSamples, minimumLabelCoverage, weights, windows } = DEFAULT_SETTINGS.defaults;
    expect(found).toMatchObject({ thresholds, minimumSamples, minimumLabelCoverage, weights, windows });
  });

  test('names only metrics that exist', () => {
    const metrics = [...text.matchAll(/\bml_[a-z0-9_]+/g)].map(([name]) => name.replace(/_bucket$/, ''));
    expect(metrics).not.toHaveLength(0);
    for (const metric of metrics) expect(published).toContain(`\`${metric}\``);
  });

  test.each(['What it computes', 'When it says insufficient_data', 'Settings', 'Metrics', 'When it fires', 'Sources'])(
    'has the section "%s"',
    (section) => expect(text).toContain(`\n## ${section}\n`),
  );

  test('shows a query', () => expect(text).toContain('```promql\n'));
});

function load(yaml: string): ModelSettings {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'registry-test-'));
  try {
    const file = path.join(folder, 'config.yml');
    writeFileSync(file, yaml);
    const result = loadConfigFile(file, secretsFrom({}));
    if (!result.ok) throw new Error(result.errors.map(({ message }) => message).join('; '));
    return result.settings.defaults;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
