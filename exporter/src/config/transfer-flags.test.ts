import { describe, expect, test } from '@jest/globals';
import { parseTransfer } from './transfer-flags.ts';

describe('parseTransfer', () => {
  test.each([[[]], [['--config.file', 'x.yml']], [['exports']]])('%j is the exporter itself', (argv) => {
    expect(parseTransfer(argv, {})).toBeUndefined();
  });

  test.each<[string[], object]>([
    [['export'], { databaseUrl: null, dataPath: './data', output: 'model-health.state.gz', raw: null }],
    [['export', '--data.path=/d', '--output', 'x.gz'], { dataPath: '/d', output: 'x.gz', raw: null }],
    [
      ['export', '--raw=rows.parquet'],
      { output: null, raw: { file: 'rows.parquet', fromMs: -Infinity, toMs: Infinity, model: null } },
    ],
    [
      [
        'export',
        '--raw=rows.ndjson.gz',
        '--raw.model=m',
        '--raw.from=2026-01-31T00:00:00Z',
        '--raw.to=1800000000000',
        '--output=x',
      ],
      {
        output: 'x',
        raw: { file: 'rows.ndjson.gz', fromMs: Date.UTC(2026, 0, 31), toMs: 1_800_000_000_000, model: 'm' },
      },
    ],
    [['import'], { databaseUrl: null, dataPath: './data', input: 'model-health.state.gz' }],
    [['import', '--input=y.gz', '--database.url=postgres://h/d'], { databaseUrl: 'postgres://h/d', input: 'y.gz' }],
  ])('%j', (argv, flags) => {
    expect(parseTransfer(argv, {})).toMatchObject({ kind: argv[0], flags });
  });

  test('the database of the environment', () => {
    expect(parseTransfer(['import'], { DATABASE_URL: 'postgres://h/d' })).toMatchObject({
      flags: { databaseUrl: 'postgres://h/d' },
    });
  });

  test.each<[string[], string[]]>([
    [['export', '--raw=rows.csv'], ['--raw must end in .parquet, .ndjson or .ndjson.gz, is "rows.csv"']],
    [
      ['export', '--raw.model=m', '--raw.from=soon'],
      ['--raw.model needs --raw', '--raw.from needs --raw'],
    ],
    [
      ['export', '--raw=r.parquet', '--raw.to=soon'],
      ['--raw.to must be a time such as 2026-01-31T00:00:00Z or epoch milliseconds, is "soon"'],
    ],
    [['export', '--outptu=x'], ['unknown flag --outptu; did you mean "--output"?']],
    [['import', 'file.gz'], ['unexpected argument "file.gz"']],
    [
      ['import', '--database.url=mysql://h'],
      ['--database.url must be a URL that starts with postgres:// or postgresql://'],
    ],
  ])('%j is refused', (argv, errors) => {
    expect(parseTransfer(argv, {})).toEqual({ kind: 'invalid', errors });
  });

  test.each(['export', 'import'])('%s --help', (command) => {
    const parsed = parseTransfer([command, '--help'], {});
    if (parsed?.kind !== 'help') throw new Error('not help');
    expect(parsed.text).toContain(`Usage: model-health-exporter ${command} [flags]`);
    for (const line of parsed.text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});
