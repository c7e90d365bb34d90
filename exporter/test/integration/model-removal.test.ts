import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { ModelSettings, Overrides } from '../../src/domain/settings.ts';
import { DayPartitions } from '../../src/storage/day-partitions.ts';
import { EVALUATION_INDEXES, EvaluationStore } from '../../src/storage/evaluation-store.ts';
import { ModelStore } from '../../src/storage/model-store.ts';
import { PendingEventStore } from '../../src/storage/pending-event-store.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { eventually } from '../support/exporter-process.ts';
import { compareWithRawRows } from '../support/recount.ts';

const HOUR = 3_600_000;
const now = Date.UTC(2026, 10, 24, 12, 30);
const NAME = 'churn "of" 2';

let database: TestDatabase;
let core: Core;
let models: ModelStore;
let overrides: Map<string, Overrides<ModelSettings>>;

beforeEach(async () => {
  database = await createTestDatabase();
  overrides = new Map([[NAME, { segments: ['channel'], selfCalibrated: true }]]);
  core = await openCore(database.url, { now: () => now, settings: () => ({ ...DEFAULT_SETTINGS, overrides }) });
  models = new ModelStore(core.pool, core.catalog);
});
afterEach(async () => {
  await core.close();
  await database.drop();
});

function makeEvents(model: string, rows: number) {
  return Array.from({ length: rows }, (_, i) => ({
    model,
    version: String(i % 2),
    prediction_id: randomUUID(),
    timestamp: now - 60_000 - i * 10_000,
    features: { age: 20 + (i % 50), region: ['north', 'south'][i % 2] },
    prediction: i % 3 === 0 ? 'yes' : 'no',
    score: (i % 100) / 100,
    latency_ms: 5,
    error: i % 50 === 0 ? 'timeout' : null,
    segment: { channel: 'app' },
  }));
}

/** Everything that a model can have, of two models of which one goes. */
async function fill(): Promise<void> {
  for (const model of [NAME, 'stays']) {
    const events = makeEvents(model, 400);
    await core.predict(events);
    await core.label([
      ...events.slice(0, 100).map(({ prediction_id }) => ({ model, prediction_id, label: 'yes' })),
      { model, prediction_id: 'waits', label: 'no' },
    ]);
    for (const version of ['0', '1'])
      await core.capture(model, version, { fromMs: now - 5 * HOUR, toMs: now, limit: Infinity });
    const [version] = core.catalog.versionsOf(model);
    await core.baselines.load(version!.baselineId!);
    const days = new DayPartitions(core.pool, 'evaluations', EVALUATION_INDEXES);
    const evaluation = { evaluatedAtMs: now, healthScore: 90, severity: 'low', report: {} };
    await new EvaluationStore(core.pool, days.ensure).append([
      { ...evaluation, modelId: version!.model.id, versionId: version!.target.versionId },
    ]);
    await core.pool.query(
      `WITH alert AS (INSERT INTO alerts (fingerprint, starts_at, status, alertname, severity, model, version, check_name, labels, annotations, generator_url, received_at, seen_at)
         VALUES ($1, now(), 'firing', 'A', 'high', $1, '', '', '{}', '{}', '', now(), now()) RETURNING id),
       notified AS (INSERT INTO alert_notifications SELECT id, 'firing', 'r', now() FROM alert)
       INSERT INTO alert_verdicts (alert_id, verdict, source, decided_by, note, decided_at) SELECT id, 'true', 'person', 'me', '', now() FROM alert`,
      [model],
    );
    await core.pool.query(
      `WITH job AS (INSERT INTO retraining_jobs (id, model_id, state, trigger, requested_by, reasons, champion, shadow, created_at)
         VALUES (gen_random_uuid(), $1, 'queued', 'manual', 'me', '[]', '{}', false, now()) RETURNING id),
       event AS (INSERT INTO retraining_events (job_id, at, kind, actor, fence) SELECT id, now(), 'k', 'a', 0 FROM job),
       data AS (INSERT INTO retraining_data SELECT id, 'train', 0, 'x' FROM job),
       checked AS (INSERT INTO retraining_checks (model_id, checked_at) VALUES ($1, now()))
       INSERT INTO model_registry (model_id, version, job_id, uri, metrics, stage, trained_at) SELECT $1, 'v', id, 'u', '{}', 'candidate', now() FROM job`,
      [version!.model.id],
    );
    await core.pool.query(
      `WITH metric AS (INSERT INTO business_metrics (model_id, name) VALUES ($1, 'revenue') RETURNING id),
       figure AS (INSERT INTO business_values SELECT id, now(), 1 FROM metric)
       INSERT INTO weekly_reports (model_id, week_start, counted, report, checked_at) VALUES ($1, now(), 1, '{}', now())`,
      [version!.model.id],
    );
    const half = { side: 'request' as const, model, version: null, id: 'i', time: null, timed: false, segment: null };
    await new PendingEventStore(core.pool, () => 1_000).append([
      {
        source: 'kserve',
        key: `of ${model}`,
        receivedAtMs: now,
        half: { ...half, inputs: { names: null, rows: [{}] } },
      },
      // Of another model, but with the name among its values.
      {
        source: 'kserve',
        key: `speaks of ${model}`,
        receivedAtMs: now,
        half: { ...half, model: 'third', inputs: { names: null, rows: [{ model }] } },
      },
    ]);
  }
  await core.evaluator.catchUp();
  await core.evaluator.fold();
}

/** Rows of each table; of those with both models' rows half should be left. */
async function counts(): Promise<Record<string, number>> {
  const { rows } = await core.pool.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = current_schema()::regnamespace ORDER BY 1",
  );
  const found: Record<string, number> = {};
  for (const { name } of rows)
    found[name] = (await core.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${name}`)).rows[0]!.n;
  return found;
}

/** Not of a model: of the database, the sender or the log. */
const OTHERS = new Set([
  'schema_migrations',
  'scheme_epoch',
  'leases',
  'partition_floors',
  'sender_roles',
  'audit_log',
  'model_removals',
  'statistics_delta',
  'recounts',
]);

describe('deletion of a model', () => {
  test('leaves nothing of it in any table, and all of the other', async () => {
    await fill();
    const before = await counts();
    const { rows: segmented } = await core.pool.query('SELECT FROM statistics_bucket WHERE segment_id <> 0');
    before.statistics_bucket! -= segmented.length;
    await models.remove(NAME);
    const after = await counts();
    for (const [table, rows] of Object.entries(before)) {
      if (OTHERS.has(table)) continue;
      // Guards the test itself: a table that a model has rows in, and this test does not fill, belongs above.
      expect([table, rows]).not.toEqual([table, 0]);
      // Of four halves one goes: three name other models.
      const left =
        table === 'pending_events' ? 3 : table === 'segments' || table.startsWith('baseline_') ? 0 : rows / 2;
      expect([table, after[table]]).toEqual([table, left]);
    }
    expect(after.model_removals).toBe(1);
    expect(core.catalog.versionsOf(NAME)).toEqual([]);
    expect((await compareWithRawRows(core.pool, core.catalog, now - 24 * HOUR)).differences).toEqual([]);
  });

  test('what was counted and not yet folded is not stored afterwards', async () => {
    await fill();
    await core.predict(makeEvents(NAME, 50));
    await core.label([{ model: NAME, prediction_id: 'waits too', label: 'no' }]);
    await core.evaluator.catchUp();
    await models.remove(NAME);
    await core.evaluator.fold();
    await core.predict(makeEvents('stays', 10));
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const { rows } = await core.pool.query(
      'SELECT FROM statistics_bucket WHERE version_id NOT IN (SELECT id FROM model_versions)',
    );
    expect(rows).toHaveLength(0);
    expect((await counts()).statistics_delta).toBe(0);
  });

  test('what a crash, or a replica that had not heard of it, left goes ten minutes later', async () => {
    await fill();
    const [version] = core.catalog.versionsOf(NAME);
    const [modelId, versionId] = [version!.model.id, version!.target.versionId];
    await models.remove(NAME);
    await core.pool.query(
      "INSERT INTO ground_truth (pid, model_id, label, label_ts, received_at) VALUES (gen_random_uuid(), $1, 'x', now(), now())",
      [modelId],
    );
    await core.pool.query("INSERT INTO statistics_total VALUES ($1, 0, 1, '{}')", [modelId]);
    await core.pool.query(
      "INSERT INTO statistics_bucket (version_id, scheme_id, segment_id, bucket_start, bucket_minutes, fence, payload) VALUES ($1, 1, 0, 0, 60, 1, '')",
      [versionId],
    );
    expect(await models.finishRemovals()).toBe(0);
    await core.pool.query("UPDATE model_removals SET removed_at = removed_at - interval '11 minutes'");
    expect(await models.finishRemovals()).toBe(1);
    for (const [table, column, id] of [
      ['ground_truth', 'model_id', modelId],
      ['statistics_total', 'model_id', modelId],
      ['statistics_bucket', 'version_id', versionId],
      ['model_removals', 'model_id', modelId],
    ] as const)
      expect((await core.pool.query(`SELECT FROM ${table} WHERE ${column} = $1`, [id])).rows).toHaveLength(0);
  });

  test('and meanwhile waiting labels of the others are joined, whatever waits for rows of the one that goes', async () => {
    const events = [NAME, 'stays'].flatMap((model) => makeEvents(model, 3));
    await core.label(events.map(({ model, prediction_id }) => ({ model, prediction_id, label: 'yes' })));
    await core.predict(events);
    const modelId = core.catalog.versionsOf(NAME)[0]!.model.id;
    const gate = await core.pool.connect();
    await gate.query('BEGIN');
    await gate.query('SELECT FROM predictions WHERE model_id = $1 FOR UPDATE', [modelId]);
    const removed = models.remove(NAME);
    try {
      await eventually(async () => expect((await counts()).model_removals).toBe(1));
      expect(await core.groundTruth.sweep(0, now)).toBe(3);
    } finally {
      await gate.query('COMMIT');
      gate.release();
      await removed;
    }
    expect((await compareWithRawRows(core.pool, core.catalog, now - 24 * HOUR)).differences).toEqual([]);
  });

  test('intake goes on: the model comes back as a new one, counted from zero', async () => {
    await fill();
    const old = core.catalog.versionsOf(NAME)[0]!.model.id;
    let sending = true;
    let refused = 0;
    const sent: string[] = [];
    const sender = async () => {
      while (sending) {
        const events = makeEvents(NAME, 20);
        // As a client does: the same rows again until they are taken.
        for (;;) {
          try {
            expect(await core.predict(events)).toMatchObject({ rejected: 0 });
            await core.label(
              events.slice(0, 5).map(({ prediction_id }) => ({ model: NAME, prediction_id, label: 'yes' })),
            );
            break;
          } catch (error) {
            expect(error).toMatchObject({ code: 'unavailable' });
            refused++;
          }
        }
        sent.push(...events.map(({ prediction_id: id }) => id));
      }
    };
    const senders = [sender(), sender()];
    await models.remove(NAME);
    const before = sent.length;
    while (sent.length < before + 200) await new Promise((resolve) => setTimeout(resolve, 10));
    sending = false;
    await Promise.all(senders);
    expect(refused).toBeLessThan(20);
    const { rows } = await core.pool.query<{ pid: string; model_id: number }>(
      'SELECT pid, p.model_id FROM predictions p JOIN models m ON m.id = p.model_id WHERE m.name = $1',
      [NAME],
    );
    expect(rows.length).toBeGreaterThanOrEqual(200);
    expect(new Set(rows.map(({ model_id: id }) => id)).size).toBe(1);
    expect(rows[0]!.model_id).not.toBe(old);
    // Exactly those that are stored are counted, and nothing of the old one.
    await core.groundTruth.sweep(0, now);
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const total = core.catalog
      .versionsOf(NAME)
      .reduce((sum, { target }) => sum + core.evaluator.memory.totalsOf(target.versionId).traffic.rows, 0);
    expect(total).toBe(rows.length);
    expect((await compareWithRawRows(core.pool, core.catalog, now - 24 * HOUR)).differences).toEqual([]);
    for (const table of ['predictions', 'ground_truth', 'evaluations'])
      expect((await core.pool.query(`SELECT FROM ${table} WHERE model_id = $1`, [old])).rows).toHaveLength(0);
  });
});

/** What comes between a look at the model and the registration that it led to, the first, the second and so on. */
function beforeEachRegistration(...steps: readonly (() => Promise<unknown>)[]): void {
  const ensure = core.catalog.ensure.bind(core.catalog);
  const left = [...steps];
  core.catalog.ensure = async (wants) => {
    await left.shift()?.();
    await ensure(wants);
  };
}

describe('a model is gone when something of its stored rows is to be registered, and does not come back', () => {
  const NONE = { models: 0, model_versions: 0, segments: 0, baselines: 0, ground_truth: 0, predictions: 0 };
  const deletion = () => models.remove('shop');
  const events = makeEvents('shop', 100);
  const [{ prediction_id }] = events as [(typeof events)[0]];

  beforeEach(async () => {
    await core.predict(events);
    await core.label(events.map((event) => ({ model: 'shop', prediction_id: event.prediction_id, label: 'yes' })));
  });

  /** Counts by a key that no row was registered under: the recount registers its values. */
  async function countByChannel(): Promise<unknown> {
    overrides.set('shop', { segments: ['channel'] });
    await core.catalog.load();
    return core.baselines.applySettings('shop');
  }

  test('a recount by other segments', async () => {
    beforeEachRegistration(deletion);
    await countByChannel();
    expect(await counts()).toMatchObject(NONE);
  });

  test('a label that is corrected before the recount came to its segments', async () => {
    const corrected = () => core.label([{ model: 'shop', prediction_id, label: 'no' }]);
    beforeEachRegistration(async () => {
      await expect(corrected()).rejects.toMatchObject({ code: 'unavailable', message: /deleted/ });
    }, deletion);
    await countByChannel();
    expect(await counts()).toMatchObject(NONE);
  });

  test('its predictions as a baseline, also where another of that name has come', async () => {
    beforeEachRegistration(deletion);
    const range = { fromMs: now - 5 * HOUR, toMs: now, limit: Infinity };
    await expect(core.capture('shop', '0', range)).rejects.toMatchObject({ code: 'conflict' });
    expect(await counts()).toMatchObject(NONE);
    await core.predict(events);
    beforeEachRegistration(async () => {
      await deletion();
      await core.predict(makeEvents('shop', 1));
    });
    await expect(core.capture('shop', '0', range)).rejects.toMatchObject({ code: 'conflict' });
    expect(await counts()).toMatchObject({ models: 1, model_versions: 1, baselines: 0, predictions: 1 });
  });
});
