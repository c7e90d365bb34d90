import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { ABSENT, FIRST_FEATURE_COLUMN } from '../../src/histogram/model-columns.ts';
import { keepsFeatures } from '../../src/histogram/raw-sample.ts';
import { RetrainingDataStore } from '../../src/storage/retraining-data-store.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const HOUR = 3_600_000;
const now = Date.UTC(2026, 10, 24, 12, 30);
const SHARE = 0.3;

function settingsOf(mode: 'auto' | 'captured' | 'reference', rawSample: number): Settings {
  const { defaults } = DEFAULT_SETTINGS;
  return { ...DEFAULT_SETTINGS, defaults: { ...defaults, rawSample, baseline: { ...defaults.baseline, mode } } };
}

const isKept = (id: string) => keepsFeatures(SHARE, Buffer.from(id.replaceAll('-', ''), 'hex'), 0);

function makeEvents(rows: number) {
  return Array.from({ length: rows }, (_, i) => ({
    model: 'churn',
    version: '1',
    prediction_id: randomUUID(),
    timestamp: now - ((i * 7_919_000) % (5 * HOUR)),
    features: {
      age: i % 20 === 0 ? null : 20 + (i % 50),
      income: i % 30 === 0 ? 'a lot' : i,
      region: i % 2 === 0 ? 'north' : 'south',
    },
    prediction: i % 3 === 0 ? 'yes' : 'no',
    score: (i % 100) / 100,
    latency_ms: 1 + (i % 40),
  }));
}

describe.each(['captured', 'auto'] as const)('raw_sample, baseline.mode %s', (mode) => {
  const databases: TestDatabase[] = [];
  const cores: Core[] = [];
  const open = async (rawSample: number) => {
    const database = await createTestDatabase();
    databases.push(database);
    const core = await openCore(database.url, { now: () => now, settings: settingsOf(mode, rawSample) });
    cores.push(core);
    return core;
  };
  let sampled: Core;
  let whole: Core;
  const events = makeEvents(1_500);
  const later = makeEvents(1_500);

  beforeAll(async () => {
    sampled = await open(SHARE);
    whole = await open(1);
  });
  afterAll(async () => {
    for (const core of cores) await core.close();
    for (const database of databases) await database.drop();
  });

  const statistics = async (core: Core) => {
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const { rows } = await core.pool.query<{ start: number; payload: string }>(
      `SELECT bucket_start AS start, encode(payload, 'hex') AS payload FROM statistics_bucket WHERE scheme_id = (SELECT max(scheme_id) FROM statistics_bucket) ORDER BY 1`,
    );
    return rows;
  };
  const keptRows = async (core: Core) =>
    new Set(
      (
        await core.pool.query<{ pid: string }>(
          'SELECT pid FROM predictions WHERE cardinality(num) + cardinality(cat) > 0',
        )
      ).rows.map(({ pid }) => pid),
    );

  test('statistics are those of all rows, duplicates and labels included, to the byte', async () => {
    for (const core of [sampled, whole]) {
      expect(await core.predict(events)).toMatchObject({ accepted: 1_500, rejected: 0 });
      expect(await core.predict(events.slice(0, 400))).toMatchObject({ accepted: 0, duplicates: 400 });
      const labels = events.slice(0, 700).map(({ model, prediction_id }) => ({ model, prediction_id, label: 'yes' }));
      expect(await core.label(labels)).toMatchObject({ joined: 700, waiting: 0 });
      // Corrected.
      expect(await core.label(labels.slice(0, 50).map((label) => ({ ...label, label: 'no' })))).toMatchObject({
        updated: 50,
      });
    }
    expect(await statistics(sampled)).toEqual(await statistics(whole));
  });

  test('features are kept of the sample: of all of them while the first ones are to be the baseline', async () => {
    const kept = await keptRows(sampled);
    const ids = events.map(({ prediction_id: id }) => id);
    expect([...kept].sort()).toEqual((mode === 'auto' ? ids : ids.filter(isKept)).sort());
    expect((await keptRows(whole)).size).toBe(1_500);
    const { rows } = await sampled.pool.query(
      'SELECT FROM predictions WHERE score IS NULL OR class IS NULL OR latency_ms IS NULL',
    );
    expect(rows).toHaveLength(0);
  });

  test('a capture takes the rows that have their features, and their labels', async () => {
    const usable = mode === 'auto' ? events : events.filter(({ prediction_id: id }) => isKept(id));
    const labelled = events.slice(0, 700).filter((event) => usable.includes(event));
    const baseline = await sampled.capture('churn', '1', { fromMs: now - 6 * HOUR, toMs: now + 1, limit: Infinity });
    expect(baseline).toMatchObject({ rows: usable.length, labelledRows: labelled.length });
    const { counts } = await sampled.baselines.load(baseline.id);
    expect(counts.features.column(FIRST_FEATURE_COLUMN)[ABSENT]).toBe(0);
    // Labels that come later are those of the same rows.
    const more = events.slice(700, 900);
    await sampled.label(more.map(({ model, prediction_id }) => ({ model, prediction_id, label: 'no' })));
    const [version] = sampled.catalog.versions();
    await sampled.baselines.refreshLabels(version!.target.versionId);
    expect(await sampled.baselines.load(baseline.id)).toMatchObject({
      rows: usable.length,
      labelledRows: labelled.length + more.filter((event) => usable.includes(event)).length,
    });
  });

  test('the switch counts traffic, answers and labels of all rows again, features of those that have them', async () => {
    await sampled.evaluator.catchUp();
    await sampled.evaluator.fold();
    const [version] = sampled.catalog.versions();
    const window = sampled.evaluator.memory.window(version!.target, now, 24 * HOUR);
    const usable = mode === 'auto' ? 1_500 : events.filter(({ prediction_id: id }) => isKept(id)).length;
    expect([window.features.rows, window.traffic.rows, window.performance.labelled]).toEqual([1_500, 1_500, 900]);
    for (const { column } of version!.target.features) {
      const counts = [...window.features.column(column)];
      expect(counts.reduce((sum, count, code) => sum + (code === ABSENT ? 0 : count), 0)).toBe(usable);
    }
    expect(sampled.evaluator.memory.totalsOf(version!.target.versionId).traffic.rows).toBe(1_500);
  });

  test('from then on features of the sample are kept, in either mode, and all are counted', async () => {
    expect(await sampled.predict(later)).toMatchObject({ accepted: 1_500 });
    expect(await sampled.predict(later)).toMatchObject({ accepted: 0, duplicates: 1_500 });
    const kept = await keptRows(sampled);
    const ids = later.map(({ prediction_id: id }) => id);
    expect(ids.filter((id) => kept.has(id))).toEqual(ids.filter(isKept));
    await sampled.evaluator.catchUp();
    const [version] = sampled.catalog.versions();
    const { features } = sampled.evaluator.memory.window(version!.target, now, 24 * HOUR);
    expect(features.rows).toBe(3_000);
    const usable = mode === 'auto' ? 1_500 : events.filter(({ prediction_id: id }) => isKept(id)).length;
    const [age] = version!.target.features;
    const present = [...features.column(age!.column)].reduce(
      (sum, count, code) => sum + (code === ABSENT ? 0 : count),
      0,
    );
    expect(present).toBe(usable + 1_500);
  });

  test('retraining learns from rows that have their features', async () => {
    const [version] = sampled.catalog.versions();
    const survey = await new RetrainingDataStore(sampled.pool).survey(
      { modelId: version!.target.modelId, fromMs: now - 6 * HOUR, toMs: now + 1 },
      10_000,
      [0.5],
    );
    const kept = await keptRows(sampled);
    const learnt = events.slice(0, 900).filter(({ prediction_id: id }) => kept.has(id));
    const oldest = Math.min(...learnt.map(({ timestamp }) => timestamp));
    const within = [...events, ...later].filter((of) => kept.has(of.prediction_id) && of.timestamp >= oldest);
    expect(survey).toMatchObject({ rows: learnt.length, predictions: within.length });
  });
});

test('raw_sample 0 keeps no features and everything else', async () => {
  const database = await createTestDatabase();
  const core = await openCore(database.url, { now: () => now, settings: settingsOf('reference', 0) });
  try {
    const events = makeEvents(200);
    expect(await core.predict(events)).toMatchObject({ accepted: 200 });
    expect(
      await core.label(events.map(({ model, prediction_id }) => ({ model, prediction_id, label: 'yes' }))),
    ).toMatchObject({ joined: 200 });
    const { rows } = await core.pool.query<{ kept: number; rows: number }>(
      'SELECT count(*) FILTER (WHERE cardinality(num) + cardinality(cat) > 0)::int AS kept, count(*)::int AS rows FROM predictions',
    );
    expect(rows).toEqual([{ kept: 0, rows: 200 }]);
    await expect(core.capture('churn', '1', { fromMs: 0, toMs: now + 1, limit: Infinity })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('at least 20 rows'),
    });
  } finally {
    await core.close();
    await database.drop();
  }
});
