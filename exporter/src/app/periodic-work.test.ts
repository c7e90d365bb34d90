import { expect, test } from '@jest/globals';
import { FakeSchemes, FakeStatistics } from '../../test/support/fake-statistics.ts';
import { testTarget } from '../../test/support/model-target.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import { Evaluator } from '../evaluation/evaluator.ts';
import { onTick } from '../pipeline.ts';
import { tickDependencies } from './periodic-work.ts';
import type { PeriodicParts } from './periodic-work.ts';

test('who loses the lease while baselines are made evaluates nothing, and stands by', async () => {
  const source = new FakeStatistics();
  const clock = { now: () => Date.UTC(2026, 10, 24, 12, 30) };
  const evaluator = new Evaluator({
    source,
    schemes: new FakeSchemes([testTarget()]),
    takeLease: source.takeLease,
    holder: 'me',
    leaseTtlMs: 5_000,
    clock,
    longestWindowMs: () => 3_600_000,
    log: silentLog,
  });
  const done: string[] = [];
  const does = (what: string) => (): void => void done.push(what);
  const noted = (what: string) => (): Promise<void> => {
    done.push(what);
    return Promise.resolve();
  };
  const tick = tickDependencies({
    clock,
    log: silentLog,
    evaluator,
    health: { clear: does('health cleared') },
    series: { clear: does('series cleared') },
    catalog: { discover: () => Promise.resolve() },
    baselines: { resumeRecounts: () => Promise.resolve(0), applySettings: () => Promise.resolve(0) },
    makeBaselines: async () => {
      source.steal();
      await evaluator.renew();
    },
  } as unknown as PeriodicParts);
  await onTick({ ...tick, evaluate: noted('evaluated'), store: noted('stored'), maintain: noted('maintained') });
  expect(done).toEqual(['health cleared', 'series cleared']);
});

test.each([
  ['of a model that lives on', 'churn', ['drop churn 1', 'publish']],
  ['the last of its model, with what is of no version', 'fraud', ['drop model churn', 'publish']],
])('a version that is gone: %s', async (_, alive, expected) => {
  const done: string[] = [];
  const does = (what: string) => (): void => void done.push(what);
  const report = { model: alive, version: '2', evaluatedAtMs: 0, settings: DEFAULT_SETTINGS.defaults };
  const totals = { lastPredictionMs: 0, lastLabelMs: NaN };
  const tick = tickDependencies({
    clock: { now: () => 0 },
    log: silentLog,
    evaluator: { published: () => undefined },
    health: {
      evaluate: () =>
        Promise.resolve({
          evaluated: [{ versionId: 2, report, totals }],
          gone: [{ model: 'churn', version: '1' }],
        }),
      reports: new Map([[2, { report }]]),
    },
    series: {
      drop: ({ model, version }: typeof report) => void done.push(`drop ${model} ${version}`),
      dropModel: (model: string) => void done.push(`drop model ${model}`),
      update: does('publish'),
    },
    self: { checkEvaluated: () => undefined, evaluated: () => undefined },
  } as unknown as PeriodicParts);
  await tick.evaluate();
  expect(done).toEqual(expected);
});
