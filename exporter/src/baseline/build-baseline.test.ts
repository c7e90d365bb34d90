import { describe, expect, test } from '@jest/globals';
import { countTurns } from '../../test/support/loop-turns.ts';
import { testTarget } from '../../test/support/model-target.ts';
import type { FeatureSettings } from '../domain/settings.ts';
import { CODES, MISSING, nextDown, TYPE_ERROR } from '../histogram/bin-scheme.ts';
import type { NumericBins } from '../histogram/bin-scheme.ts';
import { ABSENT } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { buildScheme, countBaseline, learnModel } from './build-baseline.ts';
import { readColumnMap, toBaselineRow } from './readers/column-roles.ts';
import { layOut } from './reference-rows.ts';
import { Spool } from './spool.ts';

type Record_ = Readonly<Record<string, unknown>>;

const undecided = testTarget({ task: 'unknown', positiveClass: -1 }, false);
const all = new Set(['age', 'region', 'income']);
const none: ReadonlyMap<string, FeatureSettings> = new Map();

function spoolOf(records: readonly Record_[], target: ModelTarget = undecided): Spool {
  const spool = new Spool();
  const rows = records.map((record) => toBaselineRow(record, readColumnMap('')));
  for (let i = 0; i < rows.length; i += 7) spool.add(layOut(rows.slice(i, i + 7), target, 7));
  return spool;
}

const predictions = (...values: readonly unknown[]) => values.map((prediction) => ({ prediction }));
const whole = (count: number) => predictions(...Array.from({ length: count }, (_, i) => i));

describe('learnModel', () => {
  const learn = async (records: readonly Record_[], target = undecided, positive?: string) => {
    const { task, positiveClass, classes } = await learnModel(spoolOf(records), target, positive);
    return [task, positiveClass, [...classes]];
  };

  test.each<readonly [string, readonly Record_[], string, string | null, readonly string[]]>([
    ['nothing', [], 'unknown', null, []],
    ['no prediction in any row', [{ age: 1 }], 'unknown', null, []],
    ['two words', predictions('no', 'yes', 'no'), 'binary', 'yes', ['no', 'yes']],
    ['one word', predictions('no'), 'binary', 'no', ['no']],
    ['booleans', predictions(false, true), 'binary', 'true', ['false', 'true']],
    ['three words', predictions('a', 'b', 'c'), 'multiclass', null, ['a', 'b', 'c']],
    ['0 and 1', predictions(0, '1'), 'binary', '1', ['0', '1']],
    ['two unconventional words: the last', predictions('spam', 'ham'), 'binary', 'spam', ['spam', 'ham']],
    ['a rare class that is only in the labels', [{ prediction: 'no', label: 'yes' }], 'binary', 'yes', ['no', 'yes']],
    ['fractions', predictions(1, 2.5), 'regression', null, []],
    ['a fraction among words', predictions('yes', 2.5), 'binary', 'yes', ['yes']],
    ['scores alone', [{ score: 0.3 }], 'binary', null, []],
    ['whole numbers with a score', [{ prediction: 3, score: 0.3 }], 'binary', '3', ['3']],
    [
      'whole labels of few whole predictions do not make a regression',
      [{ prediction: 7, label: 8 }],
      'binary',
      '8',
      ['7', '8'],
    ],
  ])('%s', async (_name, records, task, positive, classes) => {
    expect(await learn(records)).toEqual([task, positive, classes]);
  });

  test('20 whole numbers are classes, 21 a regression', async () => {
    expect((await learn(whole(20)))[0]).toBe('multiclass');
    expect(await learn(whole(21))).toEqual(['regression', null, []]);
    expect((await learn([...whole(21), { prediction: 'word' }]))[0]).toBe('multiclass');
  });

  test('what is predicted says the task, however many values the labels have', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => ({ prediction: i % 5, label: i }));
    expect(await learn(rows)).toEqual(['multiclass', null, expect.arrayContaining(['0', '29'])]);
  });

  test('the declared task and positive class come first', async () => {
    expect(await learn(predictions(0, 1), testTarget({ task: 'regression' }))).toEqual(['regression', null, []]);
    expect(await learn(predictions('yes', 'no'), undecided, 'no')).toEqual(['binary', 'no', ['yes', 'no']]);
    expect((await learn(predictions('a', 'b', 'c'), undecided, 'a'))[1]).toBeNull();
  });

  test('no more than 250 classes are kept', async () => {
    expect((await learn(predictions(...Array.from({ length: 1_000 }, (_, i) => `c${i}`))))[2]).toHaveLength(250);
  });
});

describe('buildScheme', () => {
  const build = (
    records: readonly Record_[],
    { declared = none, max = 200, target = testTarget({}, false), present = all } = {},
  ) => buildScheme(spoolOf(records, target), target, present, declared, max);
  const edges = (bins: unknown) => [...(bins as NumericBins).edges];

  test('summaries say what there was: values, missing, range, mean', async () => {
    const records = [{ age: 10, region: 'n' }, { age: '20', region: 's' }, { age: 'NA', region: 'n' }, { age: 30 }];
    const { summaries } = await build(records);
    const numeric = { kind: 'numeric', values: 3, missing: 1, mean: 20, min: 10, max: 30 };
    expect(summaries[0]).toMatchObject({ feature: 'age', ...numeric });
    expect(summaries[1]).toMatchObject({ feature: 'region', kind: 'categorical', values: 3, missing: 1, bins: 2 });
    expect(summaries[2]).toMatchObject({ feature: 'income', values: 0, missing: 4, bins: 0, mean: NaN, min: NaN });
  });

  test('features that the rows cannot have are in no summary; the scheme keeps the place of every feature', async () => {
    const { scheme, summaries } = await build([{ age: 1 }], { present: new Set(['age']) });
    expect(summaries.map(({ feature }) => feature)).toEqual(['age']);
    expect(scheme.features.map(({ kind }) => kind)).toEqual(['numeric', 'categorical', 'numeric']);
    expect(scheme.outlierFences).toHaveLength(3);
  });

  test('whatever else is due comes between two features', async () => {
    const { turns, stop } = countTurns();
    await build([{ age: 1, region: 'n' }]);
    stop();
    expect(turns()).toBeGreaterThan(all.size);
  });

  test('categories by frequency, no more than the limit', async () => {
    const records = ['a', 'b', 'b', 'c', 'c', 'c'].map((region) => ({ region }));
    expect((await build(records, { max: 2 })).scheme.features[1]).toMatchObject({ categories: ['c', 'b'] });
    expect((await build(records, { max: 2 })).summaries[1]).toMatchObject({ bins: 2, values: 6, missing: 0 });
  });

  test('Tukey fences are edges; where the middle half is one point there are none', async () => {
    const { scheme } = await build(Array.from({ length: 100 }, (_, i) => ({ age: i + 1, income: i < 80 ? 0 : i })));
    // Q1 = 25, Q3 = 75.
    expect(scheme.outlierFences).toEqual([[nextDown(25 - 150), 75 + 150], null, null]);
    expect(edges(scheme.features[0])).toEqual(expect.arrayContaining([nextDown(-125), 225]));
  });

  test('a declared range gives edges, also without a value', async () => {
    const declared = new Map<string, FeatureSettings>([
      ['age', { min: 0, max: 120 }],
      ['income', { max: 9 }],
    ]);
    const { scheme } = await build(
      Array.from({ length: 50 }, (_, i) => ({ age: i + 20 })),
      { declared },
    );
    expect(edges(scheme.features[0])).toEqual(expect.arrayContaining([nextDown(0), 120]));
    expect(edges(scheme.features[2])).toEqual([9]);
  });

  test('infinite values and wrong types shape no bins', async () => {
    const records = [1, 2, 3].map((age) => ({ age }));
    const odd = [{ age: Infinity }, { age: '-Infinity' }, { age: 'old' }, { age: true }];
    expect((await build([...records, ...odd])).scheme).toEqual((await build(records)).scheme);
    expect((await build([...records, ...odd])).summaries[0]).toMatchObject({ values: 3, missing: 4, min: 1, max: 3 });
  });

  test('the watched score is the one of the task', async () => {
    const records = [0.2, 0.4, 0.9].map((score, i) => ({ prediction: i, score }));
    expect(edges((await build(records)).scheme.score)).toEqual(expect.arrayContaining([0.2, 0.4, 0.9]));
    const regression = testTarget({ task: 'regression' }, false);
    expect(edges((await build(records, { target: regression })).scheme.score)).toEqual(
      expect.arrayContaining([0, 1, 2]),
    );
    expect(edges((await build([{ age: 1 }])).scheme.score)).toEqual([]);
  });
});

describe('countBaseline', () => {
  const count = async (records: readonly Record_[], present: ReadonlySet<string>) => {
    const target = testTarget();
    const { features, performance, minutes } = await countBaseline(spoolOf(records, target), target, present);
    const at = (column: number, code: number) => features.counts[column * CODES + code]!;
    return { rows: features.rows, performance, at, traffic: minutes.get(0) };
  };

  test('every row is counted: values, missing, wrong types; labels, errors and latency with them', async () => {
    const records = [
      { age: 1, region: 'north', prediction: 'yes', label: 'no', latency_ms: 250 },
      { age: 'x', region: '', prediction: 'no', label: 'no', error: 'timeout', latency_ms: -5 },
      { prediction: 'no', label: 'yes' },
      { prediction: 'no' },
    ];
    const { rows, performance, at, traffic } = await count(records, all);
    expect([rows, performance.labelled, at(2, MISSING), at(2, TYPE_ERROR), at(3, 0), at(3, MISSING)]).toEqual([
      4, 3, 2, 1, 1, 3,
    ]);
    // Codes: no 0, yes 1; predicted * 256 + actual.
    expect([...performance.confusion].sort(([a], [b]) => a - b)).toEqual([
      [0, 1],
      [1, 1],
      [256, 1],
    ]);
    expect(traffic).toMatchObject({ rows: 4, errorRows: 1, latencyRows: 1, latencySum: 0.25 });
  });

  test('a feature that the rows cannot have is absent, not missing', async () => {
    const { at } = await count([{ age: 1 }, { age: '' }], new Set(['age']));
    expect([at(2, MISSING), at(2, ABSENT)]).toEqual([1, 0]);
    expect([at(4, MISSING), at(4, ABSENT), at(3, ABSENT)]).toEqual([0, 2, 2]);
  });
});
