import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { recordingLog, silentLog } from '../../test/support/silent-log.ts';
import { startTicker } from './ticker.ts';

/** Work that ends when it is told to. */
function controlled() {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const work = () => new Promise<void>((resolve, reject) => void ends.push({ resolve, reject }));
  return { work, ends };
}

const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('startTicker', () => {
  test('runs at once, then every interval', async () => {
    let runs = 0;
    const counting = async () => {
      runs++;
      await Promise.resolve();
    };
    const { stop } = startTicker('test', () => 1_000, counting, silentLog);
    expect(runs).toBe(1);
    await advance(999);
    expect(runs).toBe(1);
    await advance(1);
    expect(runs).toBe(2);
    await advance(3_000);
    expect(runs).toBe(5);
    await stop();
  });

  test('asks for the interval anew each time', async () => {
    const intervals = [100, 5_000];
    let runs = 0;
    const counting = async () => {
      runs++;
      await Promise.resolve();
    };
    const { stop } = startTicker('test', () => intervals.shift() ?? 9_000, counting, silentLog);
    await advance(100);
    expect(runs).toBe(2);
    await advance(4_900);
    expect(runs).toBe(2);
    await advance(100);
    expect(runs).toBe(3);
    await stop();
  });

  test('the time that the work takes is part of the interval', async () => {
    const { work, ends } = controlled();
    const { stop } = startTicker('test', () => 1_000, work, silentLog);
    await advance(300);
    ends[0]!.resolve();
    await advance(699);
    expect(ends).toHaveLength(1);
    await advance(1);
    expect(ends).toHaveLength(2);
    ends[1]!.resolve();
    await stop();
  });

  test('never twice at once; late work is followed by the next run straight away', async () => {
    const { work, ends } = controlled();
    const { stop } = startTicker('test', () => 1_000, work, silentLog);
    await advance(10_000);
    expect(ends).toHaveLength(1);
    ends[0]!.resolve();
    await advance(0);
    expect(ends).toHaveLength(2);
    ends[1]!.resolve();
    await stop();
  });

  test('hurried between two runs: at once, and the interval begins anew', async () => {
    let runs = 0;
    const counting = async () => {
      runs++;
      await Promise.resolve();
    };
    const { stop, hurry } = startTicker('test', () => 1_000, counting, silentLog);
    await advance(400);
    hurry();
    await advance(0);
    expect(runs).toBe(2);
    await advance(999);
    expect(runs).toBe(2);
    await advance(1);
    expect(runs).toBe(3);
    await stop();
  });

  test('hurried within a run: once more straight after it', async () => {
    const { work, ends } = controlled();
    const { stop, hurry } = startTicker('test', () => 1_000, work, silentLog);
    hurry();
    hurry();
    await advance(100);
    expect(ends).toHaveLength(1);
    ends[0]!.resolve();
    await advance(0);
    expect(ends).toHaveLength(2);
    ends[1]!.resolve();
    await advance(0);
    expect(ends).toHaveLength(2);
    await stop();
  });

  test('a failure is a warning, and the work goes on', async () => {
    const { log, lines } = recordingLog();
    let runs = 0;
    const error = new Error('no database');
    const { stop } = startTicker(
      'fold',
      () => 1_000,
      () => (++runs === 1 ? Promise.reject(error) : Promise.resolve()),
      log,
    );
    await advance(1_000);
    expect(runs).toBe(2);
    expect(lines).toEqual([
      { level: 'warn', message: 'periodic work failed, and will be tried again', fields: { err: error, work: 'fold' } },
    ]);
    await stop();
  });

  test('stopped between two runs there is no other', async () => {
    let runs = 0;
    const counting = async () => {
      runs++;
      await Promise.resolve();
    };
    const { stop } = startTicker('test', () => 1_000, counting, silentLog);
    await advance(500);
    await stop();
    await advance(10_000);
    expect(runs).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test.each([
    ['succeeds', (end: { resolve: () => void }) => end.resolve()],
    ['fails', (end: { reject: (error: Error) => void }) => end.reject(new Error('closed'))],
  ])('stopped within a run that %s, waits for its end', async (_name, finish) => {
    const { work, ends } = controlled();
    const { stop } = startTicker('test', () => 1_000, work, silentLog);
    let stopped = false;
    const stopping = stop().then(() => (stopped = true));
    await advance(5_000);
    expect(stopped).toBe(false);
    finish(ends[0]!);
    await stopping;
    await advance(10_000);
    expect(ends).toHaveLength(1);
  });
});
