import { expect, test } from '@jest/globals';
import { countTurns } from '../../test/support/loop-turns.ts';
import { Turns } from './turns.ts';

test('whatever else is due has its turn in the midst of long work', async () => {
  const { turns, stop } = countTurns();
  const long = new Turns();
  for (let i = 0; i < 4; i++) {
    const began = performance.now();
    while (performance.now() - began < 25);
    await long.due();
  }
  stop();
  expect(turns()).toBeGreaterThanOrEqual(4);
});
