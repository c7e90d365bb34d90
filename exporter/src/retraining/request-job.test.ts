import { describe, expect, test } from '@jest/globals';
import { TROUBLED_REPORT } from '../../test/fixtures/model-report.ts';
import type { ModelReport } from '../domain/model-report.ts';
import type { JobRequest, JobState, RegistryEntry } from '../domain/retraining.ts';
import type { RetrainingSettings } from '../domain/retraining-settings.ts';
import { checkTriggers, requestByHand, retrainingNeed } from './request-job.ts';
import type { RequestDependencies, SeenVersion } from './request-job.ts';

const DAY = 86_400_000;
const NOW = TROUBLED_REPORT.evaluatedAtMs;
const { model, version } = TROUBLED_REPORT;
const SEEN: SeenVersion = { firstSeenMs: NOW - 5 * DAY, hasOwnBaseline: true, isFirst: true };

function scene({
  retraining = {},
  report = {},
  seen = SEEN,
  registry = [],
  finished = [],
}: {
  readonly retraining?: Partial<RetrainingSettings>;
  readonly report?: Partial<ModelReport>;
  readonly seen?: SeenVersion | null;
  readonly registry?: readonly RegistryEntry[];
  readonly finished?: readonly { readonly state: JobState; readonly finishedAtMs: number }[];
}) {
  const settings: ModelReport['settings'] = {
    ...TROUBLED_REPORT.settings,
    retraining: {
      ...TROUBLED_REPORT.settings.retraining,
      enabled: true,
      trainer: { type: 'embedded', deadlineMs: DAY },
      ...retraining,
    },
  };
  const asked: JobRequest[] = [];
  const deps: RequestDependencies = {
    jobs: {
      request: (request) => {
        asked.push(request);
        return Promise.resolve({ jobId: 'job', created: true });
      },
      active: () => Promise.resolve(null),
      finished: () => Promise.resolve(finished),
    },
    registry: { list: () => Promise.resolve(registry) },
    reports: () => Promise.resolve([{ ...TROUBLED_REPORT, settings, ...report }]),
    settingsOf: () => settings,
    newLabels: () => Promise.resolve(5_000),
    seen: () => seen,
    clock: { now: () => NOW },
  };
  return { deps, asked };
}

const wish = { reason: 'a wish', requestedBy: 'alice', overrideCooldown: false };
const madeAt = (ms: number) => ({ baseline: { ...TROUBLED_REPORT.baseline, madeAtMs: ms } });

describe('a version counts as trained', () => {
  const entry = { version, stage: 'champion', trainedAtMs: NOW - DAY } as RegistryEntry;
  test.each<readonly [string, Parameters<typeof scene>[0], number]>([
    ['when its job registered it', { registry: [entry], report: madeAt(NOW - 60 * DAY) }, NOW - DAY],
    ['when its own baseline was made', { report: madeAt(NOW - 60 * DAY) }, NOW - 60 * DAY],
    ['when it was first seen, where that was before', { report: madeAt(NOW - 2 * DAY) }, NOW - 5 * DAY],
    ['when it was first seen, where it has no baseline', { report: madeAt(NaN) }, NOW - 5 * DAY],
    [
      'when it was first seen, where its baseline is that of an older version',
      { report: madeAt(NOW - 60 * DAY), seen: { ...SEEN, hasOwnBaseline: false, isFirst: false } },
      NOW - 5 * DAY,
    ],
    ['at no known time', { report: madeAt(NaN), seen: null }, NaN],
  ])('%s', async (_name, given, expected) => {
    expect((await retrainingNeed(model, scene(given).deps)).need.trainedAtMs).toBe(expected);
  });
});

test.each<readonly [string, SeenVersion | null, boolean]>([
  ['a first version without a baseline', { ...SEEN, hasOwnBaseline: false }, false],
  ['a first version', SEEN, false],
  ['a later one that inherited its baseline', { ...SEEN, hasOwnBaseline: false, isFirst: false }, true],
  ['a later one with its own', { ...SEEN, isFirst: false }, false],
])('a new baseline is suggested for %s: %j, %s', async (_name, seen, suggested) => {
  const { need } = await retrainingNeed(model, scene({ seen }).deps);
  expect(need.suggestions.some(({ code, note }) => code === 'baseline_refresh' && /version changed/.test(note))).toBe(
    suggested,
  );
});

describe('what could only fail is refused when it is asked for', () => {
  test.each<readonly [string, Parameters<typeof scene>[0], RegExp]>([
    ['without a trainer', { retraining: { trainer: { type: 'none' } } }, /No trainer is configured/],
    [
      'of a task that is not known',
      { report: { task: 'unknown' } },
      /not known yet what .* predicts: declare its task/,
    ],
    [
      'within the cool-down',
      { finished: [{ state: 'failed', finishedAtMs: NOW - 1 }] },
      /cool-down .* lasts until .*override_cooldown/,
    ],
  ])('%s', async (_name, given, message) => {
    const { deps, asked } = scene(given);
    const refused = requestByHand(model, wish, deps);
    await expect(refused).rejects.toMatchObject({ code: 'conflict' });
    await expect(refused).rejects.toThrow(message);
    expect((await checkTriggers(model, 'alert', 'MLAccuracyDropped', deps)).kind).toBe('not_started');
    expect(asked).toEqual([]);
  });
});

test('the override of a cool-down stands in the reasons of the job', async () => {
  const { deps, asked } = scene({ finished: [{ state: 'succeeded', finishedAtMs: NOW - 1 }] });
  await requestByHand(model, { ...wish, overrideCooldown: true }, deps);
  expect(asked).toMatchObject([
    {
      trigger: 'manual',
      requestedBy: 'alice',
      reasons: [{ code: 'manual', note: 'a wish (cool-down overridden)' }, {}],
    },
  ]);
});

test('an alert stands as the first reason of its job, and what the triggers say after it', async () => {
  const { deps, asked } = scene({});
  expect(await checkTriggers(model, 'alert', 'MLAccuracyDropped', deps)).toMatchObject({ kind: 'started' });
  expect(asked).toMatchObject([
    {
      trigger: 'alert',
      shadow: false,
      champion: { degraded: true },
      reasons: [{ code: 'alert', note: 'MLAccuracyDropped' }, { code: 'performance_drop' }],
    },
  ]);
});
