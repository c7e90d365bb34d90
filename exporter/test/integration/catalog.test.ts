import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { Settings } from '../../src/domain/settings.ts';
import type { TargetWant } from '../../src/histogram/model-target.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { ModelStore } from '../../src/storage/model-store.ts';
import { createPool } from '../../src/storage/pool.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { silentLog } from '../support/silent-log.ts';

const settings: Settings = { ...DEFAULT_SETTINGS, overrides: new Map([['churn', { segments: ['channel'] }]]) };

let database: TestDatabase;
let pool: Pool;
let catalog: Catalog;
/** The next answer about versions waits at it while it is closed. */
const gate = { closed: false, waiting: [] as (() => void)[] };

beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { max: 4, applicationName: 'test', log: silentLog });
  const slow = new Proxy(pool, {
    get: (of, name, receiver) =>
      name === 'query'
        ? async (text: string, values?: unknown[]) => {
            const answer = await of.query(text, values);
            if (gate.closed && text.includes('JOIN bin_schemes')) {
              gate.closed = false;
              await new Promise<void>((resolve) => gate.waiting.push(resolve));
            }
            return answer;
          }
        : (Reflect.get(of, name, receiver) as unknown),
  });
  catalog = new Catalog(slow, () => settings, { now: Date.now });
  await catalog.load();
  await catalog.ensure([want('web')]);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

function want(channel: string, className = 'yes'): TargetWant {
  return {
    model: 'churn',
    version: '1',
    features: new Map(),
    classes: new Set([className]),
    errorReasons: new Set(),
    segments: new Map([['channel', new Set([channel])]]),
  };
}
const channels = () => [...(catalog.find('churn', '1')?.segments.get('channel')?.keys() ?? [])];
/** What was looked at before `meanwhile`, and came after it. */
async function answeredLate(look: () => Promise<void>, meanwhile: () => unknown): Promise<void> {
  gate.closed = true;
  const late = look();
  while (gate.waiting.length === 0) await new Promise(setImmediate);
  await meanwhile();
  gate.waiting.pop()!();
  await late;
}

test('an answer that comes late takes nothing back that was registered meanwhile', async () => {
  const id = catalog.find('churn', '1')!.versionId;
  await answeredLate(
    () => catalog.learn(id),
    () => catalog.ensure([want('shop', 'no')]),
  );
  expect(channels()).toEqual(['web', 'shop']);
  expect([...catalog.find('churn', '1')!.classCodes.keys()]).toEqual(['yes', 'no']);
});

test('nor does it undo a switch of the scheme', async () => {
  const { versionId } = catalog.find('churn', '1')!;
  await answeredLate(
    () => catalog.learn(versionId),
    () => new ModelStore(pool, catalog).declare('churn', { task: 'binary' }),
  );
  expect(catalog.version(versionId)!.model.declared).toEqual({ task: 'binary' });
});

test('nor does it bring a deleted model back', async () => {
  const { versionId } = catalog.find('churn', '1')!;
  await answeredLate(
    () => catalog.learn(versionId),
    () => new ModelStore(pool, catalog).remove('churn'),
  );
  expect([catalog.find('churn', '1'), catalog.version(versionId)]).toEqual([undefined, undefined]);
  await catalog.ensure([want('fax')]);
  expect(channels()).toEqual(['fax']);
});

test('while everything is read again, what is known holds', async () => {
  await answeredLate(
    () => catalog.load(),
    () => expect(channels()).toEqual(['web']),
  );
  expect(channels()).toEqual(['web']);
});
