import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { JOB_OUTCOMES } from '../../src/domain/retraining.ts';
import type { JobState } from '../../src/domain/retraining.ts';
import { mayMove } from '../../src/retraining/transitions.ts';
import { createPool } from '../../src/storage/pool.ts';
import { SECRET } from '../support/churn-scene.ts';
import { eventually, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { freePort } from '../support/free-port.ts';
import { silentLog } from '../support/silent-log.ts';
import { startOwnServer, temporaryFolder } from '../support/test-server.ts';
import type { OwnServer } from '../support/test-server.ts';
import type { Noted } from './chaos-trainer.ts';

export interface RetrainingChaosOptions {
  /** A job each. */
  readonly models: number;
  /** Each has two workers. */
  readonly exporters: number;
  /** At most; fewer when all jobs end before. */
  readonly faults: number;
  /** Between one fault and the next. */
  readonly calmMs: number;
  /** Leases are ended by hand in the place of workers that sleep over theirs and of half a minute after those that were killed. */
  readonly inHaste: boolean;
  readonly say: (text: string) => void;
}

export interface RetrainingChaosResult {
  readonly faults: ReadonlyMap<string, number>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly transitions: number;
  readonly attempts: number;
  /** Candidates that a person decided on. */
  readonly decisions: number;
  /** Attempts that the trainer began; asked for again after a crash, and not begun again. */
  readonly begun: number;
  readonly askedAgain: number;
  /** By what was said, and how it was answered: `forged 401` -> 200. */
  readonly callbacks: Readonly<Record<string, number>>;
  /** What workers found after another had taken their job over, and was dropped. */
  readonly dropped: number;
  /** Empty: all is as it should be. */
  readonly violations: readonly string[];
}

const ROWS = 160;
const TRIGGERS_AT_ONCE = 50;
const CANCELLED_SHARE = 0.05;
/** A job whose worker died waits for its lease to run out, perhaps more than once. */
const SETTLED_WITHIN_MS = 4 * 60_000;
const STALL_MS = 36_000;
/** Until what was killed is up again. */
const USUAL_FAULT_MS = 2_500;
/** Models whose router never sends the candidate anything: their stage must end by its time-out. */
const STARVED = 'starved';

/** Jobs of all models go their way while exporters, trainer and PostgreSQL are killed at random; then everything is counted. */
export async function retrainingChaos(options: RetrainingChaosOptions): Promise<RetrainingChaosResult> {
  const stage = new Stage(options);
  try {
    await stage.start();
    await stage.send();
    await stage.evaluated();
    const [faults] = await Promise.all([stage.breakThings(), stage.trigger()]);
    return await stage.count(faults);
  } finally {
    await stage.close();
  }
}

type Fault = readonly [name: string, happen: () => Promise<void>];

class Stage {
  private readonly options: RetrainingChaosOptions;
  private readonly folder = temporaryFolder();
  private readonly logFile = path.join(this.folder, 'trainer.ndjson');
  private readonly exporters: (ExporterProcess | null)[];
  private readonly ports: number[] = [];
  private readonly models: readonly string[];
  private trainerPort = 0;
  private trainer: ChildProcess | undefined;
  private server: OwnServer | undefined;
  private pool: Pool | undefined;
  private dropped = 0;
  private pile: Fault[] = [];
  /** Whether every job has been asked for. */
  private isAsked = false;

  constructor(options: RetrainingChaosOptions) {
    this.options = options;
    this.exporters = Array<null>(options.exporters).fill(null);
    this.models = Array.from({ length: options.models }, (_, i) => `${i % 20 === 7 ? STARVED : 'model'}-${i}`);
  }

  async start(): Promise<void> {
    writeFileSync(path.join(this.folder, 'secret'), SECRET);
    this.server = await startOwnServer({ settings: { max_connections: '120' } });
    this.pool = createPool(this.server.url, { max: 2, applicationName: 'chaos', log: silentLog });
    this.trainerPort = await freePort();
    for (let i = 0; i < this.exporters.length; i++) this.ports.push(await freePort());
    await this.startTrainer();
    for (let i = 0; i < this.exporters.length; i++) await this.startOne(i);
  }

  async close(): Promise<void> {
    for (const exporter of this.exporters) await exporter?.kill('SIGKILL');
    this.trainer?.kill('SIGKILL');
    await this.pool?.end();
    await this.server?.stop().catch(() => undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Labelled predictions of every model, of which the one in charge has half unlearnt what it knew. */
  async send(): Promise<void> {
    const now = Date.now();
    const batch = 25;
    for (let from = 0; from < this.models.length; from += batch) {
      const rows = this.models.slice(from, from + batch).flatMap((model) =>
        Array.from({ length: ROWS }, (_, n) => {
          const tenure = (n * 37) % 100;
          const left = tenure < 40;
          const score = n % 2 === 0 ? 0.5 : left ? 0.9 : 0.1;
          const id = `p${n}`;
          return {
            event: {
              model,
              version: '1',
              prediction_id: id,
              timestamp: now - (ROWS - n) * 10,
              features: { tenure },
              prediction: score > 0.5 ? 'left' : 'stayed',
              score,
            },
            label: { model, prediction_id: id, label: left ? 'left' : 'stayed' },
          };
        }),
      );
      await this.post(
        '/api/ml/predictions',
        rows.map(({ event }) => event),
      );
      await this.post(
        '/api/ml/ground-truth',
        rows.map(({ label }) => label),
      );
    }
  }

  /** Until every model can be judged. */
  async evaluated(): Promise<void> {
    for (const model of this.models)
      await eventually(() => this.expect(`/api/ml/retrain/${model}/needed`, 'GET', [200]), 120_000);
  }

  /** Fifty at once for each of the first models, two for each of the others, at whatever replica, for about as long as things break. */
  async trigger(): Promise<void> {
    const { models, faults, calmMs } = this.options;
    try {
      for (const [i, model] of this.models.entries()) {
        await sleep((faults * (calmMs + USUAL_FAULT_MS)) / models);
        await this.triggerOf(model, i < 5 ? TRIGGERS_AT_ONCE : 2);
      }
    } finally {
      this.isAsked = true;
    }
  }

  private async triggerOf(model: string, atOnce: number): Promise<void> {
    const answers = await Promise.all(
      Array.from({ length: atOnce }, () =>
        // 409: the job has ended before this one was heard.
        eventually(() => this.expect(`/api/ml/retrain/${model}`, 'POST', [202, 409]), 120_000),
      ),
    );
    const told = answers.map((text) => JSON.parse(text) as { readonly jobId?: string });
    const [id, ...others] = new Set(told.flatMap(({ jobId = [] }) => jobId));
    if (others.length > 0) throw new Error(`${atOnce} triggers of ${model} at once made several jobs`);
    if (id !== undefined && Math.random() < CANCELLED_SHARE) void this.cancelSoon(id);
  }

  /** Until one has stored its evaluations the other replicas answer 503: the next is asked. */
  private async expect(url: string, method: string, statuses: readonly number[]): Promise<string> {
    const first = Math.floor(Math.random() * this.ports.length);
    let last = '';
    for (let i = 0; i < this.ports.length; i++) {
      const reply = await fetch(`${this.base((first + i) % this.ports.length)}${url}`, { method });
      last = await reply.text();
      if (statuses.includes(reply.status)) return last;
    }
    throw new Error(`${url}: ${last}`);
  }

  /** One after another while jobs are under way; then it is calm, and every job must end by itself. */
  async breakThings(): Promise<ReadonlyMap<string, number>> {
    const faults = new Map<string, number>();
    const hours = new AbortController();
    const person = this.decide(hours.signal);
    for (let n = 0; n < this.options.faults && (await this.isUnderWay()); n++) {
      await sleep(this.options.calmMs * (0.5 + Math.random()));
      const [name, fault] = this.nextFault();
      this.options.say(
        `  ${new Date().toISOString().slice(11, 19)} ${name}; ${await this.unfinished()} jobs under way`,
      );
      await fault();
      faults.set(name, (faults.get(name) ?? 0) + 1);
    }
    if (this.options.inHaste) await this.endLeases();
    // What is still unfinished then is counted as stuck.
    const until = performance.now() + SETTLED_WITHIN_MS;
    while ((await this.isUnderWay()) && performance.now() < until) await sleep(500);
    hours.abort();
    await person;
    return faults;
  }

  async count(faults: ReadonlyMap<string, number>): Promise<RetrainingChaosResult> {
    for (const exporter of this.exporters) this.dropped += droppedIn(exporter);
    const pool = this.pool!;
    const jobs = await pool.query<{ id: string; model: string; state: JobState; attempt: number }>(
      'SELECT j.id, m.name AS model, j.state, j.attempt FROM retraining_jobs j JOIN models m ON m.id = j.model_id',
    );
    const events = await pool.query<EventRow>(
      'SELECT job_id, kind, from_state, to_state, fence::int, detail FROM retraining_events ORDER BY job_id, id',
    );
    const champions = await pool.query<{ model: string; champions: number }>(
      `SELECT m.name AS model, count(*)::int AS champions FROM model_registry r JOIN models m ON m.id = r.model_id
       WHERE r.stage = 'champion' GROUP BY 1`,
    );
    const noted = readFileSync(this.logFile, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Noted);
    const begun = noted.flatMap((one) => (one.kind === 'begun' ? [one.externalId] : []));
    const violations = [
      ...violationsOfJobs(jobs.rows, this.models),
      ...violationsOfEvents(jobs.rows, events.rows),
      ...repeated(begun).map((id) => `the trainer began ${id} twice`),
      ...violationsOfDeployments(jobs.rows, noted),
      ...violationsOfCallbacks(noted),
      ...champions.rows.filter((row) => row.champions !== 1).map(({ model }) => `${model} has several champions`),
    ];
    const succeeded = jobs.rows.filter(({ state }) => state === 'succeeded').length;
    if (champions.rows.length !== succeeded)
      violations.push(`${succeeded} jobs succeeded and ${champions.rows.length} models have a champion`);
    return {
      faults,
      outcomes: tally(jobs.rows.map(({ state }) => state)),
      transitions: events.rows.filter(({ kind }) => kind === 'transition').length,
      decisions: events.rows.filter(({ kind }) => kind === 'approved' || kind === 'rejected').length,
      attempts: jobs.rows.reduce((sum, { attempt }) => sum + attempt, 0),
      begun: begun.length,
      askedAgain: noted.filter(({ kind }) => kind === 'asked_again').length,
      callbacks: tally(noted.flatMap((one) => (one.kind === 'callback' ? [`${one.what} ${one.status}`] : []))),
      dropped: this.dropped,
      violations,
    };
  }

  /** In any order, but each often: from a pile that is shuffled whenever it is used up. */
  private nextFault(): Fault {
    const exporter: Fault = ['kill -9 of an exporter', () => this.killExporter()];
    const trainer: Fault = ['kill -9 of the trainer', () => this.killTrainer()];
    const database: Fault = ['kill -9 of PostgreSQL', () => this.killDatabase()];
    const overslept: Fault = this.options.inHaste
      ? ['leases that end under their workers', () => this.endLeases()]
      : [`SIGSTOP of an exporter for ${STALL_MS / 1000} s`, () => this.stallExporter()];
    if (this.pile.length === 0) {
      this.pile = this.options.inHaste
        ? [exporter, exporter, trainer, database, overslept]
        : [...Array<Fault>(5).fill(exporter), trainer, trainer, trainer, database, database, overslept];
      this.pile.sort(() => Math.random() - 0.5);
    }
    return this.pile.pop()!;
  }

  private async endLeases(): Promise<void> {
    const end = 'UPDATE retraining_jobs SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL';
    await eventually(() => this.pool!.query(end), 60_000);
  }

  private async killExporter(): Promise<void> {
    const index = Math.floor(Math.random() * this.exporters.length);
    const exporter = this.exporters[index];
    this.exporters[index] = null;
    this.dropped += droppedIn(exporter ?? null);
    await exporter?.kill('SIGKILL');
    await this.startOne(index);
  }

  /** Longer than its lease: when it wakes up it believes that its jobs are still its own. */
  private async stallExporter(): Promise<void> {
    const { pid } = this.exporters[Math.floor(Math.random() * this.exporters.length)]!;
    process.kill(pid, 'SIGSTOP');
    await sleep(STALL_MS);
    process.kill(pid, 'SIGCONT');
  }

  private async killTrainer(): Promise<void> {
    const { trainer } = this;
    const ended = once(trainer!, 'exit');
    trainer!.kill('SIGKILL');
    await ended;
    await this.startTrainer();
  }

  private async killDatabase(): Promise<void> {
    const pid = this.server!.database.pid();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await eventually(() => this.pool!.query('SELECT'), 60_000);
  }

  private async startTrainer(): Promise<void> {
    const child = spawn(
      process.execPath,
      [
        path.join(__dirname, '..', 'support', 'run-typescript.cjs'),
        path.join(__dirname, 'chaos-trainer.ts'),
        this.logFile,
        path.join(this.folder, 'secret'),
        String(this.trainerPort),
        ...this.ports.map((_port, i) => this.base(i)),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.trainer = child;
    await once(child.stdout, 'data');
  }

  /** The database may just have been killed: again until it comes up. */
  private async startOne(index: number): Promise<void> {
    const file = path.join(this.folder, `config-${index}.yml`);
    writeFileSync(file, configOf(this.models, this.trainerPort, this.base(index)));
    this.exporters[index] = await eventually(
      () =>
        startExporter({
          dataPath: this.folder,
          flags: [`--config.file=${file}`],
          listen: `127.0.0.1:${this.ports[index]!}`,
          environment: { DATABASE_URL: this.server!.url },
        }),
      60_000,
    );
  }

  /**
   * The person whom self-reported candidates wait for, of trainers that were killed before they had predicted the holdout. Clicks twice,
   * at whatever replicas, and not always the same button.
   */
  private async decide(hours: AbortSignal): Promise<void> {
    while (!hours.aborted) {
      await sleep(1_000);
      const { rows } = await eventually(
        () => this.pool!.query<{ id: string }>("SELECT id FROM retraining_jobs WHERE state = 'awaiting_approval'"),
        60_000,
      );
      for (const { id } of rows) {
        const clicks = [0, 1].map(() => (Math.random() < 0.6 ? 'approve' : 'reject'));
        await Promise.allSettled(
          clicks.map((verdict) => fetch(`${this.anyBase()}/api/ml/retrain/jobs/${id}/${verdict}`, { method: 'POST' })),
        );
      }
    }
  }

  private async cancelSoon(id: string): Promise<void> {
    await sleep(20_000 * Math.random());
    await fetch(`${this.base(0)}/api/ml/retrain/jobs/${id}/cancel`, { method: 'POST' }).catch(() => null);
  }

  private async isUnderWay(): Promise<boolean> {
    return !this.isAsked || (await this.unfinished()) > 0;
  }

  private async unfinished(): Promise<number> {
    const { rows } = await eventually(
      () =>
        this.pool!.query<{ jobs: number }>(
          'SELECT count(*)::int AS jobs FROM retraining_jobs WHERE finished_at IS NULL',
        ),
      60_000,
    );
    return rows[0]!.jobs;
  }

  private base(index: number): string {
    return `http://127.0.0.1:${this.ports[index]!}`;
  }

  private anyBase(): string {
    return this.base(Math.floor(Math.random() * this.ports.length));
  }

  private async post(url: string, rows: readonly object[]): Promise<void> {
    const reply = await fetch(`${this.base(0)}${url}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(rows),
    });
    if (reply.status !== 200) throw new Error(`${url}: ${reply.status} ${await reply.text()}`);
  }
}

function configOf(models: readonly string[], trainerPort: number, base: string): string {
  const own = `http://127.0.0.1:${trainerPort}`;
  const starved = ', retraining: { rollout: { stage_timeout: 8s } }';
  return `
evaluation: { interval: 1s }
minimum_samples: { report: 50, alert: 100, labels: 100 }
retraining:
  trainer: { type: webhook, url: "${own}/retrain", secret_file: secret, callback_url: "${base}", heartbeat: 4s }
  deployer: { type: webhook, url: "${own}/deploy", secret_file: secret }
  approval: automatic
  gate: { min_rows: 20, predictions_within: 8s }
  data: { min_rows: 100, holdout_share: 0.4 }
  allowed_hosts: [127.0.0.1]
  allow_private_addresses: true
  rollout: { soak: 1s, stages: [{ percent: 0, min_time: 1s, min_predictions: 1 }] }
models:
${models.map((model) => `  ${model}: { task: binary, positive_class: left${model.startsWith(STARVED) ? starved : ''} }`).join('\n')}
`;
}

interface JobRow {
  readonly id: string;
  readonly model: string;
  readonly state: JobState;
  readonly attempt: number;
}

interface EventRow {
  readonly job_id: string;
  readonly kind: string;
  readonly from_state: JobState | null;
  readonly to_state: JobState | null;
  readonly fence: number;
  readonly detail: { readonly attempt?: number };
}

function violationsOfJobs(jobs: readonly JobRow[], models: readonly string[]): string[] {
  return [
    ...jobs
      .filter(({ state }) => !(JOB_OUTCOMES as readonly string[]).includes(state))
      .map(({ model, state }) => `the job of ${model} is stuck in ${state}`),
    ...repeated(jobs.map(({ model }) => model)).map((model) => `${model} has several jobs`),
    ...models.filter((model) => !jobs.some((job) => job.model === model)).map((model) => `${model} has no job`),
    ...jobs.filter(({ attempt }) => attempt > 3).map(({ model, attempt }) => `${model} had ${attempt} attempts`),
  ];
}

/** Every job went one way through the table of transitions, each step once, under fences that only grow, and each attempt ended once. */
function violationsOfEvents(jobs: readonly JobRow[], events: readonly EventRow[]): string[] {
  return jobs.flatMap(({ id, model, state }) => {
    const own = events.filter((event) => event.job_id === id);
    const moves = own.filter(({ kind }) => kind === 'transition');
    const found: string[] = [];
    moves.forEach(({ from_state: from, to_state: to }, i) => {
      const before = i === 0 ? null : moves[i - 1]!.to_state;
      if (from !== before || (from !== null && !mayMove(from, to!)))
        found.push(`${model} went from ${from} to ${to} after ${before}`);
    });
    if (moves.at(-1)?.to_state !== state) found.push(`${model} is ${state} without the event that says so`);
    own.forEach(({ fence }, i) => {
      if (i > 0 && fence < own[i - 1]!.fence) found.push(`${model}: fence ${fence} after ${own[i - 1]!.fence}`);
    });
    const decisions = own.filter(({ kind }) => kind === 'approved' || kind === 'rejected');
    if (decisions.length > 1) found.push(`${model} was decided on ${decisions.length} times`);
    const ends = own.filter(({ kind }) => kind === 'retrain.completed' || kind === 'retrain.failed');
    for (const attempt of repeated(ends.map(({ detail }) => String(detail.attempt))))
      found.push(`${model}: attempt ${attempt} ended twice`);
    return found;
  });
}

/** What succeeded was staged and promoted; nothing was promoted that was not to be. */
function violationsOfDeployments(jobs: readonly JobRow[], noted: readonly Noted[]): string[] {
  const told = new Set(noted.flatMap((one) => (one.kind === 'deploy' ? [`${one.key.split(':')[0]} ${one.type}`] : [])));
  return jobs.flatMap(({ id, model, state }) => {
    const found: string[] = [];
    if (state === 'succeeded' && !(told.has(`${id} deploy.stage`) && told.has(`${id} deploy.promote`)))
      found.push(`${model} succeeded without a deployment`);
    if (state === 'succeeded' && model.startsWith(STARVED)) found.push(`${model} succeeded without traffic`);
    if (state === 'rolled_back' && !told.has(`${id} deploy.rollback`))
      found.push(`${model} was rolled back without the deployer`);
    if (['rejected', 'failed', 'cancelled'].includes(state) && told.has(`${id} deploy.stage`))
      found.push(`${model} is ${state} and was deployed`);
    return found;
  });
}

/** Answers that what was said may have; others tell that something got through. */
const ANSWERS: Readonly<Record<string, readonly number[]>> = {
  forged: [401],
  // After the end nobody has a token any more.
  'wrong token': [401, 409],
  superseded: [409],
  late: [409],
  'after the end': [409],
};

function violationsOfCallbacks(noted: readonly Noted[]): string[] {
  return noted.flatMap((one) =>
    one.kind === 'callback' && ANSWERS[one.what]?.includes(one.status) === false
      ? [`a ${one.what} callback was answered ${one.status}`]
      : [],
  );
}

function droppedIn(exporter: ExporterProcess | null): number {
  return (exporter?.log() ?? '').split('a job was taken over').length - 1;
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
