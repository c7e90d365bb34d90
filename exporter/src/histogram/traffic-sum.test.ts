import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Traffic } from './traffic.ts';
import { TrafficSum } from './traffic-sum.ts';

const row = fc.tuple(fc.nat(255), fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1e6, noNaN: true })));
const minute = fc.array(row, { maxLength: 8 }).map((rows) => {
  const traffic = new Traffic();
  for (const [error, seconds] of rows) traffic.addRow(error, seconds);
  return traffic;
});

const addedUp = (minutes: readonly Traffic[]): Traffic => {
  const all = new Traffic();
  for (const each of minutes) all.add(each);
  return all;
};

describe('traffic sum', () => {
  test('property: as traffic adds up one by one, and empty again when cleared', () => {
    const sum = new TrafficSum();
    fc.assert(
      fc.property(fc.array(minute, { maxLength: 6 }), (minutes) => {
        sum.clear();
        for (const each of minutes) sum.add(each);
        expect(sum.total()).toEqual(addedUp(minutes));
      }),
    );
    sum.clear();
    expect(sum.total()).toEqual(new Traffic());
  });

  test('a total is not what goes on being added to', () => {
    const sum = new TrafficSum();
    sum.latency.add(7, 2);
    const total = sum.total();
    sum.latency.add(7, 1);
    sum.clear();
    expect([...total.latency]).toEqual([[7, 2]]);
  });

  test('a code without a place is refused, not forgotten', () => {
    const sum = new TrafficSum();
    expect(() => sum.errors.add(256, 1)).toThrow(RangeError);
    expect(() => sum.latency.add(1_024, 1)).toThrow(RangeError);
  });
});
