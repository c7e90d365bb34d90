import { expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Ledger } from './ledger.ts';

const RIGHT = { acknowledged: 500, acknowledgedLabels: 0, stored: 500, lost: 0, lostLabels: 0, twice: 0, strange: 0 };

test('ids are all different, and none is lost where all are found', () => {
  const ledger = new Ledger();
  const issued = ledger.issue(500);
  ledger.acknowledge(issued);
  expect(new Set(issued.ids).size).toBe(500);
  ledger.found([...issued.ids].reverse());
  expect(ledger.tally()).toEqual(RIGHT);
});

test('beyond the room that it begins with', () => {
  const ledger = new Ledger();
  const first = ledger.issue(1);
  ledger.acknowledge(first);
  ledger.issue(200_000);
  const last = ledger.issue(1);
  ledger.acknowledge(last);
  ledger.found([...first.ids, ...last.ids]);
  expect(ledger.tally()).toMatchObject({ acknowledged: 2, stored: 2, lost: 0, twice: 0 });
});

test.each<[string, (ids: readonly string[]) => readonly string[], Partial<typeof RIGHT>]>([
  ['one that is not there', (ids) => ids.slice(1), { stored: 499, lost: 1 }],
  ['one that is there twice', (ids) => [...ids, ids[7]!], { twice: 1 }],
  ['one that is there three times', (ids) => [...ids, ids[7]!, ids[7]!], { twice: 1 }],
  ['one that nobody sent', (ids) => [...ids, randomUUID()], { strange: 1 }],
  ['one with a bit turned', (ids) => [...ids.slice(1), turned(ids[0]!)], { stored: 499, lost: 1, strange: 1 }],
])('%s is told', (_name, found, expected) => {
  const ledger = new Ledger();
  const issued = ledger.issue(500);
  ledger.acknowledge(issued);
  ledger.found(found(issued.ids));
  expect(ledger.tally()).toEqual({ ...RIGHT, ...expected });
});

test('labels are told apart from predictions, and those not acknowledged may be there or not', () => {
  const ledger = new Ledger();
  const [sent, labelled] = [ledger.issue(10), ledger.issue(10)];
  ledger.acknowledge(labelled);
  ledger.acknowledgeLabels(labelled);
  ledger.found([...sent.ids.slice(0, 3), ...labelled.ids]);
  ledger.foundLabels([...sent.ids.slice(0, 5), ...labelled.ids.slice(1)]);
  expect(ledger.tally()).toEqual({
    acknowledged: 10,
    acknowledgedLabels: 10,
    stored: 13,
    lost: 0,
    lostLabels: 1,
    twice: 0,
    strange: 0,
  });
});

function turned(id: string): string {
  return (id.startsWith('0') ? '1' : '0') + id.slice(1);
}
