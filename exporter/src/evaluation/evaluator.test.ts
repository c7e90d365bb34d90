import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { labelDelta, predictionDelta, unmatchedDelta } from '../../test/support/deltas.ts';
import { FakeSchemes, FakeStatistics } from '../../test/support/fake-statistics.ts';
import { testTarget } from '../../test/support/model-target.ts';
import { recordingLog } from '../../test/support/silent-log.ts';
import { decodeBucket } from '../histogram/bucket-codec.ts';
import { HOUR_MS } from '../histogram/time-bucket.ts';
import { Evaluator } from './evaluator.ts';

const START = Date.UTC(2026, 10, 24, 12, 30);
const DAY = 24 * HOUR_MS;
const target = testTarget();

function setUp(source = new FakeStatistics()) {
  const schemes = new FakeSchemes([target]);
  const { log, lines } = recordingLog();
  const clock = { at: START, now: () => clock.at };
  const evaluator = new Evaluator({
    source,
    schemes,
    takeLease: source.takeLease,
    holder: 'me',
    leaseTtlMs: 5_000,
    clock,
    longestWindowMs: () => DAY,
    log,
  });
  const rows = () => evaluator.memory.window(target, clock.at, DAY).features.rows;
  return { source, schemes, lines, clock, evaluator, rows, total: () => evaluator.memory.totalsOf(1).traffic.rows };
}
const predictions = (n: number, atMs = START) =>
  predictionDelta(
    target,
    Array.from({ length: n }, () => atMs),
  );

describe('catching up', () => {
  test('loads once, then polls what is new', async () => {
    const { source, schemes, evaluator, rows, total } = setUp();
    source.commit(predictions(3));
    expect(evaluator.isLeader).toBe(false);
    expect(await evaluator.catchUp()).toBe(true);
    expect(evaluator.isLeader).toBe(true);
    expect([rows(), total()]).toEqual([3, 3]);
    source.commit(predictions(2));
    await evaluator.catchUp();
    await evaluator.catchUp();
    expect([rows(), total()]).toEqual([5, 5]);
    expect([source.loads, schemes.refreshes]).toEqual([1, 3]);
  });

  test('learns versions and schemes that a delta names', async () => {
    const { source, schemes, evaluator } = setUp();
    source.commit(predictions(1));
    await evaluator.catchUp();
    expect([[...schemes.learnt], [...schemes.loaded]]).toEqual([[1], [1]]);
  });

  test('without the lease there is nothing to do', async () => {
    const { source, evaluator, rows } = setUp();
    source.grants = false;
    source.commit(predictions(3));
    expect(await evaluator.catchUp()).toBe(false);
    expect([evaluator.isLeader, source.loads, rows()]).toEqual([false, 0, 0]);
    await evaluator.fold();
    expect(source.deltas.size).toBe(1);
  });
});

describe('folding', () => {
  test('stores what was applied; another who reads it finds the same', async () => {
    const { source, evaluator, rows } = setUp();
    source.commit(predictions(3));
    source.commit(labelDelta(target, START, 2));
    source.commit(unmatchedDelta(1, 7));
    await evaluator.catchUp();
    await evaluator.fold();
    expect([source.deltas.size, source.stored.size, rows()]).toEqual([0, 1, 3]);
    const other = setUp(source);
    source.release();
    source.commit(predictions(1));
    await other.evaluator.catchUp();
    expect([other.rows(), other.total()]).toEqual([4, 4]);
    expect(other.evaluator.memory.window(target, START, DAY).performance.labelled).toBe(2);
    expect(other.evaluator.memory.totalsOf(1).labels).toBe(2);
    expect(other.evaluator.memory.unmatchedOf(1)).toBe(7);
  });

  test('with nothing new asks nothing of the store', async () => {
    const { source, evaluator } = setUp();
    await evaluator.catchUp();
    await evaluator.fold();
    expect(source.folds).toBe(0);
  });

  test('what is applied while the store answers is folded next', async () => {
    const { source, evaluator, rows, total } = setUp();
    source.commit(predictions(3));
    await evaluator.catchUp();
    const folding = evaluator.fold();
    source.commit(predictions(2));
    await Promise.all([folding, evaluator.catchUp()]);
    expect([rows(), total()]).toEqual([5, 5]);
    await evaluator.fold();
    expect(source.deltas.size).toBe(0);
    expect(JSON.parse(source.totals.get('1/1')!.json)).toMatchObject({ rows: 5 });
  });
});

describe('whenever the memory may not be true, it is read again', () => {
  test('the lease was stolen: the fold is refused, and nothing of it is kept', async () => {
    const { source, evaluator, rows, lines } = setUp();
    source.commit(predictions(3));
    await evaluator.catchUp();
    source.steal();
    await evaluator.fold();
    expect(source.stored.size).toBe(0);
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'the fold of statistics was refused; reading them again'],
    ]);
    expect([evaluator.isLeader, rows()]).toEqual([false, 0]);
    source.release();
    await evaluator.renew();
    await evaluator.catchUp();
    expect([evaluator.isLeader, rows(), source.loads]).toEqual([true, 3, 2]);
  });

  test('the lease is refused on renewal: everything is dropped', async () => {
    const { source, evaluator, rows } = setUp();
    source.commit(predictions(3));
    await evaluator.catchUp();
    source.grants = false;
    await evaluator.renew();
    expect([evaluator.isLeader, rows()]).toEqual([false, 0]);
  });

  test('it is to be counted otherwise: what is shown stands, and nothing is folded before all is read again', async () => {
    const { source, evaluator, rows, total } = setUp();
    source.commit(predictions(3));
    await evaluator.catchUp();
    expect([evaluator.isLeader, evaluator.shows]).toEqual([true, false]);
    evaluator.published();
    evaluator.reread();
    expect([evaluator.isLeader, evaluator.shows, evaluator.showsAlone]).toEqual([false, true, true]);
    await evaluator.fold();
    expect(source.deltas.size).toBe(1);
    source.commit(predictions(2));
    await evaluator.catchUp();
    expect([evaluator.isLeader, rows(), total(), source.loads]).toEqual([true, 5, 5, 2]);
  });

  test('the lease was lost and won again between two looks: another may have folded', async () => {
    const { source, evaluator, total } = setUp();
    source.commit(predictions(3));
    await evaluator.catchUp();
    source.release();
    await evaluator.renew();
    expect(evaluator.isLeader).toBe(false);
    await evaluator.catchUp();
    expect([evaluator.isLeader, total(), source.loads]).toEqual([true, 3, 2]);
  });

  test('what was published before the lease was lost is shown again once all is published again', async () => {
    const { source, evaluator } = setUp();
    await evaluator.catchUp();
    evaluator.published();
    source.release();
    await evaluator.renew();
    evaluator.published();
    expect(evaluator.shows).toBe(false);
    await evaluator.catchUp();
    expect(evaluator.shows).toBe(false);
    evaluator.published();
    expect(evaluator.shows).toBe(true);
  });

  test('it was dropped, as after a reload, while it was read: it is read again before anything is folded', async () => {
    const { source, evaluator, rows } = setUp();
    source.commit(predictions(3));
    await evaluator.catchUp();
    await evaluator.fold();
    evaluator.drop();
    source.commit(predictions(2));
    const reading = evaluator.catchUp();
    while (source.loads < 2) await Promise.resolve();
    evaluator.drop();
    await reading;
    expect(evaluator.isLeader).toBe(false);
    await evaluator.catchUp();
    await evaluator.fold();
    expect([evaluator.isLeader, rows(), source.loads]).toEqual([true, 5, 3]);
  });

  test.each([
    ['all', true],
    ['what is new', false],
  ])('the lease was lost while %s was read: nothing of it stays in memory', async (_, all) => {
    const { source, evaluator, rows, total } = setUp();
    source.commit(predictions(3));
    await evaluator.catchUp();
    await evaluator.fold();
    if (all) evaluator.drop();
    source.commit(predictions(2));
    const reading = evaluator.catchUp();
    source.steal();
    await evaluator.renew();
    expect(await reading).toBe(false);
    expect([rows(), total()]).toEqual([0, 0]);
  });

  test.each(['before commit', 'after commit'] as const)(
    'the fold failed %s: counted once all the same',
    async (failure) => {
      const { source, evaluator, rows, total } = setUp();
      source.commit(predictions(3));
      await evaluator.catchUp();
      source.failure = failure;
      await expect(evaluator.fold()).rejects.toThrow('connection lost');
      expect(evaluator.isLeader).toBe(false);
      source.failure = 'none';
      await evaluator.catchUp();
      expect([rows(), total()]).toEqual([3, 3]);
      await evaluator.fold();
      expect(source.deltas.size).toBe(0);
      expect(JSON.parse(source.totals.get('1/1')!.json)).toMatchObject({ rows: 3 });
    },
  );
});

describe('old buckets', () => {
  test('leave the memory; a late row adds to what the store has of them', async () => {
    const { source, evaluator, clock, total } = setUp();
    source.commit(predictions(3));
    await evaluator.catchUp();
    await evaluator.fold();
    const { key } = [...source.stored.values()][0]!;
    clock.at = START + 3 * DAY;
    await evaluator.fold();
    expect(evaluator.memory.isWhole(key)).toBeUndefined();
    source.commit(predictions(2));
    await evaluator.catchUp();
    await evaluator.fold();
    expect(total()).toBe(5);
    const other = setUp(source);
    await other.evaluator.catchUp();
    expect(other.rows()).toBe(5);
  });

  test('a late row is counted beside the minutes that only the store has', async () => {
    const { source, evaluator, clock, rows, total } = setUp();
    source.commit(predictions(3));
    await evaluator.catchUp();
    await evaluator.fold();
    const { key } = [...source.stored.values()][0]!;
    clock.at = START + 4 * HOUR_MS;
    await evaluator.fold();
    expect(evaluator.memory.isWhole(key)).toBe(false);
    source.commit(predictions(2));
    await evaluator.catchUp();
    expect(evaluator.memory.isWhole(key)).toBe(true);
    expect(rows()).toBe(5);
    await evaluator.fold();
    expect(total()).toBe(5);
    expect(decodeBucket([...source.stored.values()][0]!.bytes).minutes.size).toBeGreaterThan(0);
  });

  test('are kept two hours beyond the longest window', async () => {
    const { source, evaluator, clock } = setUp();
    source.commit(predictions(1));
    await evaluator.catchUp();
    await evaluator.fold();
    const { key } = [...source.stored.values()][0]!;
    // The bucket of 12:00 ends at 13:00: it is out of reach at 15:00 of the next day.
    for (const [at, kept] of [
      [Date.UTC(2026, 10, 25, 14, 59), true],
      [Date.UTC(2026, 10, 25, 15), false],
    ] as const) {
      clock.at = at;
      await evaluator.fold();
      expect(evaluator.memory.isWhole(key) !== undefined).toBe(kept);
    }
  });
});

test('property: whatever fails or changes hands, every committed row is counted exactly once', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('commit' as const), rows: fc.integer({ min: 1, max: 9 }), daysAgo: fc.nat(4) }),
    fc.record({ kind: fc.constantFrom('catchUp', 'fold', 'restart', 'lose', 'fail before', 'fail after') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const source = new FakeStatistics();
      let current = setUp(source);
      let committed = 0;
      let recent = 0;
      for (const one of steps) {
        if ('rows' in one) {
          source.commit(predictions(one.rows, START - one.daysAgo * DAY));
          committed += one.rows;
          if (one.daysAgo <= 1) recent += one.rows;
        } else if (one.kind === 'catchUp') await current.evaluator.catchUp();
        else if (one.kind === 'restart' || one.kind === 'lose') {
          source.release();
          if (one.kind === 'restart') current = setUp(source);
          else await current.evaluator.renew();
        } else {
          source.failure = one.kind === 'fold' ? 'none' : one.kind === 'fail before' ? 'before commit' : 'after commit';
          await current.evaluator.fold().catch(() => undefined);
          source.failure = 'none';
        }
      }
      await current.evaluator.catchUp();
      expect([current.total(), current.rows()]).toEqual([committed, recent]);
      await current.evaluator.fold();
      expect(source.deltas.size).toBe(0);
      const other = setUp(source);
      await other.evaluator.catchUp();
      expect(other.total()).toBe(committed);
      expect(other.rows()).toBe(recent);
    }),
  );
});
