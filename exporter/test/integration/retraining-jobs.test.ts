import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { JobRequest, JobState } from '../../src/domain/retraining.ts';
import { advanceOne } from '../../src/retraining/advance.ts';
import type { Step } from '../../src/retraining/advance.ts';
import { TRANSITIONS } from '../../src/retraining/transitions.ts';
import { createPool } from '../../src/storage/pool.ts';
import { RetrainingStore } from '../../src/storage/retraining-store.ts';
import type { ClaimedJob } from '../../src/storage/retraining-store.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { silentLog } from '../support/silent-log.ts';

let database: TestDatabase;
let pool: Pool;
let store: RetrainingStore;
const clock = { now: () => Date.UTC(2026, 0, 2) };
const LEASE_MS = 10_000;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { max: 20, applicationName: 'retraining', log: silentLog });
  store = new RetrainingStore(pool);
});

beforeEach(async () => {
  await pool.query('TRUNCATE models CASCADE');
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function addModel(name: string): Promise<void> {
  await pool.query('INSERT INTO models (name, changed_epoch, created_at) VALUES ($1, 1, now())', [name]);
}

function asking(model: string): JobRequest {
  return {
    model,
    trigger: 'manual',
    requestedBy: 'alice',
    reasons: [],
    champion: { version: '1', degraded: false, baselineFigure: null },
    shadow: false,
    lastEndMs: Infinity,
  };
}

async function newJob(model = `model-${randomUUID()}`): Promise<string> {
  await addModel(model);
  return (await store.request(asking(model), clock.now())).jobId;
}

async function expireLeases(): Promise<void> {
  await pool.query(
    "UPDATE retraining_jobs SET lease_until = clock_timestamp() - interval '1 second' WHERE lease_until IS NOT NULL",
  );
}

const moving = (to: JobState) => ({
  to,
  attempt: 0,
  facts: {},
  runAfterMs: 0,
  event: { kind: 'transition', detail: {} },
});

describe('a request', () => {
  test('of 50 at once, one makes a job and all get its id', async () => {
    await addModel('churn');
    const asked = await Promise.all(Array.from({ length: 50 }, () => store.request(asking('churn'), clock.now())));
    expect(new Set(asked.map(({ jobId }) => jobId)).size).toBe(1);
    expect(asked.filter(({ created }) => created)).toHaveLength(1);
    const { rows } = await pool.query(
      'SELECT count(*)::int AS jobs, (SELECT count(*)::int FROM retraining_events) AS events FROM retraining_jobs',
    );
    expect(rows[0]).toEqual({ jobs: 1, events: 1 });
  });

  test('after the end of a job makes another', async () => {
    const first = await newJob('churn');
    await store.cancel(first, 'bob', clock.now());
    await advanceOne(
      {
        store,
        step: () => Promise.resolve({ kind: 'move', to: 'cancelled' }),
        clock,
        log: silentLog,
        leaseMs: LEASE_MS,
      },
      new AbortController().signal,
    );
    const second = await store.request(asking('churn'), clock.now());
    expect(second).toMatchObject({ created: true });
    expect(second.jobId).not.toBe(first);
  });

  test('that was considered before the end of another makes none: the cool-down was not looked at', async () => {
    const first = await newJob('churn');
    await store.cancel(first, 'bob', clock.now());
    const end: Step = { kind: 'move', to: 'cancelled' };
    const deps = { store, step: () => Promise.resolve(end), clock, log: silentLog, leaseMs: LEASE_MS };
    await advanceOne(deps, new AbortController().signal);
    for (const lastEndMs of [NaN, clock.now() - 1])
      await expect(store.request({ ...asking('churn'), lastEndMs }, clock.now())).rejects.toMatchObject({
        code: 'conflict',
      });
    expect(await store.request({ ...asking('churn'), lastEndMs: clock.now() }, clock.now())).toMatchObject({
      created: true,
    });
  });

  test('for a model that is not there is not found', async () => {
    await expect(store.request(asking('nobody'), clock.now())).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a worker', () => {
  test('that was overtaken changes nothing', async () => {
    const id = await newJob();
    const stale = (await store.claim(LEASE_MS))!;
    expect(await store.claim(LEASE_MS)).toBeNull();
    await expireLeases();
    const fresh = (await store.claim(LEASE_MS))!;
    expect(fresh).toMatchObject({ id, fence: stale.fence + 1 });
    expect(await store.write(stale, moving('preparing'), clock.now())).toBe(false);
    expect(await store.renew(stale, LEASE_MS)).toBe(false);
    await store.release(stale);
    expect(await store.claim(LEASE_MS)).toBeNull();
    expect(await store.write(fresh, moving('preparing'), clock.now())).toBe(true);
    expect(await store.write(fresh, moving('training'), clock.now())).toBe(false);
    expect((await store.events(id)).map(({ to }) => to)).toEqual(['queued', 'preparing']);
  });

  test('is told when its job is cancelled, and the job ends as cancelled', async () => {
    const id = await newJob();
    let heard = false;
    const step = (job: ClaimedJob, signal: AbortSignal): Promise<Step> =>
      job.cancelledBy === null
        ? new Promise((_resolve, reject) => {
            void store.cancel(id, 'bob', clock.now());
            signal.addEventListener('abort', () => {
              heard = true;
              reject(new Error('cut short'));
            });
          })
        : Promise.resolve({ kind: 'move', to: 'cancelled' });
    const deps = { store, step, clock, log: silentLog, leaseMs: 150 };
    while (await advanceOne(deps, new AbortController().signal));
    expect(heard).toBe(true);
    expect(await store.get(id)).toMatchObject({ state: 'cancelled', cancelledBy: 'bob' });
  });

  test('does not sleep over a decision that came in during its step', async () => {
    const id = await newJob();
    await pool.query("UPDATE retraining_jobs SET state = 'awaiting_approval'");
    const job = (await store.claim(LEASE_MS))!;
    await store.decide(id, 'approved', 'bob', 'fine', clock.now());
    expect(
      await store.write(job, { ...moving('awaiting_approval'), runAfterMs: 3_600_000, event: null }, clock.now()),
    ).toBe(true);
    expect(await store.claim(LEASE_MS)).toMatchObject({
      id,
      facts: { approval: { verdict: 'approved', by: 'bob', note: 'fine' } },
    });
  });

  test('passes over a paused job until it goes on', async () => {
    const id = await newJob();
    await store.pause(id, true, 'bob', clock.now());
    expect(await store.claim(LEASE_MS)).toBeNull();
    await expect(store.pause(id, true, 'bob', clock.now())).rejects.toMatchObject({ code: 'conflict' });
    await store.pause(id, false, 'bob', clock.now());
    expect(await store.claim(LEASE_MS)).toMatchObject({ id });
  });

  test('tries a step that throws again, and fails the job at the fifth time', async () => {
    const id = await newJob();
    let tries = 0;
    const step = (): Promise<Step> => {
      tries++;
      return Promise.reject(new Error('boom'));
    };
    for (let i = 0; i < 10; i++) {
      await pool.query('UPDATE retraining_jobs SET run_after = clock_timestamp()');
      await advanceOne({ store, step, clock, log: silentLog, leaseMs: LEASE_MS }, new AbortController().signal);
    }
    expect(tries).toBe(5);
    expect(await store.get(id)).toMatchObject({
      state: 'failed',
      facts: { error: { code: 'step_failed', message: 'boom' } },
    });
  });
});

describe('a decision', () => {
  test('of two at once one counts', async () => {
    const id = await newJob();
    await pool.query("UPDATE retraining_jobs SET state = 'awaiting_approval'");
    const decided = await Promise.allSettled([
      store.decide(id, 'approved', 'bob', '', clock.now()),
      store.decide(id, 'rejected', 'carol', '', clock.now()),
    ]);
    expect(decided.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test.each<readonly [string, (id: string) => Promise<void>]>([
    ['approval of a job that does not wait for it', (id) => store.decide(id, 'approved', 'bob', '', clock.now())],
    ['letting go on what is not paused', (id) => store.pause(id, false, 'bob', clock.now())],
  ])('%s is a conflict', async (_name, decide) => {
    await expect(decide(await newJob())).rejects.toMatchObject({ code: 'conflict' });
  });
});

test('200 jobs, 8 workers that die, stall and lose their leases: every transition once, no job stuck', async () => {
  const JOBS = 200;
  for (let i = 0; i < JOBS; i++) await newJob(`model-${i}`);
  // Long enough for a slow machine to write a step within it: a step that it is too slow for is done again, and again.
  const leaseMs = 500;
  const counts = { died: 0, stalled: 0, steps: 0 };
  const ended = async () =>
    (await pool.query("SELECT FROM retraining_jobs WHERE state <> 'succeeded' LIMIT 1")).rowCount === 0;
  let random = 7;
  const uniform = () => (random = (Math.imul(random, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const step = async (job: ClaimedJob): Promise<Step> => {
    const luck = uniform();
    if (luck < 0.05) {
      counts.stalled++;
      await sleep(3 * leaseMs);
    }
    return { kind: 'move', to: TRANSITIONS[job.state][0]! };
  };
  const worker = async (): Promise<void> => {
    for (;;) {
      // A worker that dies holds its lease until that runs out; another one takes its place.
      if (uniform() < 0.05 && (await store.claim(leaseMs)) !== null) {
        counts.died++;
        continue;
      }
      const worked = await advanceOne({ store, step, clock, log: silentLog, leaseMs }, new AbortController().signal);
      if (worked) counts.steps++;
      else if (await ended()) return;
      else await sleep(20);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  const { rows: states } = await pool.query('SELECT state, count(*)::int AS jobs FROM retraining_jobs GROUP BY 1');
  expect(states).toEqual([{ state: 'succeeded', jobs: JOBS }]);
  const { rows: events } = await pool.query(
    "SELECT count(*)::int AS events, count(DISTINCT (job_id, to_state))::int AS entered FROM retraining_events WHERE kind = 'transition'",
  );
  expect(events).toEqual([{ events: JOBS * 8, entered: JOBS * 8 }]);
  expect(counts.died).toBeGreaterThan(0);
  expect(counts.stalled).toBeGreaterThan(0);
}, 180_000);
