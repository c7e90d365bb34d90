import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { testTarget } from '../../test/support/model-target.ts';
import type { BaselineDescription, BaselineRow } from '../domain/baseline.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { FeatureColumn } from '../histogram/model-columns.ts';
import type { ModelTarget, TargetWant } from '../histogram/model-target.ts';
import { captureBaseline, uploadBaseline } from './make-baseline.ts';
import type { Activation, BaselineDependencies } from './make-baseline.ts';
import { readColumnMap, toBaselineRow } from './readers/column-roles.ts';
import { layOut } from './reference-rows.ts';
import type { ReferenceBatch } from './spool.ts';

type Event = Readonly<Record<string, unknown>>;

const now = Date.UTC(2026, 10, 23, 10);
const done = { id: 5 } as BaselineDescription;
const read = (record: Event): BaselineRow => toBaselineRow(record, readColumnMap(''));

const temporary = mkdtempSync(path.join(os.tmpdir(), 'baseline-test-'));
jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
afterAll(() => rmSync(temporary, { recursive: true }));

/** A catalog of one model version and a store of batches, in memory; `activations` and `wants` show what was asked of them. */
function memory(stored: readonly ReferenceBatch[] = [], known?: ModelTarget) {
  let target = known;
  const activations: Activation[] = [];
  const wants: TargetWant[] = [];
  const asked: unknown[] = [];
  const deps: BaselineDependencies = {
    find: (model, version) => (target?.model === model && target.version === version ? target : undefined),
    findAny: (model) => (target?.model === model ? target : undefined),
    ensure: (some) => {
      wants.push(...some);
      for (const want of some) target = grown(target, want);
      return Promise.resolve();
    },
    learntByOthers: () => undefined,
    settingsOf: () => DEFAULT_SETTINGS.defaults,
    activate: (activation) => {
      activations.push(activation);
      return Promise.resolve(done);
    },
    stored: (_target, fromMs, toMs, limit, onBatch) => {
      asked.push([fromMs, toMs, limit]);
      for (const batch of stored) onBatch(batch);
      return Promise.resolve(stored.length);
    },
    now: () => now,
    maxCategories: () => 200,
    maxFeatures: () => 500,
    maxSpoolBytes: () => Infinity,
  };
  return { deps, activations, wants, asked };
}

function grown(before: ModelTarget | undefined, want: TargetWant): ModelTarget {
  const features: FeatureColumn[] = [...(before?.features ?? [])];
  const count = { numeric: before?.numericCount ?? 0, categorical: before?.categoricalCount ?? 0 };
  for (const [name, kind] of want.features)
    if (!features.some((feature) => feature.name === name))
      features.push({ name, kind, position: count[kind]++, column: FIRST_FEATURE_COLUMN + features.length });
  const classes = [...new Set([...(before?.classCodes.keys() ?? []), ...want.classes])];
  return testTarget(
    {
      model: want.model,
      version: want.version,
      task: 'unknown',
      features,
      featureByName: new Map(features.map((feature) => [feature.name, feature])),
      numericCount: count.numeric,
      categoricalCount: count.categorical,
      classCodes: new Map(classes.map((name, code) => [name, code])),
    },
    false,
  );
}

async function* stream(records: Iterable<Event>): AsyncGenerator<BaselineRow> {
  for (const record of records) yield await Promise.resolve(read(record));
}

const records = (count: number, of: (i: number) => Event) => Array.from({ length: count }, (_, i) => of(i));
const upload = (rows: Iterable<Event>, deps: BaselineDependencies) => uploadBaseline('churn', '1', stream(rows), deps);

describe('uploadBaseline', () => {
  test('columns and classes are registered, every row is counted, the result activated', async () => {
    const { deps, activations, wants } = memory();
    const row = (i: number) => ({ age: String(i), region: 'n', prediction: i % 2, label: 'no', score_maybe: 0 });
    expect(await upload(records(40, row), deps)).toBe(done);
    expect(wants.map(({ features }) => Object.fromEntries(features))).toEqual([
      { age: 'numeric', region: 'categorical' },
      {},
    ]);
    expect(wants.map(({ classes }) => [...classes])).toEqual([['maybe'], ['0', 'no', '1']]);
    const [activation] = activations;
    const expected = { kind: 'reference', captured: null, madeAtMs: now, rows: 40, ignoredColumns: [] };
    expect(activation).toMatchObject(expected);
    expect(activation!.learnt).toMatchObject({ task: 'multiclass', positiveClass: null });
    expect(activation!.target.task).toBe('multiclass');
    expect(activation!.counts.features.rows).toBe(40);
    expect(activation!.counts.performance.labelled).toBe(40);
    expect(activation!.summaries.map(({ feature, values }) => [feature, values])).toEqual([
      ['age', 40],
      ['region', 40],
    ]);
  });

  test('with declared features the other columns are ignored, and features that are not in the upload are absent', async () => {
    const { deps, activations } = memory([], testTarget());
    const features = new Map([['age', {}]]);
    await upload(
      records(20, (i) => ({ age: i, shoe: 44 })),
      { ...deps, settingsOf: () => ({ ...deps.settingsOf(''), features }) },
    );
    expect(activations[0]!.ignoredColumns).toEqual(['shoe']);
    expect(activations[0]!.summaries.map(({ feature }) => feature)).toEqual(['age']);
    expect(activations[0]!.scheme.features).toHaveLength(3);
  });

  test('the positive class is a code of the model, where the learnt class is known to it', async () => {
    const { deps, activations } = memory();
    await upload(
      records(20, (i) => ({ prediction: i % 2 === 0 ? 'yes' : 'no' })),
      deps,
    );
    expect(activations[0]!.learnt).toMatchObject({ task: 'binary', positiveClass: 'yes' });
    expect(activations[0]!.target).toMatchObject({ task: 'binary', positiveClass: 0 });
  });

  test.each<readonly [number, string]>([
    [0, 'The reference data has no rows.'],
    [19, 'A baseline needs at least 20 rows, this one has 19.'],
  ])('%i rows are too few', async (count, message) => {
    const { deps, activations } = memory();
    await expect(
      upload(
        records(count, (i) => ({ age: i })),
        deps,
      ),
    ).rejects.toMatchObject({ code: 'invalid', message });
    expect(activations).toEqual([]);
  });

  test('a model deleted during the upload is a conflict', async () => {
    const { deps } = memory();
    const gone = { ...deps, find: () => undefined };
    await expect(
      upload(
        records(20, () => ({ age: 1 })),
        gone,
      ),
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a failure in the middle is passed on, and leaves nothing behind', async () => {
    const cut = new Error('cut off');
    const { deps, wants } = memory();
    function* rows(): Generator<Event> {
      for (let i = 0; i < 104_000; i++) yield { age: i };
      throw cut;
    }
    await expect(upload(rows(), deps)).rejects.toBe(cut);
    expect([wants, readdirSync(temporary)]).toEqual([[], []]);
  });

  test('features that somebody else registers during the upload make it a conflict', async () => {
    const { deps, activations } = memory();
    async function* rows(): AsyncGenerator<BaselineRow> {
      yield* stream(records(3_000, (age) => ({ age })));
      const features = new Map([['height', 'numeric' as const]]);
      await deps.ensure([{ model: 'churn', version: '1', features, classes: new Set(), errorReasons: new Set() }]);
    }
    await expect(uploadBaseline('churn', '1', rows(), deps)).rejects.toMatchObject({ code: 'conflict' });
    expect(activations).toEqual([]);
  });

  test('more features than allowed are refused before anything is registered', async () => {
    const { deps, wants } = memory();
    const wide = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`f${i}`, i]));
    await expect(
      upload(
        records(20, () => wide),
        deps,
      ),
    ).rejects.toMatchObject({ code: 'invalid', message: expect.stringMatching(/^501 features are more than/) });
    expect(wants).toEqual([]);
  });

  test('more rows than memory holds are all counted, in bins of the whole', async () => {
    const { deps, activations } = memory();
    await upload(
      records(105_000, (i) => ({ age: i, prediction: i + 0.5 })),
      deps,
    );
    const [{ rows, counts, summaries, learnt }] = activations as [Activation];
    expect([rows, counts.features.rows, learnt.task]).toEqual([105_000, 105_000, 'regression']);
    expect(summaries).toMatchObject([{ values: 105_000, missing: 0, min: 0, max: 104_999 }]);
  });

  test('any rows become a baseline of all of them, or are refused', async () => {
    const value = fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom('', '1', 'yes', 'a\0', Infinity));
    const row = fc.dictionary(
      fc.constantFrom('age', 'region', 'prediction', 'label', 'score', 'score_yes', 'latency_ms'),
      value,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 15, maxLength: 40 }), async (rows) => {
        const { deps, activations } = memory();
        try {
          await upload(rows, deps);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ServiceError', code: 'invalid' });
          expect(activations).toEqual([]);
          return;
        }
        const [{ counts, summaries }] = activations as [Activation];
        expect(counts.features.rows).toBe(rows.length);
        for (const { values, missing } of summaries) expect(values + missing).toBe(rows.length);
      }),
    );
  });
});

describe('captureBaseline', () => {
  const target = testTarget();
  const batch = (timesMs: readonly number[]): ReferenceBatch => {
    const { batch: rows, labels } = layOut(
      timesMs.map((age) => read({ age, prediction: 'yes', label: 'no' })),
      target,
      0,
    );
    return { batch: { ...rows, timeMs: Float64Array.from(timesMs) }, labels };
  };
  const times = Array.from({ length: 30 }, (_, i) => 1_000 + 10 * i);
  const capture = (deps: BaselineDependencies, limit: number, version = '1') =>
    captureBaseline('churn', version, { fromMs: 500, toMs: 5_000, limit }, deps);

  test('of a whole range: from its oldest row to the end that was asked for', async () => {
    const { deps, activations, asked } = memory([batch(times.slice(10)), batch(times.slice(0, 10))], target);
    expect(await capture(deps, Infinity)).toBe(done);
    expect(asked).toEqual([[500, 5_000, Infinity]]);
    expect(activations[0]).toMatchObject({ kind: 'captured', captured: { fromMs: 1_000, toMs: 5_000 }, rows: 30 });
    expect(activations[0]!.counts.performance.labelled).toBe(30);
    expect(activations[0]!.summaries.map(({ feature }) => feature)).toEqual(['age', 'region', 'income']);
  });

  test('of the first rows: up to and with the newest of them', async () => {
    const { deps, activations } = memory([batch(times)], target);
    await capture(deps, 30);
    expect(activations[0]!.captured).toEqual({ fromMs: 1_000, toMs: 1_291 });
  });

  test('an unknown model, and too few rows', async () => {
    const { deps, activations } = memory([batch(times.slice(0, 19))], target);
    await expect(capture(deps, Infinity, '2')).rejects.toMatchObject({ code: 'not_found' });
    await expect(capture(deps, Infinity)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('19'),
    });
    await expect(capture(memory([], target).deps, 5)).rejects.toMatchObject({ code: 'invalid' });
    expect(activations).toEqual([]);
  });
});
