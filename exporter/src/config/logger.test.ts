import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { LogFormat, LogLevel } from './flags.ts';
import { createLogger } from './logger.ts';

const NOW_MS = Date.UTC(2026, 0, 31, 12);
const TS = '2026-01-31T12:00:00.000Z';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'logger-'));
  file = path.join(directory, 'exporter.log');
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function logger(logFormat: LogFormat = 'logfmt', logLevel: LogLevel = 'info') {
  return createLogger({ logFormat, logLevel, logFile: file }, () => NOW_MS);
}

const lines = () => readFileSync(file, 'utf8').split('\n').slice(0, -1);

describe('createLogger', () => {
  test('writes time, level, message and fields in logfmt', () => {
    const log = logger();
    log.info({ model: 'move probability', rows: 5 }, 'predictions stored');
    log.warn({}, 'database is slow');
    expect(lines()).toEqual([
      `ts=${TS} level=info msg="predictions stored" model="move probability" rows=5`,
      `ts=${TS} level=warn msg="database is slow"`,
    ]);
    log.close();
  });

  test('writes the same in JSON', () => {
    const log = logger('json');
    log.error({ model: 'm', list: [1] }, 'gave up');
    expect(lines().map((line) => JSON.parse(line))).toEqual([
      { ts: TS, level: 'error', msg: 'gave up', model: 'm', list: [1] },
    ]);
    log.close();
  });

  test.each<[LogLevel, string[]]>([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ])('from level %s on', (level, expected) => {
    const log = logger('json', level);
    for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each]({}, each);
    expect(lines().map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(expected);
    log.close();
  });

  test('an error becomes code, message, stack and cause', () => {
    const log = logger('json');
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', secret: 'hunter2' });
    const error = new TypeError('no database', { cause });
    log.error({ err: error }, 'cannot start');
    expect(JSON.parse(lines()[0]!)).toEqual({
      ts: TS,
      level: 'error',
      msg: 'cannot start',
      err: {
        message: 'no database',
        stack: error.stack,
        cause: { code: 'ECONNREFUSED', message: 'refused', stack: cause.stack },
      },
    });
    log.close();
  });

  test('an error is one line of logfmt', () => {
    const log = logger();
    log.error({ err: Object.assign(new Error('a\nb'), { code: 'E1' }) }, 'failed');
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatch(/ msg=failed err\.code=E1 err\.message="a\\nb" err\.stack="Error: a\\nb\\n {4}at /);
    log.close();
  });

  test('an error in the place of the fields is not lost', () => {
    const log = logger('json');
    log.error(new Error('whole'), 'failed');
    expect(JSON.parse(lines()[0]!)).toMatchObject({ err: { message: 'whole' } });
    log.close();
  });

  test('fields of any kind are written, and do not replace our own', () => {
    const log = logger('json');
    const loop: Record<string, unknown> = { name: 'loop' };
    loop.self = loop;
    log.info(
      {
        msg: 'mine',
        n: Number.NaN,
        big: 10n,
        at: new Date(0),
        never: new Date(Number.NaN),
        set: new Set([1]),
        map: new Map([['a', 1]]),
        loop,
        none: undefined,
      },
      'odd',
    );
    expect(JSON.parse(lines()[0]!)).toEqual({
      ts: TS,
      level: 'info',
      msg: 'odd',
      msg_: 'mine',
      n: 'NaN',
      big: '10',
      at: '1970-01-01T00:00:00.000Z',
      never: 'invalid date',
      set: [1],
      map: [['a', 1]],
      loop: { name: 'loop', self: { name: 'loop', self: { name: 'loop', self: { name: 'loop', self: '...' } } } },
    });
    log.close();
  });

  test('appends to a file that is there, and makes the folder of one that is not', () => {
    writeFileSync(file, 'before\n');
    const log = logger();
    log.info({}, 'after');
    expect(lines()).toEqual(['before', `ts=${TS} level=info msg=after`]);
    log.close();
    const deep = createLogger(
      { logFormat: 'logfmt', logLevel: 'info', logFile: path.join(directory, 'a/b/c.log') },
      () => NOW_MS,
    );
    deep.info({}, 'deep');
    expect(readFileSync(path.join(directory, 'a/b/c.log'), 'utf8')).toContain('msg=deep');
    deep.close();
  });

  test('reopen goes on in a new file after the old one was moved away', () => {
    const log = logger();
    log.info({}, 'one');
    renameSync(file, `${file}.1`);
    log.reopen();
    log.info({}, 'two');
    expect(lines()).toEqual([`ts=${TS} level=info msg=two`]);
    expect(readFileSync(`${file}.1`, 'utf8')).toContain('msg=one');
    log.close();
  });
});
