import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { TestDatabase } from '../support/database.ts';
import type { BaselineRow } from '../../src/domain/baseline.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { ModelSettings, Overrides } from '../../src/domain/settings.ts';
import { uploadBaseline } from '../../src/baseline/make-baseline.ts';
import { ModelStore } from '../../src/storage/model-store.ts';
import { createTestDatabase } from '../support/database.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { compareWithRawRows } from '../support/recount.ts';

const HOUR = 3_600_000;
const now = Date.UTC(2026, 10, 24, 12, 30);

/** A small generator with a seed, so that a failure can be run again. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296;
}

function event(random: () => number, model: string, spanMs: number) {
  const score = random();
  return {
    model,
    version: random() < 0.5 ? '1' : '2',
    prediction_id: randomUUID(),
    timestamp: now - Math.floor(random() * spanMs),
    features: {
      age: random() < 0.05 ? null : Math.floor(20 + 60 * random()),
      income: random() < 0.02 ? 'a lot' : Math.exp(3 + 4 * random()),
      region: random() < 0.05 ? null : ['north', 'south', 'east', 'west'][Math.floor(random() * 4)],
    },
    prediction: score > 0.5 ? 'yes' : 'no',
    score,
    latency_ms: 1 + 30 * random(),
    error: random() < 0.02 ? 'timeout' : null,
    segment: random() < 0.1 ? null : { channel: `c${Math.floor(30 * random())}`, tier: random() < 0.5, shop: 'x' },
  };
}

describe('statistics equal a recount of the raw rows', () => {
  let database: TestDatabase;
  let core: Core;

  beforeAll(async () => {
    database = await createTestDatabase();
    // Health by channel for one of the models; more channels than are told apart.
    const settings = { ...DEFAULT_SETTINGS, overrides: new Map([['churn', { segments: ['channel', 'tier'] }]]) };
    core = await openCore(database.url, { now: () => now, settings });
  });
  afterAll(async () => {
    await core.close();
    await database.drop();
  });

  test('through intake, retries, early and late and corrected labels, baseline switches and folds', async () => {
    const random = generator(7);
    const sent: { model: string; prediction_id: string }[] = [];
    const send = async (rows: number) => {
      const events = Array.from({ length: rows }, () => event(random, random() < 0.5 ? 'churn' : 'fraud', 5 * HOUR));
      sent.push(...events.map(({ model, prediction_id }) => ({ model, prediction_id })));
      const reply = await core.predict(events);
      expect(reply).toMatchObject({ accepted: rows, duplicates: 0, rejected: 0 });
      if (random() < 0.3) expect(await core.predict(events)).toMatchObject({ accepted: 0, duplicates: rows });
    };
    const label = async () => {
      const some = sent.filter(() => random() < 0.2).map((of) => ({ ...of, label: random() < 0.4 ? 'yes' : 'no' }));
      if (some.length > 0) await core.label(some);
    };
    await core.label([{ model: 'churn', prediction_id: 'early', label: 'yes' }]);
    for (let round = 0; round < 12; round++) {
      await Promise.all([send(80 + Math.floor(random() * 200)), send(3), label()]);
      if (round % 3 === 0) await core.evaluator.catchUp();
      if (round % 4 === 3) await core.evaluator.fold();
      // A switch while intake goes on.
      if (round === 5 || round === 9)
        await Promise.all([
          ...['churn', 'fraud'].flatMap((model) =>
            ['1', '2'].map((version) =>
              core.capture(model, version, { fromMs: now - 5 * HOUR, toMs: now, limit: 300 }),
            ),
          ),
          send(150),
          send(150),
          label(),
        ]);
    }
    await core.predict([{ ...event(random, 'churn', HOUR), prediction_id: 'early', version: '1' }]);
    // The early one, and those that crossed their prediction in concurrent transactions.
    expect(await core.groundTruth.sweep(0, now)).toBeGreaterThanOrEqual(1);
    expect(await core.groundTruth.sweep(0, now)).toBe(0);
    const compared = await compareWithRawRows(core.pool, core.catalog, now - 24 * HOUR);
    expect(compared.differences).toEqual([]);
    expect(compared.rows).toBe(sent.length + 1);
    expect(compared.counted).toBe(compared.rows);
    expect(compared.labelled).toBeGreaterThan(500);
    const { rows: counted } = await core.pool.query<{ key: string; values: string }>(
      'SELECT key, count(*) AS values FROM segments GROUP BY key ORDER BY key',
    );
    // Twenty and the rest; two.
    expect(counted).toEqual([
      { key: 'channel', values: '21' },
      { key: 'tier', values: '2' },
    ]);
  });

  test('what is in memory equals what a new holder reads', async () => {
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const windows = (of: Core) =>
      of.catalog.versions().map(({ target }) => {
        const { features, traffic, performance } = of.evaluator.memory.window(target, now, 24 * HOUR);
        const totals = JSON.parse(of.evaluator.memory.totalsOf(target.versionId).toJson());
        const sorted = (pairs: Iterable<[number, number]>) => [...pairs].sort(([a], [b]) => a - b);
        return {
          version: `${target.model} ${target.version}`,
          rows: features.rows,
          cells: [...features.counts],
          traffic: traffic.rows,
          confusion: sorted(performance.confusion),
          totals: { rows: totals.rows, labels: totals.labels, features: totals.features },
        };
      });
    const before = windows(core);
    const other = await openCore(database.url, { now: () => now });
    try {
      await core.pool.query("UPDATE leases SET expires_at = clock_timestamp() - interval '1 s'");
      expect(await other.evaluator.catchUp()).toBe(true);
      expect(windows(other)).toEqual(before);
      // The old holder's fold is refused, and it notices.
      await core.predict([event(generator(3), 'churn', HOUR)]);
      await core.evaluator.catchUp();
      await core.evaluator.fold();
      expect(core.evaluator.isLeader).toBe(false);
    } finally {
      await other.close();
    }
    expect((await compareWithRawRows(core.pool, core.catalog, now - 24 * HOUR)).differences).toEqual([]);
  });
});

test.each([
  ['from the first row on', true],
  ['later', false],
])('rows say so of a positive class that is configured %s, and named by none until then', async (_, atFirst) => {
  const database = await createTestDatabase();
  const overrides = new Map<string, Overrides<ModelSettings>>();
  const core = await openCore(database.url, { now: () => now, settings: () => ({ ...DEFAULT_SETTINGS, overrides }) });
  try {
    const send = (className: string, ids: readonly string[]) =>
      core.predict(
        ids.map((id, i) => ({ model: 'shop', prediction_id: id, timestamp: now, prediction: className, score: i / 8 })),
      );
    const configure = async () => {
      overrides.set('shop', { task: 'binary', positiveClass: 'bought' });
      await core.catalog.load();
      await core.baselines.applySettings();
    };
    if (atFirst) await configure();
    await send('left', ['a', 'b', 'c']);
    if (!atFirst) await configure();
    await send('left', ['d', 'e']);
    await send('bought', ['f', 'g']);
    await core.label(['a', 'd', 'f'].map((id) => ({ model: 'shop', prediction_id: id, label: 'bought' })));
    await core.evaluator.catchUp();
    await core.evaluator.fold();
    const { counted, labelled, differences } = await compareWithRawRows(core.pool, core.catalog, 0);
    expect({ counted, labelled, differences }).toEqual({ counted: 7, labelled: 3, differences: [] });
  } finally {
    await core.close();
    await database.drop();
  }
});

type Naming = (core: Core, name: string) => Promise<unknown>;
const row = (id: string) => ({ model: 'shop', prediction_id: id, timestamp: now, score: 0.25 });
/** As few rows as make a baseline. */
async function* uploaded(name: string): AsyncGenerator<BaselineRow> {
  const rest = { features: {}, scores: undefined, label: null, latencyMs: null, error: null };
  for (let i = 0; i < 20; i++) yield { ...rest, prediction: i % 2 === 0 ? 'left' : name, score: (i % 10) / 10 };
  await Promise.resolve();
}

test.each<[string, Naming]>([
  ['a prediction', (core, name) => core.predict([{ ...row('p'), prediction: name }])],
  ['a score of it', (core, name) => core.predict([{ ...row('s'), prediction: 'left', scores: { [name]: 0.25 } }])],
  ['a label', (core, name) => core.label([{ model: 'shop', prediction_id: 'left', label: name }])],
  ['a baseline', (core, name) => uploadBaseline('shop', '', uploaded(name), core.baselineDeps)],
])(
  'a positive class that was configured once is one of the model’s when %s names it, and no sooner',
  async (_, naming) => {
    const database = await createTestDatabase();
    const overrides = new Map<string, Overrides<ModelSettings>>([['shop', { task: 'binary', positiveClass: 'won' }]]);
    const open = () => openCore(database.url, { now: () => now, settings: () => ({ ...DEFAULT_SETTINGS, overrides }) });
    const cores = [await open(), await open()] as const;
    const known = async () => {
      const found: unknown[] = [];
      for (const { catalog, pool, baselines } of cores) {
        await catalog.discover();
        await baselines.applySettings();
        const { classes, positiveClass } = await new ModelStore(pool, catalog).get('shop');
        found.push({ classes: [...classes].sort(), positiveClass });
      }
      expect(found[1]).toEqual(found[0]);
      return found[0];
    };
    try {
      const [core] = cores;
      await core.predict(['left', 'bought'].map((prediction) => ({ ...row(prediction), prediction })));
      expect(await known()).toEqual({ classes: ['bought', 'left'], positiveClass: 'won' });
      overrides.set('shop', { task: 'binary' });
      for (const { catalog } of cores) await catalog.load();
      expect(await known()).toEqual({ classes: ['bought', 'left'], positiveClass: 'left' });
      await naming(core, 'won');
      expect(await known()).toEqual({ classes: ['bought', 'left', 'won'], positiveClass: 'won' });
      await core.evaluator.catchUp();
      await core.evaluator.fold();
      expect((await compareWithRawRows(core.pool, core.catalog, 0)).differences).toEqual([]);
    } finally {
      for (const { close } of cores) await close();
      await database.drop();
    }
  },
);
