import { describe, expect, test } from '@jest/globals';
import { ofUsers, simulateWeek, STREAMS } from '../support/false-alarms.ts';
import type { Stream } from '../support/false-alarms.ts';

const WEEKS = Number(process.env.FALSE_ALARM_WEEKS ?? 2);
const streams = Object.entries(STREAMS);
/** Only for the table: what no check can tell from drift. */
const few =
  process.env.FALSE_ALARM_WEEKS === undefined
    ? []
    : [5, 20].map((visits) => [`users seen ${visits} times a day`, ofUsers(visits)] as const);

/** The table of docs/checks/data-drift.md is of FALSE_ALARM_WEEKS=10. */
describe('a day of 1,000 predictions, ten features, evaluated every hour', () => {
  test.each(streams)(
    'without drift no week of %s has an alert',
    (name, stream: Stream) => {
      let alerts = 0;
      let founding = 0;
      let reported = 0;
      for (let week = 0; week < WEEKS; week++) {
        const of = simulateWeek(stream, 1_000 + week, 1_000);
        expect(of.evaluations).toBe(168);
        alerts += Number(of.alerts > 0);
        founding += Number(of.foundingAlarms > 0);
        reported += Number(of.reported > 0);
      }
      if (process.env.FALSE_ALARM_WEEKS !== undefined)
        console.log(`${name}: weeks ${WEEKS}, alert ${alerts}, verdict ${reported}, founding ${founding}`);
      if (!few.some(([of]) => of === name)) expect(alerts).toBe(0);
    },
    1_200_000,
  );
});

describe('a day of 5,000 predictions', () => {
  // So many more users, not the same ones more often.
  const busy = Object.entries({ ...STREAMS, 'users seen twice a day': ofUsers(2, 5_000) });

  test.each(busy)(
    '%s: a shift of 0.3 standard deviations is reported',
    (_name, stream: Stream) => {
      const { reported, evaluations } = simulateWeek(stream, 7, 5_000, 0.3);
      // At the cycle's own width 0.3 of the noise is less than 0.3 of the whole.
      expect(reported / evaluations).toBeGreaterThan(0.9);
    },
    120_000,
  );

  test.each(busy)(
    '%s: a shift of one standard deviation alerts',
    (_name, stream: Stream) => {
      const { alerts, evaluations } = simulateWeek(stream, 7, 5_000, 1);
      expect(alerts).toBe(evaluations);
    },
    120_000,
  );
});
