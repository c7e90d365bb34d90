import path from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { checkConfiguration } from './check.ts';
import { parseCommandLine } from './flags.ts';
import { secretsFrom } from './load-config.ts';

const TESTDATA = path.join(__dirname, '../../testdata/config');

function check(...argv: string[]) {
  const line = parseCommandLine(['--config.check', ...argv], {});
  if (line.kind !== 'run') throw new Error('the arguments of this test are valid');
  const result = checkConfiguration(line.flags, secretsFrom({ GRAFANA_TOKEN_SHA256: 'bb'.repeat(32) }));
  return { ...result, text: result.text.replaceAll(`${TESTDATA}/`, '') };
}

const config = (name: string) => `--config.file=${path.join(TESTDATA, name)}`;
const web = (name: string) => `--web.config.file=${path.join(TESTDATA, name)}`;

describe('checkConfiguration', () => {
  test('without a file', () => {
    expect(check()).toEqual({
      exitCode: 0,
      text: [
        'configuration is valid',
        '  file: none, the defaults apply',
        '  models: 0 configured, evaluated every 15s',
        '  tokens: 0, users: 0, TLS: no',
        '',
      ].join('\n'),
    });
  });

  test('both files valid', () => {
    expect(check(config('valid-full.yml'), web('web-valid-full.yml'), '--web.listen-address=:9477')).toEqual({
      exitCode: 0,
      text: [
        'configuration is valid',
        '  file: valid-full.yml',
        '  models: 2 configured, evaluated every 30s',
        '  tokens: 3, users: 1, TLS: yes',
        '',
      ].join('\n'),
    });
  });

  test('mistakes of both files', () => {
    expect(check(config('invalid-duplicate-key.yml'), web('web-invalid-without-key.yml'))).toEqual({
      exitCode: 1,
      text: [
        'invalid-duplicate-key.yml:3:3: evaluation.interval: is given twice',
        'web-invalid-without-key.yml:2:3: tls_server_config: needs key_file',
        'configuration is not valid: 2 mistakes',
        '',
      ].join('\n'),
    });
  });

  test('a file that is not there', () => {
    expect(check(config('nowhere.yml'))).toEqual({
      exitCode: 1,
      text: 'nowhere.yml: cannot be read: there is no such file\nconfiguration is not valid: 1 mistake\n',
    });
  });

  test('open to everyone', () => {
    const result = check('--web.listen-address=0.0.0.0:9477');
    expect(result.exitCode).toBe(1);
    expect(result.text).toMatch(/^--web\.listen-address=0\.0\.0\.0:9477 can be reached from other machines/);
    expect(check('--web.listen-address=0.0.0.0:9477', web('web-valid-users-only.yml')).exitCode).toBe(0);
  });
});
