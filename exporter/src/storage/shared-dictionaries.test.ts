import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { SharedDictionaries } from './shared-dictionaries.ts';

const NAMES = ['age', 'city', 'income', 'plan'];
const NUMERIC = ['age', 'income'];

test('features have columns in order of registration, and positions among those of their kind', () => {
  const { features, featureByName, ...counts } = new SharedDictionaries().features(NAMES, NUMERIC);
  expect(features).toEqual([
    { name: 'age', kind: 'numeric', position: 0, column: 2 },
    { name: 'city', kind: 'categorical', position: 0, column: 3 },
    { name: 'income', kind: 'numeric', position: 1, column: 4 },
    { name: 'plan', kind: 'categorical', position: 1, column: 5 },
  ]);
  expect(NAMES.map((name) => featureByName.get(name))).toEqual(features);
  expect(counts).toEqual({ numericCount: 2, categoricalCount: 2 });
});

test('what is said alike is one object, what differs is not', () => {
  const shared = new SharedDictionaries();
  const set = shared.features(NAMES, NUMERIC);
  const again = shared.features([...NAMES], [...NUMERIC]);
  expect(again.features).toBe(set.features);
  expect(again.featureByName).toBe(set.featureByName);
  for (const [names, numeric] of [
    [NAMES, ['age']],
    [[...NAMES, 'more'], NUMERIC],
    [NAMES.toReversed(), NUMERIC.toReversed()],
    [['age","city', 'income', 'plan'], NUMERIC],
  ] as const)
    expect(shared.features(names, numeric).features).not.toBe(set.features);
  const classes = shared.codesOf(['no', 'yes'], 0);
  expect([...classes]).toEqual([
    ['no', 0],
    ['yes', 1],
  ]);
  expect(shared.codesOf(['no', 'yes'], 0)).toBe(classes);
  expect(shared.codesOf(['yes', 'no'], 0)).not.toBe(classes);
  expect([...shared.codesOf(['no', 'yes'], 1)]).toEqual([
    ['no', 1],
    ['yes', 2],
  ]);
  const names = shared.setOf(['no']);
  expect([...names]).toEqual(['no']);
  expect(shared.setOf(['no'])).toBe(names);
  expect(shared.setOf([])).not.toBe(names);
});

test('it is kept for as long as somebody has it, and no longer', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const shared = new SharedDictionaries();
  const outgrown = new WeakRef(shared.codesOf(['no'], 0));
  const { features, featureByName } = shared.features(NAMES, NUMERIC);
  for (const deadline = Date.now() + 30_000; outgrown.deref() !== undefined && Date.now() < deadline;) {
    await turn();
    collect();
  }
  expect(outgrown.deref()).toBeUndefined();
  expect([...shared.codesOf(['no'], 0)]).toEqual([['no', 0]]);
  const again = shared.features(NAMES, NUMERIC);
  expect([again.features === features, again.featureByName === featureByName]).toEqual([true, true]);
});
