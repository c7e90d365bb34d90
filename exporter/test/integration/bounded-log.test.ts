import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { boundedLog } from '../../src/storage/embedded/bounded-log.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mh-log-'));
  file = path.join(folder, 'postgres.log');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a writer that keeps it open goes on after a trim, and the part before it is kept', () => {
  const log = boundedLog(file, 10);
  const writer = log.open();
  writeSync(writer, 'the first words\n');
  log.trim();
  writeSync(writer, 'more\n');
  log.trim();
  closeSync(writer);
  expect(readFileSync(file, 'utf8')).toBe('more\n');
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('the first words\n');
});

test('one that is too long already is set aside when it is opened', () => {
  const log = boundedLog(file, 10);
  for (const words of ['the first words\n', 'the second words\n']) {
    const writer = log.open();
    writeSync(writer, words);
    closeSync(writer);
  }
  expect([readFileSync(`${file}.1`, 'utf8'), readFileSync(file, 'utf8')]).toEqual([
    'the first words\n',
    'the second words\n',
  ]);
});

test('a short one is appended to and left alone', () => {
  const log = boundedLog(file, 100);
  for (const words of ['a\n', 'b\n']) {
    const writer = log.open();
    writeSync(writer, words);
    closeSync(writer);
    log.trim();
  }
  expect(readFileSync(file, 'utf8')).toBe('a\nb\n');
  expect(existsSync(`${file}.1`)).toBe(false);
});

test('readSince gives what came after, at most the last 64 kB, and all of it after a trim', () => {
  const log = boundedLog(file, 1_000_000);
  expect([log.size(), log.readSince(0)]).toEqual([0, '']);
  const writer = log.open();
  writeSync(writer, 'before\n');
  const position = log.size();
  expect(log.readSince(position)).toBe('');
  writeSync(writer, 'after\n');
  expect(log.readSince(position)).toBe('after\n');
  expect(log.readSince(10_000)).toBe('before\nafter\n');
  writeSync(writer, 'x'.repeat(100_000));
  closeSync(writer);
  expect(log.readSince(0)).toBe('x'.repeat(65_536));
});
