import { expect, test } from '@jest/globals';
import { windowLabel } from './window-label.ts';

test.each([
  [300_000, '5m'],
  [3_600_000, '1h'],
  [5_400_000, '90m'],
  [86_400_000, '24h'],
  [129_600_000, '36h'],
  [172_800_000, '2d'],
  [604_800_000, '7d'],
  [15_000, '15s'],
  [1_500, '1500ms'],
])('windowLabel(%d) is %s', (windowMs, label) => {
  expect(windowLabel(windowMs)).toBe(label);
});
