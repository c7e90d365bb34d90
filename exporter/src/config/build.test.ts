import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readBuild } from './build.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mh-build-'));
  writeFileSync(path.join(folder, 'package.json'), '{"version":"1.2.3"}');
  mkdirSync(path.join(folder, 'dist', 'src'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([
  ['a commit', `${'0a'.repeat(20)}\n`, '0a'.repeat(20)],
  ['nothing', '', ''],
  ['something else', 'fatal: not a git repository', ''],
])('a revision file with %s', (_name, text, revision) => {
  writeFileSync(path.join(folder, 'dist', 'src', 'revision'), text);
  expect(readBuild(folder)).toEqual({ version: '1.2.3', revision });
});

test('no revision file at all', () => {
  expect(readBuild(folder)).toEqual({ version: '1.2.3', revision: '' });
});
