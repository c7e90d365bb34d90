import { describe, expect, test } from '@jest/globals';
import { parseStat } from './process-state.ts';

const rest = '1 4711 4711 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 987654 1000 200';

describe('parseStat', () => {
  test.each([
    ['a plain name', `4711 (postgres) S ${rest}`, { state: 'S', startTicks: '987654' }],
    ['a zombie', `4711 (postgres) Z ${rest}`, { state: 'Z', startTicks: '987654' }],
    ['parentheses and blanks in the name', `4711 (a) Z (b) S) R ${rest}`, { state: 'R', startTicks: '987654' }],
    ['too short', '4711 (postgres) S 1', undefined],
  ])('%s', (_name, text, expected) => {
    expect(parseStat(text)).toEqual(expected);
  });
});
