import { describe, expect, test } from '@jest/globals';
import { testTarget } from '../../test/support/model-target.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import type { BaselineMode, ModelSettings } from '../domain/settings.ts';
import { emptyBucket, encodeBucket } from '../histogram/bucket-codec.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../histogram/time-bucket.ts';
import type { MinuteSpan } from '../histogram/time-bucket.ts';
import { MovingBaselines, pastSpans, reachMs } from './moving-baseline.ts';

/** A Tuesday, half past twelve. */
const NOW = Date.UTC(2026, 10, 24, 12, 30);
const target = testTarget();
const withMode = (mode: BaselineMode): ModelSettings => ({
  ...DEFAULT_SETTINGS.defaults,
  baseline: { mode, autoCapture: 1_000 },
});
const iso = ({ from, to }: MinuteSpan) =>
  [from, to].map((minute) => new Date(minute * MINUTE_MS).toISOString().slice(5, 16)).join(' ');

describe('pastSpans', () => {
  test.each<readonly [string, BaselineMode, number, readonly string[]]>([
    ['a baseline that stands still has none', 'auto', DAY_MS, []],
    ['rolling: the week before the window', 'rolling', DAY_MS, ['11-16T12:00 11-23T12:00']],
    ['rolling, a window of an hour', 'rolling', HOUR_MS, ['11-17T11:00 11-24T11:00']],
    [
      'seasonal: every hour of the week that the window touches, four weeks back',
      'seasonal',
      HOUR_MS,
      ['11-17T11:00 11-17T13:00', '11-10T11:00 11-10T13:00', '11-03T11:00 11-03T13:00', '10-27T11:00 10-27T13:00'],
    ],
    [
      'seasonal, a day',
      'seasonal',
      DAY_MS,
      ['11-16T12:00 11-17T13:00', '11-09T12:00 11-10T13:00', '11-02T12:00 11-03T13:00', '10-26T12:00 10-27T13:00'],
    ],
    [
      'seasonal, a window of a week: what it is compared with ends before it begins',
      'seasonal',
      7 * DAY_MS,
      ['11-03T12:00 11-10T13:00', '10-27T12:00 11-03T13:00', '10-20T12:00 10-27T13:00', '10-13T12:00 10-20T13:00'],
    ],
  ])('%s', (_name, mode, windowMs, spans) => {
    expect(pastSpans(mode, NOW, windowMs).map(iso)).toEqual(spans);
  });

  test('on the hour the hour that begins is in it', () => {
    const noon = Date.UTC(2026, 10, 24, 12);
    expect(pastSpans('seasonal', noon, HOUR_MS).map(iso)[0]).toBe('11-17T11:00 11-17T13:00');
  });

  test('reach: to the beginning of the oldest stretch, or of the longest window', () => {
    expect(reachMs(withMode('auto'), NOW)).toBe(DAY_MS);
    expect(reachMs(withMode('rolling'), NOW)).toBe(8 * DAY_MS + HOUR_MS / 2);
    expect(reachMs(withMode('seasonal'), NOW)).toBe(29 * DAY_MS + HOUR_MS / 2);
  });
});

describe('MovingBaselines', () => {
  function setUp(rowsOfBucket: number) {
    const state = { rowsOfBucket, asked: 0 };
    const moving = new MovingBaselines((versionId, schemeId, segmentId, spans) => {
      state.asked++;
      return Promise.resolve(
        spans.map(({ from }) => {
          const counts = emptyBucket(5);
          counts.features.rows = state.rowsOfBucket;
          return {
            key: { versionId, schemeId, segmentId, bucketStart: from, bucketMinutes: 60 },
            bytes: encodeBucket(counts),
          };
        }),
      );
    });
    return { moving, state };
  }

  test('other modes have none, and read nothing', async () => {
    const { moving, state } = setUp(1_000);
    for (const mode of ['auto', 'reference', 'captured'] as const)
      expect((await moving.of(target, withMode(mode), NOW)).byWindow.size).toBe(0);
    expect(state.asked).toBe(0);
  });

  test('the sum of the stretches, by window, read once an hour', async () => {
    const { moving, state } = setUp(200);
    const { byWindow, reason } = await moving.of(target, withMode('seasonal'), NOW);
    expect([...byWindow].map(([windowMs, { kind, features }]) => [windowMs / HOUR_MS, kind, features.rows])).toEqual([
      [24, 'seasonal', 800],
      [1, 'seasonal', 800],
    ]);
    expect([reason, state.asked]).toEqual([null, 2]);
    await moving.of(target, withMode('seasonal'), NOW + 29 * MINUTE_MS);
    expect(state.asked).toBe(2);
    await moving.of(target, withMode('seasonal'), NOW + 30 * MINUTE_MS);
    expect(state.asked).toBe(4);
  });

  test('too little history falls back and says so, and is looked at again every minute', async () => {
    const { moving, state } = setUp(100);
    const found = await moving.of(target, withMode('seasonal'), NOW);
    expect(found.byWindow.size).toBe(0);
    expect(found.reason).toBe(
      'fewer than 500 predictions in the same hours of the four weeks before: compared with the plain baseline over 24 h (400), 1 h (400)',
    );
    state.rowsOfBucket = 600;
    expect((await moving.of(target, withMode('seasonal'), NOW + 1_000)).byWindow.size).toBe(0);
    expect((await moving.of(target, withMode('seasonal'), NOW + MINUTE_MS)).byWindow.size).toBe(2);
  });

  test('schemes that are no longer in use are forgotten', async () => {
    const { moving, state } = setUp(600);
    await moving.of(target, withMode('rolling'), NOW);
    moving.keep(new Set());
    await moving.of(target, withMode('rolling'), NOW);
    expect(state.asked).toBe(4);
  });
});
