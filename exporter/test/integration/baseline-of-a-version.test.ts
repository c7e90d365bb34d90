import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DAY_MS, MINUTE_MS } from '../../src/histogram/time-bucket.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { compareWithRawRows } from '../support/recount.ts';

const now = Date.UTC(2026, 10, 24, 12, 30);

/** What a model answers (its task, its positive class) is the model's; its bins are each version's. */
describe('a baseline of one version', () => {
  let database: TestDatabase;
  let core: Core;
  beforeAll(async () => {
    database = await createTestDatabase();
    core = await openCore(database.url, { now: () => now });
  });
  afterAll(async () => {
    await core.close();
    await database.drop();
  });

  const send = async (version: string, classes: readonly string[]) => {
    const events = Array.from({ length: 120 }, (_, i) => ({
      model: 'shop',
      version,
      prediction_id: `${version}-${i}`,
      timestamp: now - (i + 1) * MINUTE_MS,
      features: { age: i },
      prediction: classes[i % classes.length],
      score: ((7 * i) % 120) / 120,
    }));
    await core.predict(events);
    await core.label(
      events
        .slice(0, 60)
        .map(({ prediction_id }, i) => ({ model: 'shop', prediction_id, label: classes[i % classes.length] })),
    );
  };
  const capture = (version: string) =>
    core.capture('shop', version, { fromMs: now - DAY_MS, toMs: now + 1, limit: Infinity });
  const countedAs = (version: string) => {
    const { task, positiveClass, classCodes } = core.catalog.find('shop', version)!;
    return [task, [...classCodes].find(([, code]) => code === positiveClass)?.[0] ?? null];
  };
  const differences = async () => {
    const { rows, differences: of, recounting } = await compareWithRawRows(core.pool, core.catalog, 0);
    return { rows, differences: of, recounting };
  };

  test('makes the others be counted as the model is from then on', async () => {
    await send('1', ['no', 'yes']);
    await send('2', ['no', 'yes']);
    expect([countedAs('1'), countedAs('2')]).toEqual([
      ['unknown', null],
      ['unknown', null],
    ]);
    await capture('1');
    expect([countedAs('1'), countedAs('2')]).toEqual([
      ['binary', 'yes'],
      ['binary', 'yes'],
    ]);
    expect(await differences()).toEqual({ rows: 240, differences: [], recounting: 0 });
  });

  test('does not turn round what another version’s baseline says', async () => {
    await send('3', ['no']);
    await capture('3');
    await core.baselines.applySettings();
    expect([countedAs('1'), countedAs('3')]).toEqual([
      ['binary', 'yes'],
      ['binary', 'yes'],
    ]);
    await send('4', ['no', 'yes', 'perhaps']);
    await capture('4');
    await core.baselines.applySettings();
    expect([countedAs('1'), countedAs('4')]).toEqual([
      ['binary', 'yes'],
      ['binary', 'yes'],
    ]);
    expect(await differences()).toEqual({ rows: 480, differences: [], recounting: 0 });
  });
});
