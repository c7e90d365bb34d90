import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { bucketStart, HOUR_MS, MINUTE_MS, windowSpan } from '../histogram/time-bucket.ts';
import type { BucketMinutes } from '../histogram/time-bucket.ts';
import { Traffic } from '../histogram/traffic.ts';
import { VersionWindows } from './version-windows.ts';

const NOON = Math.floor(Date.UTC(2026, 10, 24, 12) / MINUTE_MS);
const DAY = 24 * HOUR_MS;
const COLUMNS = 3;
const AGE = 2;

const keyAt = (minute: number, bucketMinutes: BucketMinutes = 60) => ({
  versionId: 1,
  schemeId: 1,
  segmentId: 0,
  bucketStart: bucketStart(minute * MINUTE_MS, bucketMinutes),
  bucketMinutes,
});

/** One labelled prediction of `minute`, with an age of code 7. */
function count(windows: VersionWindows, minute: number, bucketMinutes: BucketMinutes = 60): void {
  const key = keyAt(minute, bucketMinutes);
  const { open } = windows.openForWriting(key, COLUMNS);
  open.features.rows++;
  open.features.column(AGE)[7]! += 1;
  const at = minute - key.bucketStart;
  const traffic = open.minutes.get(at) ?? new Traffic();
  open.minutes.set(at, traffic);
  traffic.addRow(0, 0.5);
  open.performance.labelled++;
}

/** Stores everything, as a fold does, and returns the bytes. */
function store(windows: VersionWindows) {
  return [...windows.dirty()].map((bucket) => ({ key: bucket, bytes: windows.encode(bucket) }));
}

function seen(windows: VersionWindows, nowMinute: number, windowMs: number) {
  const { features, traffic, performance } = windows.window(nowMinute * MINUTE_MS, windowMs, COLUMNS);
  return {
    rows: features.rows,
    ages: features.column(AGE)[7],
    requests: traffic.rows,
    latency: traffic.latencySum,
    labelled: performance.labelled,
  };
}
const rows = (n: number) => ({ rows: n, ages: n, requests: n, latency: n / 2, labelled: n });

describe('a window is the sum of its buckets', () => {
  test('nothing', () => {
    const windows = new VersionWindows();
    expect(seen(windows, NOON, DAY)).toEqual(rows(0));
    expect(windows.isEmpty).toBe(true);
  });

  test.each([
    ['open', false, false],
    ['stored and open', true, false],
    ['stored and closed', true, true],
  ])('%s', (_name, stored, closed) => {
    const windows = new VersionWindows();
    // The day before noon begins at noon of yesterday; the hour before that is not in it.
    for (const minute of [NOON - 1_441, NOON - 1_440, NOON - 60, NOON - 1, NOON]) count(windows, minute);
    if (stored) store(windows);
    if (closed) windows.settle(NOON, 0);
    expect(seen(windows, NOON, DAY)).toEqual(rows(4));
    expect(seen(windows, NOON + 59, DAY)).toEqual(rows(4));
    expect(seen(windows, NOON + 60, DAY)).toEqual(rows(3));
    expect(seen(windows, NOON + 3 * 1_440, DAY)).toEqual(rows(0));
  });

  test('asking twice gives the same; another length asks for other buckets', () => {
    const windows = new VersionWindows();
    count(windows, NOON - 200);
    count(windows, NOON - 10);
    store(windows);
    windows.settle(NOON, 0);
    expect(seen(windows, NOON, DAY)).toEqual(rows(2));
    expect(seen(windows, NOON, 3 * HOUR_MS)).toEqual(rows(1));
    expect(seen(windows, NOON, DAY)).toEqual(rows(2));
  });

  test('what comes into a closed bucket counts, once', () => {
    const windows = new VersionWindows();
    count(windows, NOON - 100);
    store(windows);
    windows.settle(NOON, 0);
    expect(seen(windows, NOON, DAY)).toEqual(rows(1));
    count(windows, NOON - 90);
    expect(seen(windows, NOON, DAY)).toEqual(rows(2));
    store(windows);
    windows.settle(NOON, 0);
    expect(seen(windows, NOON, DAY)).toEqual(rows(2));
  });

  test('traffic by the minute, also out of buckets of an hour; features and labels by whole buckets', () => {
    for (const closed of [false, true]) {
      const windows = new VersionWindows();
      for (let minute = NOON - 120; minute < NOON; minute++) count(windows, minute);
      store(windows);
      if (closed) windows.settle(NOON, 0);
      // At 11:30 an hour reaches from 10:30 to 11:36: only the bucket of 11:00 begins in it.
      expect(seen(windows, NOON - 30, HOUR_MS)).toMatchObject({ requests: 66, rows: 60, labelled: 60 });
    }
  });

  test('buckets of a minute and of an hour may begin together', () => {
    const windows = new VersionWindows();
    count(windows, NOON - 60, 60);
    count(windows, NOON - 60, 1);
    expect([...windows.dirty()]).toHaveLength(2);
    expect(seen(windows, NOON, DAY)).toEqual(rows(2));
  });
});

describe('storing', () => {
  test('dirty until stored; again when something arrives', () => {
    const windows = new VersionWindows();
    count(windows, NOON);
    expect(store(windows)).toHaveLength(1);
    expect(store(windows)).toHaveLength(0);
    count(windows, NOON);
    expect(store(windows)).toHaveLength(1);
  });

  test('stored buckets come back as they were', () => {
    const windows = new VersionWindows();
    for (let minute = NOON - 300; minute <= NOON; minute += 7) count(windows, minute);
    const back = new VersionWindows();
    for (const { key, bytes } of store(windows)) back.load(key, bytes);
    expect(back.isWhole(keyAt(NOON - 6))).toBe(true);
    expect(back.isWhole(keyAt(NOON))).toBeUndefined();
    expect([...back.dirty()]).toHaveLength(0);
    expect(seen(back, NOON, DAY)).toEqual(rows(43));
    count(back, NOON);
    expect(seen(back, NOON, DAY)).toEqual(rows(44));
  });

  test('beyond the reach of minutes traffic is one sum, which nothing is added to before it is read back', () => {
    const windows = new VersionWindows();
    for (const minute of [NOON - 190, NOON - 185, NOON - 182, NOON - 130]) count(windows, minute);
    const stored = store(windows);
    windows.settle(NOON - 51, 0);
    expect([NOON - 190, NOON - 130].map((minute) => windows.isWhole(keyAt(minute)))).toEqual([true, true]);
    windows.settle(NOON - 50, 0);
    expect([NOON - 190, NOON - 130].map((minute) => windows.isWhole(keyAt(minute)))).toEqual([false, true]);
    expect(seen(windows, NOON, DAY)).toEqual(rows(4));
    expect(() => count(windows, NOON - 190)).toThrow(/was not read back/);
    windows.load(keyAt(NOON - 190), stored.find(({ key }) => key.bucketStart === NOON - 240)!.bytes);
    count(windows, NOON - 190);
    expect(seen(windows, NOON, DAY)).toEqual(rows(5));
    expect([...windows.dirty()][0]!.open!.minutes.size).toBe(3);
  });

  test('settle forgets what no window reaches, and never what is not stored', () => {
    const windows = new VersionWindows();
    count(windows, NOON - 600);
    windows.settle(NOON, NOON - 60);
    expect(windows.isWhole(keyAt(NOON - 600))).toBe(true);
    store(windows);
    windows.settle(NOON, NOON - 541);
    expect(windows.isWhole(keyAt(NOON - 600))).toBe(false);
    windows.settle(NOON, NOON - 540);
    expect(windows.isEmpty).toBe(true);
    expect(seen(windows, NOON, DAY)).toEqual(rows(0));
  });
});

test('property: whatever is stored, closed or read back between, a window counts its rows', () => {
  const minute = fc.integer({ min: NOON - 2_000, max: NOON });
  const size = fc.constantFrom<BucketMinutes>(1, 60);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('count' as const), minute, size }) },
    fc.record({ kind: fc.constantFrom('store', 'settle', 'restart', 'look') }),
  );
  const lengths = fc.constantFrom(5 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS, DAY);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), lengths, (steps, windowMs) => {
      let windows = new VersionWindows();
      const stored = new Map<string, ReturnType<typeof store>[number]>();
      const save = () => {
        for (const one of store(windows)) stored.set(`${one.key.bucketStart}/${one.key.bucketMinutes}`, one);
      };
      const counted: { start: number; minute: number }[] = [];
      for (const one of steps) {
        if (one.kind === 'count' && 'minute' in one) {
          const key = keyAt(one.minute, one.size);
          if (windows.isWhole(key) === false)
            windows.load(key, stored.get(`${key.bucketStart}/${key.bucketMinutes}`)!.bytes);
          count(windows, one.minute, one.size);
          counted.push({ start: keyAt(one.minute, one.size).bucketStart, minute: one.minute });
        } else if (one.kind === 'look') seen(windows, NOON, windowMs);
        else save();
        if (one.kind === 'settle') windows.settle(NOON, NOON - 3_000);
        if (one.kind === 'restart') {
          windows = new VersionWindows();
          for (const { key, bytes } of stored.values()) windows.load(key, bytes);
        }
      }
      const { from, to } = windowSpan(NOON * MINUTE_MS, windowMs);
      const within = (of: 'start' | 'minute') => counted.filter((row) => row[of] >= from && row[of] < to).length;
      const found = seen(windows, NOON, windowMs);
      expect(found.requests).toBe(within('minute'));
      expect(found.rows).toBe(within('start'));
      expect(found.labelled).toBe(within('start'));
    }),
  );
});
