import { describe, expect, test } from '@jest/globals';
import type { LossEpisode, StoredAlert, Verdict } from '../domain/alert.ts';
import { effectiveness } from './effectiveness.ts';
import { verdictByLabels } from './judge-by-labels.ts';
import { lossEpisodes } from './losses.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);

function alert(
  hours: readonly [number, number | null],
  more: Partial<StoredAlert> = {},
  verdict?: Verdict,
): StoredAlert {
  return {
    id: '1',
    fingerprint: 'f',
    alertname: 'MLDataDrift',
    severity: 'medium',
    model: 'churn',
    version: '1',
    check: 'data_drift',
    status: hours[1] === null ? 'firing' : 'resolved',
    startsAtMs: T + hours[0] * HOUR,
    endsAtMs: hours[1] === null ? null : T + hours[1] * HOUR,
    labels: {},
    annotations: {},
    suppressed: null,
    receivedAtMs: T,
    acknowledged: null,
    verdict:
      verdict === undefined
        ? null
        : { verdict, source: 'person', decidedBy: 'ann', note: '', decidedAtMs: T + 50 * HOUR },
    ...more,
  };
}
const loss = (from: number, to: number, model = 'churn'): LossEpisode => ({
  model,
  version: '1',
  fromMs: T + from * HOUR,
  toMs: T + to * HOUR,
  windowMs: 24 * HOUR,
});
const of = (alerts: readonly StoredAlert[], losses: readonly LossEpisode[] = []) =>
  effectiveness(alerts, losses, T + 1_000 * HOUR);

describe('precision', () => {
  test('is the true ones among those with a verdict, duplicates left out', () => {
    const alerts = (['true', 'true', 'false', 'benign', 'unactionable', 'duplicate'] as const).map((verdict) =>
      alert([0, 1], {}, verdict),
    );
    const [rule] = of([...alerts, alert([0, 1])]).rules;
    expect(rule).toMatchObject({ fired: 7, precision: { value: 0.4, of: 5 } });
    expect(rule!.verdicts).toEqual({ true: 2, false: 1, benign: 1, duplicate: 1, unactionable: 1 });
    // Wilson (1927) of 2 in 5.
    expect(rule!.precision.lower).toBeCloseTo(0.1176, 4);
    expect(rule!.precision.upper).toBeCloseTo(0.7693, 4);
  });

  test('of no verdicts is not known', () => {
    expect(of([alert([0, 1])]).rules[0]!.precision).toMatchObject({ value: NaN, of: 0 });
  });
});

describe('recall and lead time', () => {
  test.each<[string, [number, number | null], [number, number], number | null]>([
    ['before the loss', [0, 5], [10, 20], 10],
    ['longer before than a window', [0, 5], [40, 50], null],
    ['during the loss', [12, 13], [10, 20], -2],
    ['after the loss', [21, 22], [10, 20], null],
    ['and still firing', [0, null], [500, 510], 500],
  ])('an alert %s', (_case, hours, [from, to], lead) => {
    const { rules, misses } = of([alert(hours)], [loss(from, to)]);
    expect(rules[0]!.recall).toMatchObject({ value: lead === null ? 0 : 1, of: 1 });
    expect(rules[0]!.leadTimeSeconds).toBe(lead === null ? NaN : lead * 3_600);
    expect(rules[0]!.foretold).toBe(lead !== null && lead > 0 ? 1 : 0);
    expect(misses).toHaveLength(lead === null ? 1 : 0);
  });

  test.each([
    ['another model', { model: 'fraud' }],
    ['another version', { version: '2' }],
  ])('an alert of %s catches nothing', (_case, more) => {
    expect(of([alert([0, 30], more)], [loss(10, 20)]).misses).toHaveLength(1);
  });

  test('a rule that is about something else has none, and cannot catch', () => {
    const { rules, misses } = of([alert([0, 30], { alertname: 'MLLatencySpike', check: 'latency' })], [loss(10, 20)]);
    expect(rules[0]).toMatchObject({ recall: null, foretold: null, leadTimeSeconds: NaN });
    expect(misses).toHaveLength(1);
  });

  test('the median of the lead times, each by the earliest alert', () => {
    const alerts = [alert([0, 1]), alert([2, 3]), alert([100, 101]), alert([200, 201])];
    const [rule] = of(alerts, [loss(10, 12), loss(101, 102), loss(204, 205)]).rules;
    expect(rule!.leadTimeSeconds).toBe(4 * 3_600);
  });
});

test('time to acknowledge is a median', () => {
  const acknowledged = (hours: number) => ({ by: 'ann', atMs: T + hours * HOUR, note: '' });
  const alerts = [1, 2, 9].map((hours) => alert([0, 10], { acknowledged: acknowledged(hours) }));
  expect(of(alerts).rules[0]).toMatchObject({ acknowledged: 3, timeToAcknowledgeSeconds: 2 * 3_600 });
});

test('no alerts, no rules', () => expect(of([], [])).toEqual({ rules: [], losses: 0, misses: [] }));

describe('losses', () => {
  const point = (hours: number, version = '1') => ({
    model: 'm',
    version,
    atMs: T + hours * HOUR,
    windowMs: 24 * HOUR,
  });

  test('points within one window are one episode', () => {
    expect(lossEpisodes([point(0), point(1), point(25), point(50)]).map((e) => [e.fromMs, e.toMs])).toEqual([
      [T, T + 25 * HOUR],
      [T + 50 * HOUR, T + 50 * HOUR],
    ]);
  });
  test('versions are apart', () => {
    expect(lossEpisodes([point(0), point(1, '2'), point(2)])).toHaveLength(2);
  });
  test('nothing lost', () => expect(lossEpisodes([])).toEqual([]));
});

describe('what labels say', () => {
  test.each([
    ['drift, and performance was lost', 'data_drift', { alert: 1, fine: 9 }, 'true'],
    ['drift, and performance held', 'prediction_drift', { alert: 0, fine: 9 }, 'benign'],
    ['drift, and no labels', 'data_drift', { alert: 0, fine: 0 }, null],
    ['performance, confirmed', 'performance', { alert: 3, fine: 1 }, 'true'],
    ['performance, not confirmed', 'performance', { alert: 0, fine: 5 }, null],
  ] as const)('%s', (_case, check, states, verdict) => expect(verdictByLabels(check, states)).toBe(verdict));
});
