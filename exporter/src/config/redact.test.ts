import path from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import { loadConfig, loadConfigFile, secretsFrom } from './load-config.ts';
import { redact } from './redact.ts';

const TESTDATA = path.join(__dirname, '../../testdata/config');
const SECRETS = secretsFrom({ GRAFANA_TOKEN_SHA256: 'bb'.repeat(32) });

describe('redact', () => {
  test.each(['valid-empty.yml', 'valid-full.yml', 'valid-anchors.yml', 'valid-empty-sections.yml'])(
    '%s: what is printed loads as the same settings',
    (name) => {
      const file = path.join(TESTDATA, name);
      const first = loadConfigFile(file, SECRETS);
      const printed = first.ok ? redact(first.settings) : '';
      expect(loadConfig(printed, file, SECRETS)).toEqual(first);
    },
  );

  test('shows defaults, and names of secret files, but no secret', () => {
    const loaded = loadConfigFile(path.join(TESTDATA, 'valid-full.yml'), SECRETS);
    if (!loaded.ok) throw new Error('valid-full.yml is valid');
    const printed = redact(loaded.settings);
    expect(printed).toContain('sha256_file: secrets/ingest.sha256');
    expect(printed).toContain('webhook_token_file: secrets/webhook-token');
    for (const { sha256 } of loaded.settings.auth.tokens) expect(printed).not.toContain(sha256);
    expect(redact(DEFAULT_SETTINGS)).toContain('interval: 15s');
  });
});
