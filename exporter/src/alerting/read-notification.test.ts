import { describe, expect, test } from '@jest/globals';
import { readNotification } from './read-notification.ts';

const ALERT = {
  status: 'firing',
  labels: { alertname: 'MLDataDrift', model: 'churn' },
  annotations: { summary: 'drifted' },
  startsAt: '2026-11-26T10:00:00.123456789Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus/graph',
  fingerprint: 'a1b2c3',
};
const message = (alerts: unknown, more: object = {}) => ({ version: '4', receiver: 'history', alerts, ...more });

describe('a message of Alertmanager', () => {
  test('is read', () => {
    expect(readNotification(message([ALERT], { truncatedAlerts: 3 }))).toEqual({
      notifications: [
        {
          fingerprint: 'a1b2c3',
          startsAtMs: Date.UTC(2026, 10, 26, 10, 0, 0, 123),
          endsAtMs: null,
          status: 'firing',
          labels: ALERT.labels,
          annotations: ALERT.annotations,
          generatorUrl: 'http://prometheus/graph',
          receiver: 'history',
          suppressed: null,
        },
      ],
      errors: [],
      truncated: 3,
    });
  });

  test.each([
    ['with its end', '2026-11-26T10:30:00Z', Date.UTC(2026, 10, 26, 10, 30)],
    ['without one', undefined, Date.UTC(2026, 10, 26, 10, 0, 0, 123)],
    ['before its start, of a clock that is late', '2026-11-26T09:00:00Z', Date.UTC(2026, 10, 26, 10, 0, 0, 123)],
  ])('resolved %s', (_case, endsAt, endsAtMs) => {
    const { notifications } = readNotification(message([{ ...ALERT, status: 'resolved', endsAt }]));
    expect(notifications[0]?.endsAtMs).toBe(endsAtMs);
  });

  test.each([
    ['nothing', undefined, ''],
    ['a list', [], ''],
    ['an older version', { version: '3', alerts: [] }, '/version'],
    ['alerts that are no list', message({}), '/alerts'],
    ['an alert that is none', message([null]), '/alerts/0'],
    ['an unknown status', message([{ ...ALERT, status: 'pending' }]), '/alerts/0/status'],
    ['no fingerprint', message([{ ...ALERT, fingerprint: '' }]), '/alerts/0/fingerprint'],
    ['an endless fingerprint', message([{ ...ALERT, fingerprint: 'f'.repeat(65) }]), '/alerts/0/fingerprint'],
    ['no name', message([{ ...ALERT, labels: { model: 'churn' } }]), '/alerts/0/labels'],
    ['a label that is no text', message([{ ...ALERT, labels: { alertname: 'A', n: 1 } }]), '/alerts/0/labels'],
    ['annotations that are no texts', message([{ ...ALERT, annotations: { a: null } }]), '/alerts/0/annotations'],
    ['no start', message([{ ...ALERT, startsAt: 'yesterday' }]), '/alerts/0/startsAt'],
    ['a start at the year 1', message([{ ...ALERT, startsAt: '0001-01-01T00:00:00Z' }]), '/alerts/0/startsAt'],
  ])('%s is refused, by its place', (_case, found, pointer) => {
    const { notifications, errors } = readNotification(found);
    expect(notifications).toEqual([]);
    expect(errors.map((error) => error.pointer)).toEqual([pointer]);
  });

  test('one that cannot be read does not sink the others', () => {
    const { notifications, errors } = readNotification(message([ALERT, { ...ALERT, startsAt: 5 }, ALERT]));
    expect(notifications).toHaveLength(2);
    expect(errors).toEqual([{ pointer: '/alerts/1/startsAt', detail: 'must be a time' }]);
  });

  test('what a database cannot hold is replaced, and endless texts are cut', () => {
    const labels = { alertname: 'A\0b', half: '\ud83d', whole: '😀', long: 'x'.repeat(20_000) };
    const { notifications } = readNotification(message([{ ...ALERT, labels }]));
    expect(notifications[0]?.labels).toEqual({
      alertname: 'A\ufffdb',
      half: '\ufffd',
      whole: '😀',
      long: 'x'.repeat(16_384),
    });
  });
});
