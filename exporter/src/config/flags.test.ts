import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { FLAGS, helpText } from './flag-table.ts';
import { parseCommandLine, processEnvironment } from './flags.ts';
import type { Flags } from './flags.ts';

const DEFAULTS: Flags = {
  configFile: null,
  configCheck: false,
  listenAddresses: [{ host: '127.0.0.1', port: 9477 }],
  telemetryPath: '/metrics',
  webConfigFile: null,
  allowAnonymous: false,
  corsOrigin: null,
  databaseUrl: null,
  dataPath: './data',
  logLevel: 'info',
  logFormat: 'logfmt',
  logFile: null,
  clockStartMs: null,
  clockSpeed: 1,
};

function errorsOf(...argv: string[]): readonly string[] {
  const line = parseCommandLine(argv, {});
  return line.kind === 'invalid' ? line.errors : [];
}

describe('parseCommandLine', () => {
  test('nothing is the defaults', () => {
    expect(parseCommandLine([], {})).toEqual({ kind: 'run', flags: DEFAULTS });
  });

  test.each<[flag: string, argv: string[], expected: Partial<Flags>]>([
    ['--flag=value', ['--config.file=a.yml'], { configFile: 'a.yml' }],
    ['--flag value', ['--config.file', 'a.yml'], { configFile: 'a.yml' }],
    ['a value with =', ['--log.file=a=b'], { logFile: 'a=b' }],
    ['a value that starts with a hyphen', ['--data.path', '-odd'], { dataPath: '-odd' }],
    ['an empty value, which is none', ['--config.file=', '--web.config.file', '', '--log.level='], {}],
    ['--config.check', ['--config.check'], { configCheck: true }],
    [
      'several addresses',
      ['--web.listen-address=:1', '--web.listen-address', '[::1]:0', '--web.listen-address=[::1]:0'],
      {
        listenAddresses: [
          { host: '', port: 1 },
          { host: '::1', port: 0 },
          { host: '::1', port: 0 },
        ],
      },
    ],
    ['--web.telemetry-path', ['--web.telemetry-path=/internal/metrics'], { telemetryPath: '/internal/metrics' }],
    ['a path that only starts like a route', ['--web.telemetry-path=/apimetrics'], { telemetryPath: '/apimetrics' }],
    ['--web.config.file', ['--web.config.file=web.yml'], { webConfigFile: 'web.yml' }],
    ['--web.allow-anonymous', ['--web.allow-anonymous'], { allowAnonymous: true }],
    ['--database.url', ['--database.url=postgresql://me@db/health'], { databaseUrl: 'postgresql://me@db/health' }],
    ['--log.level', ['--log.level=debug'], { logLevel: 'debug' }],
    ['--log.format', ['--log.format', 'json'], { logFormat: 'json' }],
    ['--log.file', ['--log.file', '/var/log/x.log'], { logFile: '/var/log/x.log' }],
    [
      '--clock.start as RFC 3339',
      ['--clock.start=2026-01-01T00:00:00+02:00'],
      { clockStartMs: Date.UTC(2025, 11, 31, 22) },
    ],
    ['--clock.start as a day', ['--clock.start=2026-01-01'], { clockStartMs: Date.UTC(2026, 0, 1) }],
    ['--clock.start as milliseconds', ['--clock.start=1700000000000'], { clockStartMs: 1_700_000_000_000 }],
    ['--clock.speed', ['--clock.speed=3600'], { clockSpeed: 3600 }],
    ['--clock.speed below 1', ['--clock.speed=0.5'], { clockSpeed: 0.5 }],
  ])('%s', (_name, argv, expected) => {
    expect(parseCommandLine(argv, {})).toEqual({ kind: 'run', flags: { ...DEFAULTS, ...expected } });
  });

  test.each([
    ['https://grafana.example', true],
    ['https://grafana.example.evil', false],
    ['evil-https://grafana.example', false],
  ])('--web.cors.origin matches whole origins: %s', (origin, expected) => {
    const line = parseCommandLine(['--web.cors.origin=https://grafana\\.example|https://other'], {});
    expect(line.kind === 'run' && line.flags.corsOrigin?.test(origin)).toBe(expected);
  });

  test.each([
    ['only the environment', [], 'postgres://from/environment', 'postgres://from/environment'],
    ['the flag wins', ['--database.url=postgres://from/flag'], 'postgres://from/environment', 'postgres://from/flag'],
    ['an empty flag is none', ['--database.url='], 'postgres://from/environment', 'postgres://from/environment'],
    ['an empty variable is none', [], '', null],
  ])('database: %s', (_name, argv, variable, expected) => {
    const line = parseCommandLine(argv, { DATABASE_URL: variable });
    expect(line.kind === 'run' ? line.flags.databaseUrl : line).toBe(expected);
  });

  test.each<[error: string, argv: string[]]>([
    ['unknown flag --config.fiel; did you mean "--config.file"?', ['--config.fiel=a']],
    [
      'unknown flag --web.listen-adress; did you mean "--web.listen-address"?',
      ['--web.listen-adress', '--log.level=info'],
    ],
    ['unknown flag --no-such-thing', ['--no-such-thing']],
    ['unexpected argument "start"', ['start']],
    ['unexpected argument "--"', ['--']],
    ['unexpected argument "-v"', ['-v']],
    ['--config.file needs a value', ['--config.file']],
    ['--config.file needs a value', ['--config.file', '--config.check']],
    ['--config.check takes no value', ['--config.check=false']],
    ['--data.path is given 2 times', ['--data.path=a', '--data.path=b']],
    ['--web.listen-address must be HOST:PORT, :PORT or [IPV6]:PORT, is "9477"', ['--web.listen-address=9477']],
    ['--web.listen-address has ":1" twice', ['--web.listen-address=:1', '--web.listen-address=:1']],
    [
      '--web.telemetry-path must be a path such as /metrics outside /api, /admin, /docs, /v1 and /-, is "metrics"',
      ['--web.telemetry-path=metrics'],
    ],
    [
      '--web.telemetry-path must be a path such as /metrics outside /api, /admin, /docs, /v1 and /-, is "/"',
      ['--web.telemetry-path=/'],
    ],
    [
      '--web.telemetry-path must be a path such as /metrics outside /api, /admin, /docs, /v1 and /-, is "/-/healthy"',
      ['--web.telemetry-path=/-/healthy'],
    ],
    ['--web.cors.origin must be a regular expression, is "("', ['--web.cors.origin=(']],
    [
      '--database.url must be a URL that starts with postgres:// or postgresql://',
      ['--database.url=mysql://me:hunter2@db/x'],
    ],
    ['--log.level must be one of debug, info, warn, error, is "trace"', ['--log.level=trace']],
    ['--log.format must be one of logfmt, json, is "text"', ['--log.format=text']],
    [
      '--clock.start must be a time such as 2026-01-31T00:00:00Z or epoch milliseconds, is "yesterday"',
      ['--clock.start=yesterday'],
    ],
    [
      '--clock.start must be a time such as 2026-01-31T00:00:00Z or epoch milliseconds, is "2026-13-01"',
      ['--clock.start=2026-13-01'],
    ],
    ['--clock.speed must be a number above 0 and at most 100000, is "0"', ['--clock.speed=0']],
    ['--clock.speed must be a number above 0 and at most 100000, is "-1"', ['--clock.speed', '-1']],
  ])('refuses: %s', (error, argv) => {
    expect(errorsOf(...argv)).toEqual([error]);
  });

  test('DATABASE_URL is named where it is wrong, and never repeated', () => {
    expect(parseCommandLine([], { DATABASE_URL: 'mysql://me:hunter2@db/x' })).toEqual({
      kind: 'invalid',
      errors: ['DATABASE_URL must be a URL that starts with postgres:// or postgresql://'],
    });
  });

  test('a misspelt flag does not repeat its value', () => {
    expect(errorsOf('--database.ulr=postgres://me:hunter2@db/x')).toEqual([
      'unknown flag --database.ulr; did you mean "--database.url"?',
    ]);
  });

  test('all mistakes are told at once', () => {
    expect(errorsOf('--log.level=x', '--nope', '--clock.speed=0', 'y')).toEqual([
      'unknown flag --nope',
      'unexpected argument "y"',
      '--log.level must be one of debug, info, warn, error, is "x"',
      '--clock.speed must be a number above 0 and at most 100000, is "0"',
    ]);
  });

  test.each([
    ['--help', 'help'],
    ['-h', 'help'],
    ['--version', 'version'],
  ])('%s wins over mistakes', (flag, kind) => {
    expect(parseCommandLine(['--nope', flag], {}).kind).toBe(kind);
  });

  test('never throws', () => {
    const known = FLAGS.map(({ name }) => `--${name}`);
    const argument = fc.oneof(
      fc.string(),
      fc.constantFrom(...known),
      fc.tuple(fc.constantFrom(...known), fc.string()).map((parts) => parts.join('=')),
    );
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 8 }), (argv) => {
        const line = parseCommandLine(argv, {});
        if (line.kind === 'invalid') expect(line.errors.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('processEnvironment', () => {
  test('leaves out empty variables', () => {
    process.env.MODEL_HEALTH_TEST_EMPTY = '';
    process.env.MODEL_HEALTH_TEST_FULL = 'x';
    try {
      const environment = processEnvironment();
      expect('MODEL_HEALTH_TEST_EMPTY' in environment).toBe(false);
      expect(environment.MODEL_HEALTH_TEST_FULL).toBe('x');
    } finally {
      delete process.env.MODEL_HEALTH_TEST_EMPTY;
      delete process.env.MODEL_HEALTH_TEST_FULL;
    }
  });
});

describe('helpText', () => {
  const lines = helpText().split('\n');

  test('names every flag, with what it takes by default', () => {
    for (const { name } of FLAGS)
      expect(lines.filter((line) => line.trimStart().startsWith(`--${name}`))).not.toEqual([]);
    expect(helpText().replaceAll(/\s+/g, ' ')).toContain('May be given several times. Default: 127.0.0.1:9477');
  });

  test('fits 80 columns, with no space at the end of a line', () => {
    for (const line of lines) {
      expect(line.length).toBeLessThanOrEqual(80);
      expect(line).toBe(line.trimEnd());
    }
  });
});
