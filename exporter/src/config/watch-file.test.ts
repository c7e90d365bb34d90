import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { watchForChanges } from './watch-file.ts';

let folder: string;
let stop = (): void => undefined;
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'mh-watch-'))));
afterEach(() => {
  stop();
  rmSync(folder, { recursive: true });
});

/** Resolves after the change was noticed. It is made again until then: the first may have been before the first look. */
async function noticed(file: string, change: () => void): Promise<void> {
  let changes = 0;
  stop = watchForChanges(file, () => changes++, 20);
  while (changes === 0) {
    await sleep(200);
    change();
  }
  stop();
}

const inFolder = (name: string) => path.join(folder, name);

test('written in place, replaced as editors do, and swapped behind a link as Kubernetes does', async () => {
  const file = inFolder('config.yml');
  writeFileSync(file, 'a: 1');
  await noticed(file, () => writeFileSync(file, `a: ${Date.now()}`));
  await noticed(file, () => {
    writeFileSync(inFolder('new.yml'), 'a: 333');
    renameSync(inFolder('new.yml'), file);
  });
  const link = inFolder('link.yml');
  symlinkSync(file, link);
  let generation = 0;
  await noticed(link, () => {
    const other = inFolder(`other-${generation++}.yml`);
    writeFileSync(other, 'a: 4');
    symlinkSync(other, inFolder('next'));
    renameSync(inFolder('next'), link);
  });
});

test('one that is removed is no change; one that comes back is', async () => {
  const file = inFolder('config.yml');
  writeFileSync(file, 'a: 1');
  let changes = 0;
  stop = watchForChanges(file, () => changes++, 20);
  await sleep(200);
  rmSync(file);
  await sleep(300);
  expect(changes).toBe(0);
  // At once, with its contents: what is written in two steps may be seen as two changes.
  writeFileSync(inFolder('new.yml'), 'a: 2');
  renameSync(inFolder('new.yml'), file);
  while (changes === 0) await sleep(20);
  expect(changes).toBe(1);
});
