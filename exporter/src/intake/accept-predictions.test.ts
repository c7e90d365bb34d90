import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { testTarget } from '../../test/support/model-target.ts';
import { ServiceError } from '../domain/service-error.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { FeatureColumn } from '../histogram/model-columns.ts';
import type { ModelTarget, TargetWant } from '../histogram/model-target.ts';
import { acceptPredictions } from './accept-predictions.ts';
import type { AcceptOptions, TargetCatalog } from './accept-predictions.ts';
import { separate } from './formats/json-events.ts';
import { toPrediction } from './formats/prediction-event.ts';
import { decodeRowsUnderHeader } from './formats/rows-under-header.ts';

const now = Date.UTC(2026, 10, 23, 10);
const DAY_MS = 86_400_000;
type Event = Readonly<Record<string, unknown>>;

/** Registers in memory, by the rules of storage/catalog: all wants or none. */
class MemoryCatalog implements TargetCatalog {
  readonly calls: (readonly TargetWant[])[] = [];
  private readonly targets = new Map([['churn 1', testTarget()]]);
  private readonly maxModels: number;

  constructor(maxModels = 100) {
    this.maxModels = maxModels;
  }

  find = (model: string, version: string) => this.targets.get(`${model} ${version}`);
  segmentKeys = () => [];
  declaredKind = (_model: string, feature: string) => (feature === 'postcode' ? 'categorical' : undefined);

  ensure(wants: readonly TargetWant[]): Promise<void> {
    this.calls.push(wants);
    const fresh = wants.filter(({ model, version }) => this.find(model, version) === undefined).length;
    if (this.targets.size + fresh > this.maxModels)
      return Promise.reject(new ServiceError('invalid', 'There are too many models.'));
    for (const want of wants) this.targets.set(`${want.model} ${want.version}`, this.grown(want));
    return Promise.resolve();
  }

  private grown(want: TargetWant): ModelTarget {
    const none = { features: [], numericCount: 0, categoricalCount: 0, classCodes: new Map() };
    const { model, version } = want;
    const before = this.find(model, version) ?? testTarget({ ...none, model, version, task: 'unknown' }, false);
    const features: FeatureColumn[] = [...before.features];
    const count = { numeric: before.numericCount, categorical: before.categoricalCount };
    for (const [name, kind] of want.features)
      features.push({ name, kind, position: count[kind]++, column: FIRST_FEATURE_COLUMN + features.length });
    const classes = new Set([...before.classCodes.keys(), ...want.classes]);
    return {
      ...before,
      features,
      featureByName: new Map(features.map((feature) => [feature.name, feature])),
      declaredCategorical: new Set(['postcode']),
      numericCount: count.numeric,
      categoricalCount: count.categorical,
      classCodes: new Map([...classes].map((name, code) => [name, code])),
    };
  }
}

const decodeEvents = (events: readonly Event[]) => separate(events.map(toPrediction));
const options = (catalog: TargetCatalog, change: Partial<AcceptOptions> = {}): AcceptOptions => ({
  catalog,
  clock: { now: () => now },
  retentionMs: 90 * DAY_MS,
  maxRows: 1_000,
  maxFeatures: 10,
  ...change,
});
const accept = (events: readonly Event[], catalog: TargetCatalog = new MemoryCatalog(), change = {}) =>
  acceptPredictions(decodeEvents(events), options(catalog, change));

/** Of a model that is registered, with nothing new in it. */
const good: Event = { model: 'churn', version: '1', prediction_id: 'a', timestamp: now, prediction: 'yes' };

describe('the outer values of a row', () => {
  test('are laid out', async () => {
    const event = { ...good, latency_ms: 12.5, error: 'timeout', segment: { channel: 'web' }, score: 0.8 };
    const { batch, errors, madeIds } = await accept([event]);
    expect([errors, madeIds, batch.rows]).toEqual([[], [], 1]);
    expect([batch.timeMs[0], batch.latencyMs[0], batch.scores[0], batch.stamped[0]]).toEqual([now, 12.5, 0.8, 0]);
    expect([batch.errors[0], batch.segments[0], batch.idTexts[0]]).toEqual(['timeout', '{"channel":"web"}', 'a']);
  });

  test.each<readonly [string, Event, string, RegExp]>([
    ['an unknown key', { latency: 1 }, '/latency', /^unknown key/],
    ['an unknown key, escaped and cut', { [`a/b~${'c'.repeat(99)}`]: 1 }, `/a~1b~0${'c'.repeat(76)}`, /^unknown key/],
    ['no model', { model: undefined }, '/model', /must be a string, not absent/],
    ['a version that is a list', { version: [] }, '/version', /must be a string/],
    ['an empty id', { prediction_id: '' }, '/prediction_id', /leave it out/],
    ['a time past retention', { timestamp: now - 91 * DAY_MS }, '/timestamp', /retention/],
    ['a time six minutes ahead', { timestamp: now + 360_000 }, '/timestamp', /future/],
    ['a negative latency', { latency_ms: -1 }, '/latency_ms', /below 0/],
    // Rows keep float32: it would become Infinity, and every sum that it enters with it.
    ['a latency beyond float32', { latency_ms: 1e39 }, '/latency_ms', /above 3\.4/],
    ['an error that is a number', { error: 500 }, '/error', /must be a string/],
    ['a segment that is text', { segment: 'web' }, '/segment', /must be an object/],
    ['a score in text', { score: '0.8' }, '/score', /must be a number/],
    ['a prediction that is a list', { prediction: [] }, '/prediction', /not an array/],
    ['scores that are text', { scores: '1' }, '/scores', /must be an object/],
    ['features that are a list', { features: [] }, '/features', /must be an object/],
    ['a feature of __proto__', { features: JSON.parse('{"__proto__":1}') as Event }, '/features', /__proto__/],
  ])('%s: an error of that row alone', async (_name, change, pointer, detail) => {
    const { batch, errors } = await accept([good, { ...good, ...change }, { ...good, prediction_id: 'b' }]);
    expect(errors).toEqual([{ index: 1, pointer, detail: expect.stringMatching(detail) }]);
    expect([...batch.index]).toEqual([0, 2]);
  });

  test('without a time it is the arrival, and the row is marked where it came with an id', async () => {
    const { batch } = await accept([
      { ...good, timestamp: null },
      { ...good, timestamp: null, prediction_id: null },
    ]);
    expect([...batch.timeMs]).toEqual([now, now]);
    expect([...batch.stamped]).toEqual([1, 0]);
  });
});

describe('the request', () => {
  test('more rows than allowed are refused before anything is registered', async () => {
    const catalog = new MemoryCatalog();
    const request = accept([good, good, { model: 'new' }], catalog, { maxRows: 2 });
    await expect(request).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/ 3 rows, at most 2 /),
    });
    expect(catalog.calls).toEqual([]);
    expect((await accept([], catalog)).batch.rows).toBe(0);
  });

  test('errors of decoding and of reading come in order of the rows', async () => {
    const decoded = decodeEvents([{ ...good, score: 'x' }, good, { ...good, score: 'x' }]);
    const errors = [7, 1].map((index) => ({ index, pointer: '', detail: 'not JSON' }));
    const accepted = await acceptPredictions({ ...decoded, errors }, options(new MemoryCatalog()));
    expect(accepted.errors.map(({ index }) => index)).toEqual([0, 1, 2, 7]);
    expect(errors).toHaveLength(2);
  });

  test('ids are made for rows without, but not for refused ones', async () => {
    const without = { ...good, prediction_id: undefined };
    const rows = [{ ...without, features: { fresh: 1 } }, good, { ...without, prediction: '' }, without];
    const { batch, errors, madeIds } = await accept(rows);
    expect(errors.map(({ index }) => index)).toEqual([2]);
    const keyOf = (index: number) => {
      const at = batch.index.indexOf(index);
      return batch.ids.toString('hex', at * 16, at * 16 + 16);
    };
    expect(madeIds.map((id) => id.replaceAll('-', ''))).toEqual([keyOf(0), keyOf(3)]);
  });

  test('the same id twice is left to the store, which knows the ids of before', async () => {
    const { batch } = await accept([good, good]);
    expect(batch.rows).toBe(2);
    expect(batch.ids.subarray(0, 16)).toEqual(batch.ids.subarray(16, 32));
  });
});

describe('registration', () => {
  test('what is known needs none; all that is new takes one call', async () => {
    const catalog = new MemoryCatalog();
    await accept([good, { ...good, features: { age: 1, region: 'x' } }], catalog);
    expect(catalog.calls).toEqual([]);
    const rows = [{ features: { height: 2, age: 1 } }, { prediction: 'maybe' }, { model: 'new', features: { a: 1 } }];
    const { batch, errors } = await accept(
      rows.map((row) => ({ ...good, ...row })),
      catalog,
    );
    expect([errors, batch.rows, catalog.calls.length]).toEqual([[], 3, 1]);
    expect(catalog.find('churn', '1')!.classCodes.get('maybe')).toBe(2);
    expect(batch.targets.map(({ features }) => features.length)).toEqual([4, 4, 1]);
  });

  test('rows of a new model share its features, and the limit counts each once', async () => {
    const features = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`f${i}`, i]));
    const rows = Array.from({ length: 50 }, () => ({ model: 'wide', features }));
    const { batch, errors } = await accept([...rows, { model: 'wide', features: { one: 1 } }]);
    expect(batch.rows).toBe(50);
    const detail = 'more than 10 features are not allowed (limits.features)';
    expect(errors).toEqual([{ index: 50, pointer: '/features', detail }]);
  });

  test('the first value says the kind, a declaration before it; a value of another kind is a type error, not a row error', async () => {
    const rows = [{ postcode: 1010, size: 3 }, { size: {} }].map((features) => ({ model: 'new', features }));
    const { batch, errors } = await accept(rows);
    expect(errors).toEqual([]);
    expect(batch.targets[0]!.features.map(({ kind }) => kind)).toEqual(['categorical', 'numeric']);
    expect([batch.texts, batch.invalid]).toEqual([
      ['1010', null],
      [null, [3]],
    ]);
  });

  test('one model too many is an error of its rows only', async () => {
    const catalog = new MemoryCatalog(2);
    const rows = [good, { model: 'one' }, { model: 'two' }, { ...good, error: 'new' }];
    const { batch, errors } = await accept(rows, catalog);
    expect(errors).toEqual([{ index: 2, pointer: '/model', detail: 'There are too many models.' }]);
    expect([...batch.index].sort()).toEqual([0, 1, 3]);
  });

  test('a model that was deleted meanwhile is an error of its rows; any other failure is one of the request', async () => {
    const empty = { find: () => undefined, declaredKind: () => undefined, segmentKeys: () => [] };
    const { errors } = await accept([good], { ...empty, ensure: () => Promise.resolve() });
    expect(errors).toEqual([{ index: 0, pointer: '/model', detail: 'the model was deleted meanwhile' }]);
    const away = new ServiceError('unavailable', 'The database is away.');
    let calls = 0;
    const once = () => (calls++ === 0 ? Promise.reject(away) : Promise.resolve());
    await expect(accept([good], { ...empty, ensure: once })).rejects.toBe(away);
  });

  test('a version that counts by other keys than were configured a moment ago: its rows are counted by them', async () => {
    const tiers = new Map<string, number>();
    let known: ModelTarget | undefined;
    const ensure = ([want]: readonly TargetWant[]) => {
      for (const value of want!.segments?.get('tier') ?? []) tiers.set(value, 7);
      known = testTarget({ segments: new Map([['tier', new Map(tiers)]]) });
      return Promise.resolve();
    };
    const catalog = { find: () => known, declaredKind: () => undefined, segmentKeys: () => [], ensure };
    const { batch } = await accept([{ ...good, segment: { tier: 'gold' } }], catalog);
    expect(batch.targets.map(({ segments }) => segments)).toEqual([new Map([['tier', new Map([['gold', 7]])]])]);
  });

  test('the fast path and events give the same batch', async () => {
    const values = [
      { age: 1, region: 'n', fresh: true },
      { age: 2, region: null, fresh: 'x' },
    ];
    const names = ['fresh', 'region', 'age'] as const;
    const rows = values.map((one, i) => ({ id: `${i}`, t: now, p: 'yes', x: names.map((name) => one[name]) }));
    const body = Buffer.from(JSON.stringify({ model: 'churn', version: '1', columns: names, rows }));
    const events = await accept(values.map((features, i) => ({ ...good, prediction_id: `${i}`, features })));
    expect(await acceptPredictions(decodeRowsUnderHeader(body), options(new MemoryCatalog()))).toEqual(events);
  });
});

test('a good row among arbitrary ones is always accepted, and every row is counted once', async () => {
  const keys = Object.keys({ ...good, features: 0, scores: 0, score: 0, latency_ms: 0, error: 0, segment: 0 });
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('churn', '1', 'yes', now, '__proto__', 'constructor', 'a\0'));
  const odd = fc.dictionary(fc.constantFrom(...keys), value);
  const fresh = { ...good, features: { age: 1, constructor: 'x' }, error: 'new', scores: { maybe: 1 } };
  const row = fc.oneof(
    odd,
    odd.map((event) => ({ ...good, ...event })),
    fc.constantFrom(good, fresh),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 30 }), async (events) => {
      const { batch, errors } = await accept(events, new MemoryCatalog(), { maxFeatures: 1_000 });
      const seen = [...batch.index, ...errors.map(({ index }) => index)].sort((a, b) => a - b);
      expect(seen).toEqual(events.map((_, index) => index));
      events.forEach((event, i) => {
        if (event === good || event === fresh) expect(batch.index).toContain(i);
      });
      for (const { pointer, detail } of errors) expect(`${pointer} ${detail}`).toMatch(/^\/[a-z_]+(\/.*)? .+/s);
    }),
    { numRuns: 300 },
  );
});
