import { describe, expect, test } from '@jest/globals';
import { Random } from '../../test/support/random.ts';
import { DAY_MS, HOUR_MS } from '../histogram/time-bucket.ts';
import { buildScheme } from './build-baseline.ts';
import { designEffects } from './design-effects.ts';
import { provisionalTarget } from './provisional-target.ts';
import { readColumnMap, toBaselineRow } from './readers/column-roles.ts';
import { layOut } from './reference-rows.ts';
import { Spool } from './spool.ts';

const START = Date.UTC(2026, 8, 7, 5);
const VISITS = 5;
const COLUMNS = {
  features: new Map([
    ['person', 'numeric' as const],
    ['town', 'categorical' as const],
    ['visit', 'numeric' as const],
  ]),
  classes: new Set(['no', 'yes']),
  ignored: [],
};
const target = provisionalTarget('m', '1', COLUMNS, 'binary', undefined, undefined);

/** Other users every day (UTC), each of whom is seen so many times: `person`, `town` and the score are theirs, `visit` is not. */
function rows(seed: number, days: number, visits: number, perDay = 1_000): Record<string, unknown>[] {
  const random = new Random(seed);
  return Array.from({ length: days * perDay }, () => {
    const timestamp = START + random.uniform() * days * DAY_MS;
    const user = new Random(
      Math.imul(Math.floor(timestamp / DAY_MS) * 1_000 + Math.floor((random.uniform() * perDay) / visits), 7_919) +
        seed,
    );
    const own = visits === 0 ? random : user;
    const [person, town, score] = [own.normal(), `t${Math.floor(6 * own.uniform() ** 2)}`, own.uniform()];
    return { person, town, score, visit: random.normal(), prediction: score > 0.5 ? 'yes' : 'no', timestamp };
  });
}

async function effectsOf(records: readonly Record<string, unknown>[], windowsMs: readonly number[] = [DAY_MS]) {
  const spool = new Spool();
  const roles = readColumnMap('');
  for (let i = 0; i < records.length; i += 1_000)
    spool.add(
      layOut(
        records.slice(i, i + 1_000).map((record) => toBaselineRow(record, roles)),
        target,
      ),
    );
  const { scheme } = await buildScheme(spool, target, new Set(COLUMNS.features.keys()), new Map(), 200);
  return designEffects(spool, { ...target, scheme: { id: 1, ...scheme } }, windowsMs);
}

describe('designEffects', () => {
  test('score, class and what belongs to a user repeat; what belongs to a visit does not', async () => {
    const [found] = await effectsOf(rows(1, 14, VISITS));
    expect(found!.windowMs).toBe(DAY_MS);
    const [score, classes, person, town, visit] = found!.byColumn as [number, number, number, number, number];
    // The truth is 1 + 5, and what is kept errs upwards.
    for (const effect of [score, person, town]) expect(effect / (1 + VISITS)).toBeGreaterThan(0.8);
    for (const effect of [score, person, town]) expect(effect / (1 + VISITS)).toBeLessThan(2.5);
    // Of two classes there is one degree of freedom a day.
    expect(classes).toBeGreaterThan(3);
    expect(visit).toBeLessThan(2);
  });

  test('independent rows: all 1', async () => {
    for (let seed = 0; seed < 5; seed++)
      expect(await effectsOf(rows(seed, 7, 0))).toEqual([{ windowMs: DAY_MS, byColumn: [1, 1, 1, 1, 1] }]);
  });

  test('within shorter windows users come again less', async () => {
    const [sixth, day] = await effectsOf(rows(2, 7, 20), [DAY_MS, 4 * HOUR_MS]);
    expect([sixth!.windowMs, day!.windowMs]).toEqual([4 * HOUR_MS, DAY_MS]);
    expect(day!.byColumn[2]).toBeGreaterThan(2 * sixth!.byColumn[2]!);
  });

  test.each<readonly [string, readonly Record<string, unknown>[]]>([
    ['rows without times', rows(3, 7, VISITS).map(({ timestamp: _, ...row }) => row)],
    ['times that are none', rows(3, 7, VISITS).map((row) => ({ ...row, timestamp: 'noon' }))],
    ['a baseline of three days', rows(3, 3, VISITS)],
    ['one time for all', rows(3, 7, VISITS).map((row) => ({ ...row, timestamp: START }))],
  ])('%s: nothing is known', async (_name, records) => {
    expect(await effectsOf(records)).toEqual([]);
  });

  test('a year: its newest days', async () => {
    const [found] = await effectsOf([
      ...rows(4, 70, 0, 100),
      ...rows(4, 1, 0, 100).map((row) => ({ ...row, timestamp: START - 365 * DAY_MS })),
    ]);
    expect(found!.byColumn).toEqual([1, 1, 1, 1, 1]);
  });

  test('times in text, in any order, are times', async () => {
    const records = rows(1, 7, VISITS);
    const asText = (of: (iso: string) => string) =>
      records.map((row) => ({ ...row, timestamp: of(new Date(row.timestamp as number).toISOString()) }));
    const plain = await effectsOf(asText((iso) => iso));
    expect(await effectsOf(asText((iso) => iso.replace('T', ' ').replace('Z', '')))).toEqual(plain);
    expect(plain[0]!.byColumn[2]).toBeGreaterThan(4);
  });
});
