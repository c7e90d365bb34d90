import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { baselineWork } from '../../src/app/baseline-work.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { BaselineMode, Settings } from '../../src/domain/settings.ts';
import { MovingBaselines, pastSpans } from '../../src/evaluation/moving-baseline.ts';
import { MISSING } from '../../src/histogram/bin-scheme.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/histogram/time-bucket.ts';
import { StatisticsStore } from '../../src/storage/statistics-store.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { compareWithRawRows } from '../support/recount.ts';
import { silentLog } from '../support/silent-log.ts';

const now = Date.UTC(2026, 10, 24, 12, 30);

function settingsOf(mode: BaselineMode): Settings {
  const defaults = { ...DEFAULT_SETTINGS.defaults, baseline: { mode, autoCapture: 400 } };
  return { ...DEFAULT_SETTINGS, defaults };
}

/** Business hours are another population than nights. */
function event(timestamp: number, version = '1') {
  const hour = new Date(timestamp).getUTCHours();
  const score = Math.random();
  return {
    model: 'shop',
    version,
    prediction_id: randomUUID(),
    timestamp,
    features: {
      age: Math.random() < 0.05 ? null : (hour >= 8 && hour < 18 ? 40 : 20) + 5 * Math.random(),
      region: ['north', 'south', 'east'][Math.floor(Math.random() * 3)],
    },
    prediction: score > 0.5 ? 'yes' : 'no',
    score,
  };
}

/** `perHour` events in every hour of the stretch, at fractions of milliseconds, as some clients' clocks have them. */
function history(fromMs: number, toMs: number, perHour: number) {
  const events = [];
  for (let hour = fromMs; hour < toMs; hour += HOUR_MS)
    for (let i = 0; i < perHour; i++) events.push(event(Math.min(hour + Math.random() * HOUR_MS, toMs - 1)));
  return events;
}

describe.each(['rolling', 'seasonal'] as const)('a %s baseline', (mode) => {
  let database: TestDatabase;
  let core: Core;
  beforeAll(async () => {
    database = await createTestDatabase();
    core = await openCore(database.url, { now: () => now, settings: settingsOf(mode) });
  });
  afterAll(async () => {
    await core.close();
    await database.drop();
  });

  const found = () => {
    const { target, model } = core.catalog.versionsOf('shop')[0]!;
    const store = new StatisticsStore(core.pool);
    return new MovingBaselines((...of) => store.past(...of)).of(target, model.settings, now);
  };
  /** The same, counted from the raw rows of the stretches. */
  const counted = async (windowMs: number) => {
    const within = pastSpans(mode, now, windowMs)
      .map(({ from, to }) => `(ts >= to_timestamp(${from * 60}) AND ts < to_timestamp(${to * 60}))`)
      .join(' OR ');
    const { rows } = await core.pool.query<{ rows: number; missing: number; labels: number }>(
      `SELECT count(*)::int AS rows, (count(*) FILTER (WHERE num[1] IS NULL))::int AS missing, count(g.joined_at)::int AS labels
       FROM predictions p LEFT JOIN ground_truth g USING (pid, model_id) WHERE ${within}`,
    );
    return rows[0]!;
  };
  const agrees = async () => {
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const { byWindow, reason } = await found();
    expect(reason).toBeNull();
    const compared = await compareWithRawRows(core.pool, core.catalog, now - 40 * DAY_MS);
    expect(compared.differences).toEqual([]);
    const age = core.catalog.find('shop', '1')!.featureByName.get('age')!;
    for (const windowMs of [DAY_MS, HOUR_MS]) {
      const baseline = byWindow.get(windowMs)!;
      expect(baseline.kind).toBe(mode);
      expect({
        rows: baseline.features.rows,
        missing: baseline.features.column(age.column)[MISSING],
        labels: baseline.performance.labelled,
      }).toEqual(await counted(windowMs));
      expect(baseline.traffic.rows).toBe(baseline.features.rows);
    }
  };

  test('with little history every window falls back to the plain baseline and says so', async () => {
    await core.predict(history(now - 3 * HOUR_MS, now, 100));
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const { byWindow, reason } = await found();
    expect(byWindow.size).toBe(0);
    expect(reason).toMatch(
      /^fewer than 500 predictions .*: compared with the plain baseline over 24 h \(0\), 1 h \(\d+\)$/,
    );
  });

  test('with history it is exactly the rows of its stretches, and stays so through labels and new bins', async () => {
    const first = mode === 'rolling' ? 9 : 30;
    const past = history(now - first * DAY_MS, now - DAY_MS, mode === 'rolling' ? 15 : 66);
    for (let i = 0; i < past.length; i += 20_000) await core.predict(past.slice(i, i + 20_000));
    await agrees();
    // New bins while rows and labels of the stretches go on coming.
    const labels = past
      .filter((_, i) => i % 29 === 0)
      .map(({ prediction_id: id }) => ({ model: 'shop', prediction_id: id, label: 'yes' }));
    const late = history(now - 8 * DAY_MS, now - 6 * DAY_MS, 5);
    await Promise.all([
      core.capture('shop', '1', { fromMs: now - 2 * DAY_MS, toMs: now, limit: 400 }),
      core.predict(late),
      core.label(labels),
    ]);
    await core.groundTruth.sweep(0, now);
    await agrees();
    expect((await counted(DAY_MS)).labels).toBeGreaterThan(0);
  }, 180_000);
});

describe('a version without a baseline', () => {
  let database: TestDatabase;
  let core: Core;
  beforeAll(async () => {
    database = await createTestDatabase();
    core = await openCore(database.url, { now: () => now, settings: settingsOf('auto') });
  });
  afterAll(async () => {
    await core.close();
    await database.drop();
  });

  const work = async () => {
    await core.evaluator.catchUp();
    await baselineWork({
      clock: { now: () => now },
      log: silentLog,
      versions: () => core.catalog.versions(),
      rowsOf: (versionId) => core.evaluator.memory.totalsOf(versionId).traffic.rows,
      rawRetentionMs: () => 90 * DAY_MS,
      load: (id) => core.baselines.load(id),
      activate: (activation) => core.baselines.activate(activation),
      capture: core.capture,
    })();
    const { differences } = await compareWithRawRows(core.pool, core.catalog, now - 10 * DAY_MS);
    expect(differences).toEqual([]);
  };
  const send = (version: string, rows: number, more: Readonly<Record<string, unknown>> = {}) =>
    core.predict(
      Array.from({ length: rows }, () => {
        const { features, ...of } = event(now - Math.floor(Math.random() * 50) * MINUTE_MS, version);
        // The other way round than in version 1.
        return {
          ...of,
          features: version === '1' ? features : { ...more, region: features.region, age: features.age },
        };
      }),
    );
  const active = async (version: string) => {
    const { inheritedFrom, rows, kind, features, id } = await core.baselines.active('shop', version);
    return { inheritedFrom, rows, kind, features: features.map(({ feature }) => feature).sort(), id };
  };

  test('has a copy of the newest one of its model, until its own first predictions are enough', async () => {
    await send('1', 450);
    await work();
    expect(await active('1')).toMatchObject({ inheritedFrom: null, rows: 400, kind: 'captured' });
    await send('2', 99);
    await work();
    await expect(active('2')).rejects.toMatchObject({ code: 'not_found' });
    await send('2', 51, { height: 3 });
    await work();
    const inherited = await active('2');
    expect(inherited).toMatchObject({ inheritedFrom: '1', rows: 400, kind: 'captured', features: ['age', 'region'] });
    const [one, two] = await Promise.all([
      core.baselines.load((await active('1')).id),
      core.baselines.load(inherited.id),
    ]);
    const column = (version: string, name: string) =>
      core.catalog.find('shop', version)!.featureByName.get(name)!.column;
    for (const name of ['age', 'region'])
      expect([...two.counts.features.column(column('2', name))]).toEqual([
        ...one.counts.features.column(column('1', name)),
      ]);
    // Nothing changes while nothing happens.
    await work();
    expect((await active('2')).id).toBe(inherited.id);
    await send('2', 300, { height: 4 });
    await work();
    expect(await active('2')).toMatchObject({ inheritedFrom: null, rows: 400, features: ['age', 'height', 'region'] });
  });

  test('follows a new baseline of the version that it inherits from', async () => {
    await send('3', 150);
    await work();
    const before = await active('3');
    expect(before.inheritedFrom).toBe('2');
    await core.capture('shop', '2', { fromMs: now - DAY_MS, toMs: now, limit: 300 });
    await work();
    expect(await active('3')).toMatchObject({ inheritedFrom: '2', rows: 300 });
    expect((await core.baselines.history('shop', '3')).map(({ rows }) => rows)).toEqual([300, 400]);
  });

  test('a captured one learns of labels that come after it was made', async () => {
    const id = (await active('1')).id;
    const { rows } = await core.pool.query<{ pid_text: string | null; pid: string }>(
      "SELECT pid::text AS pid, pid_text FROM predictions p JOIN model_versions v ON v.id = p.version_id WHERE v.version = '1' ORDER BY ts LIMIT 400",
    );
    const versionId = core.catalog.find('shop', '1')!.versionId;
    expect(await core.baselines.refreshLabels(versionId)).toBe(false);
    await core.label(
      rows.slice(0, 120).map((row) => ({ model: 'shop', prediction_id: row.pid_text ?? row.pid, label: 'yes' })),
    );
    expect(await core.baselines.refreshLabels(versionId)).toBe(true);
    const { labelledRows, counts } = await core.baselines.load(id);
    expect([labelledRows, counts.performance.labelled]).toEqual([120, 120]);
    expect(await core.baselines.refreshLabels(versionId)).toBe(false);
  });

  test('a captured one knows how far its rows repeat, and so does the heir', async () => {
    // Five days of one and the same person a day, who says much the same.
    const from = Math.floor(now / DAY_MS) * DAY_MS - 6 * DAY_MS;
    const days = Array.from({ length: 5 * 80 }, (_, i) => {
      const timestamp = from + (i / 80) * DAY_MS;
      const age = 30 + ((7 * Math.floor(i / 80)) % 11) * 5 + (i % 2);
      return { ...event(timestamp, '5'), features: { age, region: 'north' } };
    });
    for (let i = 0; i < days.length; i += 100) await core.predict(days.slice(i, i + 100));
    await core.capture('shop', '5', { fromMs: from, toMs: from + 5 * DAY_MS, limit: Infinity });
    const { designEffects } = await core.baselines.load((await core.baselines.active('shop', '5')).id);
    const { columns, effects } = { columns: core.catalog.find('shop', '5')!.featureByName, effects: designEffects[0]! };
    expect(effects.windowMs).toBe(DAY_MS);
    expect(effects.byColumn[columns.get('age')!.column]).toBeGreaterThan(20);
    // One value in all rows: nothing is known of how it varies.
    expect(effects.byColumn[columns.get('region')!.column]).toBeNaN();
    await send('6', 150);
    await work();
    const heir = await active('6');
    expect(heir.inheritedFrom).toBe('5');
    const { designEffects: inherited } = await core.baselines.load(heir.id);
    const age = core.catalog.find('shop', '6')!.featureByName.get('age')!.column;
    expect(inherited[0]!.byColumn[age]).toBe(effects.byColumn[columns.get('age')!.column]);
  });
});
