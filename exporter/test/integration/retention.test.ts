import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { retentionWork } from '../../src/app/retention-work.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { decodeBucket, emptyBucket } from '../../src/histogram/bucket-codec.ts';
import { Traffic } from '../../src/histogram/traffic.ts';
import { DayPartitions } from '../../src/storage/day-partitions.ts';
import { EVALUATION_INDEXES } from '../../src/storage/evaluation-store.ts';
import { HistoryStore } from '../../src/storage/history-store.ts';
import { ModelStore } from '../../src/storage/model-store.ts';
import { daySizes } from '../../src/storage/partitions.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { compareWithRawRows } from '../support/recount.ts';
import { recordingLog } from '../support/silent-log.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 10, 24, 12, 30);
const TODAY = Date.UTC(2026, 10, 24);

let database: TestDatabase;
let core: Core;
let now = START;
const settings = { ...DEFAULT_SETTINGS, overrides: new Map([['churn', { segments: ['channel'] }]]) };

beforeEach(async () => {
  now = START;
  database = await createTestDatabase();
  core = await openCore(database.url, { now: () => now, settings });
});
afterEach(async () => {
  await core.close();
  await database.drop();
});

function event(timestamp: number, i = 0) {
  return {
    model: 'churn',
    version: '1',
    prediction_id: randomUUID(),
    timestamp,
    features: { age: 20 + (i % 50), region: ['north', 'south', 'east'][i % 3] },
    prediction: i % 3 === 0 ? 'yes' : 'no',
    score: (i % 100) / 100,
    latency_ms: 1 + (i % 40),
    error: i % 50 === 0 ? 'timeout' : null,
    segment: { channel: i % 2 === 0 ? 'app' : 'web' },
  };
}

const daysAgo = (n: number, rows: number) =>
  Array.from({ length: rows }, (_, i) => event(TODAY - n * DAY + ((i * 7_919) % (DAY - HOUR)), i));

function housekeeping(rawBytes: number, of: Core = core) {
  const { log, lines } = recordingLog();
  const evaluations = new DayPartitions(of.pool, 'evaluations', EVALUATION_INDEXES);
  const run = retentionWork({
    settings: () => ({ ...settings, retention: { ...settings.retention, rawBytes } }),
    clock: { now: () => now },
    log,
    isLeader: () => true,
    predictions: of.days,
    evaluations,
    groundTruth: of.groundTruth,
    statistics: of.statistics,
    models: new ModelStore(of.pool, of.catalog),
  });
  return { run, lines };
}

describe('retention.raw_bytes', () => {
  test('drops the oldest days while writers go on; statistics stay, and nothing is counted twice', async () => {
    const sent = [5, 4, 3, 2, 1].map((n) => daysAgo(n, 2_000));
    for (const events of sent) expect(await core.predict(events)).toMatchObject({ accepted: 2_000 });
    const old = sent[0]!.slice(0, 300);
    await core.label(old.map(({ model, prediction_id }) => ({ model, prediction_id, label: 'yes' })));
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const sizes = await daySizes(core.pool, 'predictions');
    expect(sizes.map(({ dayStartMs }) => dayStartMs)).toEqual([5, 4, 3, 2, 1].map((n) => TODAY - n * DAY));
    const whole = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    // A row takes its 400 B and more: the figure is that of tables with their indexes.
    expect(whole).toBeGreaterThan(5 * 2_000 * 200);

    let writing = true;
    let written = 0;
    const writer = async () => {
      while (writing) {
        const events = Array.from({ length: 50 }, (_, i) => event(now - (i % 2) * DAY, i));
        const reply = await core.predict(events);
        expect(reply).toMatchObject({ accepted: 50, rejected: 0 });
        written += 50;
      }
    };
    const writers = [writer(), writer()];
    // Room for three of the five days and what the writers add meanwhile.
    const { run, lines } = housekeeping(Math.floor(whole * 0.65));
    await run();
    writing = false;
    await Promise.all(writers);
    expect(written).toBeGreaterThan(0);

    const left = (await daySizes(core.pool, 'predictions')).map(({ dayStartMs }) => dayStartMs);
    expect(left).not.toContain(TODAY - 5 * DAY);
    expect(left).toContain(TODAY);
    expect(JSON.stringify(lines)).toContain('retention.raw_bytes');
    const { rows: labels } = await core.pool.query('SELECT FROM ground_truth');
    expect(labels).toHaveLength(0);

    // Their statistics are there: all rows are counted, and those that are left equal a recount.
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const [version] = core.catalog.versions();
    expect(core.evaluator.memory.totalsOf(version!.target.versionId).traffic.rows).toBe(10_000 + written);
    expect(core.evaluator.memory.totalsOf(version!.target.versionId).labels).toBe(300);
    expect((await compareWithRawRows(core.pool, core.catalog, left[0]!)).differences).toEqual([]);

    // Sent again, a row of a day that is gone could not be known as a duplicate.
    expect(await core.predict(old.slice(0, 10))).toMatchObject({ accepted: 0, duplicates: 0, rejected: 10 });
    expect((await core.predict(old.slice(0, 1))).errors[0]!.detail).toMatch(/older than the retention of raw/);
  });

  test('another replica, which does not know yet, stores none of a day that is gone, and knows from then on', async () => {
    const old = daysAgo(3, 500);
    await core.predict(old);
    await core.predict(daysAgo(0, 500));
    const other = await openCore(database.url, { now: () => now, settings });
    try {
      await housekeeping(2 ** 16).run();
      await expect(other.predict(old.slice(0, 5))).rejects.toMatchObject({ code: 'unavailable' });
      expect(await other.predict(old.slice(0, 5))).toMatchObject({ accepted: 0, rejected: 5 });
      expect(await other.predict(daysAgo(0, 5))).toMatchObject({ accepted: 5 });
      expect(await other.days.oldestMs()).toBe(TODAY);
    } finally {
      await other.close();
    }
  });

  test('never today, and not yesterday while a retry of it may come without its time', async () => {
    now = TODAY + HOUR / 2;
    await core.predict([event(TODAY - HOUR), event(TODAY - 2 * DAY), event(TODAY)]);
    const { run } = housekeeping(2 ** 10);
    await run();
    expect((await daySizes(core.pool, 'predictions')).map(({ dayStartMs }) => dayStartMs)).toEqual([
      TODAY - DAY,
      TODAY,
      TODAY + DAY,
    ]);
    now += HOUR;
    await run();
    expect(await core.days.oldestMs()).toBe(TODAY);
    await run();
    expect(await core.days.oldestMs()).toBe(TODAY);
  });

  test('within the budget nothing happens', async () => {
    await core.predict(daysAgo(3, 100));
    const { run, lines } = housekeeping(2 ** 30);
    await run();
    expect(await core.days.oldestMs()).toBe(TODAY - 3 * DAY);
    expect(lines).toEqual([]);
  });
});

describe('a captured baseline', () => {
  test('stays whole when the days that it was captured from are gone', async () => {
    const events = daysAgo(3, 400);
    await core.predict(events);
    await core.label(events.slice(0, 50).map(({ model, prediction_id }) => ({ model, prediction_id, label: 'yes' })));
    const { id } = await core.capture('churn', '1', { fromMs: TODAY - 4 * DAY, toMs: now, limit: Infinity });
    const [version] = core.catalog.versions();
    await core.label(events.slice(50, 60).map(({ model, prediction_id }) => ({ model, prediction_id, label: 'yes' })));
    expect(await core.baselines.refreshLabels(version!.target.versionId)).toBe(true);
    await core.predict(daysAgo(0, 10));
    await housekeeping(2 ** 10).run();
    expect(await core.baselines.refreshLabels(version!.target.versionId)).toBe(false);
    expect(await core.baselines.load(id)).toMatchObject({ rows: 400, labelledRows: 60 });
  });
});

/** Everything that is counted, by version, scheme and segment. */
async function sums() {
  const { rows } = await core.pool.query<{ owner: string; minutes: number; payload: Buffer }>(
    `SELECT version_id || '/' || scheme_id || '/' || segment_id AS owner, bucket_minutes AS minutes, payload FROM statistics_bucket ORDER BY 1, bucket_start`,
  );
  const all = new Map<string, ReturnType<typeof emptyBucket> & { traffic: Traffic }>();
  for (const { owner, payload } of rows) {
    const of = all.get(owner) ?? { ...emptyBucket(0), traffic: new Traffic() };
    all.set(owner, of);
    const { features, minutes, performance } = decodeBucket(payload);
    of.features.add(features);
    of.performance.merge(performance, 1);
    for (const traffic of minutes.values()) of.traffic.add(traffic);
  }
  const sorted = (counts: Iterable<readonly [number, number]>) => [...counts].sort(([a], [b]) => a - b);
  return {
    lengths: new Set(rows.map(({ minutes }) => minutes)),
    buckets: rows.length,
    counts: [...all].map(([owner, { features, performance, traffic }]) => ({
      owner,
      rows: features.rows,
      cells: [...features.counts],
      positives: [...features.positives],
      scoreSum: Number(features.scoreSum.toPrecision(12)),
      labelled: performance.labelled,
      confusion: sorted(performance.confusion),
      decisions: sorted(performance.decisions),
      delays: sorted(performance.delays),
      traffic: traffic.rows,
      errors: sorted(traffic.errors),
      latency: sorted(traffic.latency),
      latencySum: Number(traffic.latencySum.toPrecision(12)),
    })),
  };
}

describe('hours become days', () => {
  /** Three days of hours, labels, two segments and a switch of schemes; then a hundred days pass, and the raw rows go. */
  async function aHundredDaysLater() {
    for (const n of [2, 1, 0]) {
      const events = daysAgo(n, 600).filter(({ timestamp }) => timestamp <= now);
      await core.predict(events);
      await core.label(
        events.slice(0, 100).map(({ model, prediction_id }) => ({ model, prediction_id, label: 'yes' })),
      );
      if (n === 1) await core.capture('churn', '1', { fromMs: TODAY - 3 * DAY, toMs: now, limit: 500 });
    }
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    now += 100 * DAY;
    await core.days.dropBefore(now - 90 * DAY);
    core.evaluator.drop();
    await core.evaluator.catchUp();
    await core.evaluator.fold();
  }
  const closedBefore = async () => (await core.days.oldestMs()) ?? now;

  test('one each, with the same sums and the same history; a second time nothing changes', async () => {
    await aHundredDaysLater();
    const before = await sums();
    const span = [TODAY - 2 * DAY, TODAY + DAY] as const;
    const past = await new HistoryStore(core.pool).predictions(...span);
    expect([...before.lengths]).toEqual([60]);
    let merged = 0;
    for (;;) {
      const some = await core.evaluator.mergeOldest(await closedBefore());
      merged += some;
      if (some === 0) break;
    }
    const after = await sums();
    expect(merged).toBe(before.buckets);
    expect([...after.lengths]).toEqual([1_440]);
    // Whole and two segments, under two schemes at most, for three days.
    expect(after.buckets).toBeLessThanOrEqual(18);
    expect(after.counts).toEqual(before.counts);
    expect(past.get('churn')).toBe(1_200 + daysAgo(0, 600).filter(({ timestamp }) => timestamp <= START).length);
    expect(await new HistoryStore(core.pool).predictions(...span)).toEqual(past);
    // To the hour.
    const noon = [TODAY - 2 * DAY, TODAY - 2 * DAY + 12 * HOUR] as const;
    expect((await new HistoryStore(core.pool).predictions(...noon)).get('churn')).toBe(
      daysAgo(2, 600).filter(({ timestamp }) => timestamp < noon[1]).length,
    );
    expect(await core.evaluator.mergeOldest(await closedBefore())).toBe(0);
    expect((await sums()).counts).toEqual(before.counts);
  });

  test('hours that come to a day that was merged already are merged into it', async () => {
    await aHundredDaysLater();
    while ((await core.evaluator.mergeOldest(await closedBefore())) > 0);
    const [version] = core.catalog.versions();
    const day = TODAY / 60_000;
    // As a retention that was made longer lets in.
    const { rows } = await core.pool.query<{ payload: Buffer }>(
      'SELECT payload FROM statistics_bucket WHERE bucket_start = $1 AND segment_id = 0 AND scheme_id = $2',
      [day, version!.target.scheme.id],
    );
    const once = decodeBucket(rows[0]!.payload);
    await core.pool.query(
      'INSERT INTO statistics_bucket (version_id, scheme_id, segment_id, bucket_start, bucket_minutes, fence, payload) VALUES ($1, $2, 0, $3, 60, 1, $4)',
      [version!.target.versionId, version!.target.scheme.id, day, rows[0]!.payload],
    );
    expect(await core.evaluator.mergeOldest(await closedBefore())).toBe(1);
    const twice = await core.pool.query<{ payload: Buffer }>(
      'SELECT payload FROM statistics_bucket WHERE bucket_start = $1 AND segment_id = 0 AND scheme_id = $2',
      [day, version!.target.scheme.id],
    );
    expect(twice.rows).toHaveLength(1);
    const bucket = decodeBucket(twice.rows[0]!.payload);
    expect(bucket.features.rows).toBe(2 * once.features.rows);
    expect([...bucket.features.counts]).toEqual([...once.features.counts].map((count) => 2 * count));
  });

  test.each([
    ['the lease was lost', "UPDATE leases SET token = token + 1, holder = 'another'", 'RESOLVES'],
    [
      'the day cannot be stored',
      'ALTER TABLE statistics_bucket ADD CONSTRAINT no_days CHECK (bucket_minutes < 1440) NOT VALID',
      'REJECTS',
    ],
  ])('all or nothing: %s', async (_name, fault, outcome) => {
    await aHundredDaysLater();
    const before = await sums();
    const oldest = (await core.statistics.oldestUnmerged())!;
    const { rows: lease } = await core.pool.query<{ holder: string; token: string }>(
      'SELECT holder, token FROM leases',
    );
    await core.pool.query(fault);
    const day = oldest - (oldest % 1_440);
    const merging = core.statistics.mergeDay(
      { holder: lease[0]!.holder, token: Number(lease[0]!.token), ttlMs: 5_000 },
      day,
    );
    if (outcome === 'RESOLVES') expect(await merging).toBe(0);
    else await expect(merging).rejects.toMatchObject({ code: '23514' });
    expect(await sums()).toEqual(before);
  });

  test('not while raw rows of the day are there, nor what a window reaches', async () => {
    await core.predict(daysAgo(0, 50).filter(({ timestamp }) => timestamp <= now));
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    now += 100 * DAY;
    core.evaluator.drop();
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    expect(await core.evaluator.mergeOldest(await closedBefore())).toBe(0);
    await core.days.dropBefore(now);
    now = START + 80 * DAY;
    expect(await core.evaluator.mergeOldest(now)).toBe(0);
    now = START + 92 * DAY;
    expect(await core.evaluator.mergeOldest(now)).toBeGreaterThan(0);
  });

  test('after retention.statistics they are gone', async () => {
    await aHundredDaysLater();
    while ((await core.evaluator.mergeOldest(await closedBefore())) > 0);
    const { run } = housekeeping(2 ** 30);
    now = TODAY + 364 * DAY;
    await run();
    expect((await sums()).buckets).toBeGreaterThan(0);
    now = TODAY + 367 * DAY;
    await run();
    expect((await sums()).buckets).toBe(0);
    // Counters never fall.
    const [version] = core.catalog.versions();
    expect(core.evaluator.memory.totalsOf(version!.target.versionId).traffic.rows).toBeGreaterThan(1_200);
  });
});
