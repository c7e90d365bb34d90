import { expect, test } from '@jest/globals';
import { Turns } from './turns.ts';

test('whatever else is due has its turn in the midst of long work', async () => {
  let turns = 0;
  const count = (): void => void (turns++, (next = setImmediate(count)));
  let next = setImmediate(count);
  const long = new Turns();
  for (let i = 0; i < 4; i++) {
    const began = performance.now();
    while (performance.now() - began < 25);
    await long.due();
  }
  clearImmediate(next);
  expect(turns).toBeGreaterThanOrEqual(4);
});
