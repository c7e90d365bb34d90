import { describe, expect, test } from '@jest/globals';
import { ofUsers, simulateWeek, STREAMS } from '../support/false-alarms.ts';
import type { Stream } from '../support/false-alarms.ts';

const WEEKS = Number(process.env.FALSE_ALARM_WEEKS ?? 2);
const streams = Object.entries(STREAMS);
/** Each stream has weeks of its own: the same draws in another shape would be the same weeks again for tests by rank. */
const seedOf = (name: string, week: number) =>
  Buffer.from(name).reduce((hash, byte) => Math.imul(hash, 31) + byte, 7) + week;
/** Only for the table: what cannot be told from drift where the baseline has no times, and what is no remedy. */
const untold =
  process.env.FALSE_ALARM_WEEKS === undefined
    ? []
    : ([
        ...([2, 5, 20] as const).map(
          (visits) => [`${visits} visits a day, no times`, ofUsers(visits), { timed: false }] as const,
        ),
        ...streams.map(([name, stream]) => [`${name}, self-calibrated`, stream, { selfCalibrated: true }] as const),
      ] as const);

/** The tables of docs/checks/data-drift.md are of FALSE_ALARM_WEEKS=100. */
describe('a day of 1,000 predictions, ten features, evaluated every hour', () => {
  test.each([...streams.map(([name, stream]) => [name, stream, {}] as const), ...untold])(
    'without drift no week of %s has an alert',
    async (name, stream: Stream, how) => {
      let alerts = 0;
      let founding = 0;
      let reported = 0;
      for (let week = 0; week < WEEKS; week++) {
        const of = await simulateWeek(stream, seedOf(name.split(',')[0]!, week), 1_000, 0, how);
        expect(of.evaluations).toBe(168);
        alerts += Number(of.alerts > 0);
        founding += Number(of.foundingAlarms > 0);
        reported += Number(of.reported > 0);
      }
      if (process.env.FALSE_ALARM_WEEKS !== undefined)
        console.log(`${name}: weeks ${WEEKS}, alert ${alerts}, verdict ${reported}, founding ${founding}`);
      if (!untold.some(([of]) => of === name)) expect(alerts).toBe(0);
    },
    1_200_000,
  );
});

describe('a day of 5,000 predictions', () => {
  // So many more users, not the same ones more often.
  const busy = Object.entries({
    ...STREAMS,
    'users seen twice a day': ofUsers(2, 5_000),
    'users seen 5 times a day': ofUsers(5, 5_000),
    'users seen 20 times a day': ofUsers(20, 5_000),
  });
  /** 5,000 rows that say as much as 833 and 238: a shift of 0.3 is near what they do by chance. */
  const repeating: readonly string[] = ['users seen 5 times a day', 'users seen 20 times a day'];

  test.each(busy.filter(([name]) => !repeating.includes(name)))(
    '%s: a shift of 0.3 standard deviations is reported',
    async (_name, stream: Stream) => {
      const { reported, evaluations } = await simulateWeek(stream, 7, 5_000, 0.3);
      // At the cycle's own width 0.3 of the noise is less than 0.3 of the whole.
      expect(reported / evaluations).toBeGreaterThan(0.9);
    },
    120_000,
  );

  test.each(busy)(
    '%s: a shift of one standard deviation alerts',
    async (_name, stream: Stream) => {
      const { alerts, evaluations } = await simulateWeek(stream, 7, 5_000, 1);
      expect(alerts).toBe(evaluations);
    },
    120_000,
  );
});
