import { describe, expect, test } from '@jest/globals';
import { parsePidFile } from './pid-file.ts';

const full = '4711\n/data/pgdata\n1700000000\n5432\n/data/run\n\n  1234567    123456\nready   \n';

describe('parsePidFile', () => {
  test.each([
    ['whole', full, { pid: 4711, status: 'ready' }],
    ['stopping', full.replace('ready   ', 'stopping'), { pid: 4711, status: 'stopping' }],
    ['just begun', '4711\n/data/pgdata\n', { pid: 4711, status: '' }],
    ['of a single-user server', '-4711\n/data/pgdata\n', { pid: 4711, status: '' }],
    ['with a status of a version to come', full.replace('ready', 'dozing'), { pid: 4711, status: '' }],
    ['empty', '', undefined],
    ['without a number', 'what\n', undefined],
    ['with zero', '0\n', undefined],
  ])('%s', (_name, text, expected) => {
    expect(parsePidFile(text)).toEqual(expected);
  });
});
