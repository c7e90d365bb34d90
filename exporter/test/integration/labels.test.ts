import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { compareWithRawRows } from '../support/recount.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 24, 12, 30);
const T = NOW - 2 * HOUR;

/** A step: `p` the prediction comes; else a label with its time, in minutes after T; `|` the statistics are folded, so buckets close. */
type Step = 'p' | '|' | readonly [label: 'yes' | 'no', minutes: number] | readonly (readonly ['yes' | 'no', number])[];

const isList = (step: Step): step is readonly (readonly ['yes' | 'no', number])[] => Array.isArray(step[0]);

describe('a prediction of yes, and its labels', () => {
  let database: TestDatabase;
  let core: Core;
  let number = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    core = await openCore(database.url, { now: () => NOW });
    await core.predict(
      Array.from({ length: 40 }, (_, i) => ({
        model: 'churn',
        version: '1',
        prediction_id: `first-${i}`,
        timestamp: NOW - 20 * HOUR,
        features: { age: i },
        prediction: i % 2 === 0 ? 'yes' : 'no',
        score: i / 40,
      })),
    );
    await core.capture('churn', '1', { fromMs: 0, toMs: NOW, limit: 40 });
  });
  afterAll(async () => {
    await core.close();
    await database.drop();
  });

  test.each<[string, readonly Step[], 'right' | 'wrong', object]>([
    ['on time', ['p', ['yes', 10]], 'right', { joined: 1 }],
    ['late, after its hour was folded and closed', ['p', '|', ['no', 100]], 'wrong', { joined: 1 }],
    ['early, before the prediction', [['yes', 1], 'p'], 'right', { waiting: 1 }],
    ['sent twice', ['p', ['yes', 10], ['yes', 10]], 'right', { joined: 0, updated: 0, duplicates: 1 }],
    [
      'twice in one request, the newest first',
      [
        'p',
        [
          ['no', 20],
          ['yes', 10],
        ],
      ],
      'wrong',
      { joined: 1 },
    ],
    ['corrected', ['p', ['yes', 10], ['no', 20]], 'wrong', { updated: 1 }],
    ['corrected after a fold', ['p', ['yes', 10], '|', ['no', 20], '|'], 'wrong', { updated: 1 }],
    ['corrected to and fro', ['p', ['yes', 10], '|', ['no', 20], ['yes', 30]], 'right', { updated: 1 }],
    ['at the same time: the last to arrive', ['p', ['yes', 10], ['no', 10]], 'wrong', { updated: 1 }],
    ['an older one, too late', ['p', ['yes', 20], ['no', 10]], 'right', { updated: 0, duplicates: 1 }],
    ['corrected while it waits', [['yes', 1], ['no', 2], 'p'], 'wrong', { waiting: 1 }],
  ])('%s', async (_name, steps, outcome, lastReply) => {
    const id = `case-${number++}`;
    const before = await confusion();
    let reply: object = {};
    for (const step of steps) {
      if (step === 'p')
        await core.predict([
          {
            model: 'churn',
            version: '1',
            prediction_id: id,
            timestamp: T,
            features: { age: 1 },
            prediction: 'yes',
            score: 0.9,
          },
        ]);
      else if (step === '|') {
        await core.evaluator.catchUp();
        await core.evaluator.fold();
      } else {
        const labels = (isList(step) ? step : [step]).map(([label, minutes]) => ({
          model: 'churn',
          prediction_id: id,
          label,
          timestamp: T + minutes * 60_000,
        }));
        reply = await core.label(labels);
      }
    }
    await core.groundTruth.sweep(0, NOW);
    expect(reply).toMatchObject(lastReply);
    const after = await confusion();
    expect({ right: after.right - before.right, wrong: after.wrong - before.wrong }).toEqual({
      right: outcome === 'right' ? 1 : 0,
      wrong: outcome === 'wrong' ? 1 : 0,
    });
    // The window of the prediction's own hour, whenever its label came.
    expect(after.labelled - before.labelled).toBe(1);
    expect((await compareWithRawRows(core.pool, core.catalog, NOW - 24 * HOUR)).differences).toEqual([]);
  });

  async function confusion() {
    await core.evaluator.catchUp();
    const { target } = core.catalog.versions()[0]!;
    const { performance } = core.evaluator.memory.window(target, NOW, 3 * HOUR);
    const [yes, no] = ['yes', 'no'].map((name) => target.classCodes.get(name)!);
    const cell = (actual: number) => performance.confusion.get(yes! * 256 + actual) ?? 0;
    return { right: cell(yes!), wrong: cell(no!), labelled: performance.labelled };
  }
});
