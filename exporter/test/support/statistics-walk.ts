import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '../../src/domain/service-error.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { ModelSettings, Overrides, Settings } from '../../src/domain/settings.ts';
import { writeIdKey } from '../../src/intake/prediction-id.ts';
import { ErasureStore } from '../../src/storage/erasure-store.ts';
import { ModelStore } from '../../src/storage/model-store.ts';
import { openCore } from './core.ts';
import type { Core } from './core.ts';
import { compareWithRawRows } from './recount.ts';
import type { Comparison } from './recount.ts';
import { Random } from './random.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Holds a recount before its end, with an id for its first delta already; any number that nothing else locks. */
const GATE = 20_777;
const MODELS = ['binary', 'several', 'value'] as const;
const VERSIONS = ['1', '2'];

interface Sent {
  readonly model: string;
  readonly version: string;
  readonly prediction_id: string;
}

/** What may be refused in the middle of everything else; anything else is a fault. */
const REFUSALS: ReadonlySet<string> = new Set(['unavailable', 'not_found', 'conflict', 'invalid']);

/**
 * A seeded walk of two replicas on one database: predictions (late ones, retries, ids used twice), labels (early, late, corrected,
 * twice), erasures, deletions, new baselines, slow and aborted recounts, other settings, ticks, folds, changes of the evaluator. After it, what
 * is kept must equal what the stored rows say.
 */
export class StatisticsWalk {
  /** What was done, for whoever has to find out. */
  readonly steps: string[] = [];
  private readonly random: Random;
  private readonly cores: readonly Core[];
  private readonly clock: { now: number };
  private readonly settings: Map<string, Overrides<ModelSettings>>;
  private sent: Sent[] = [];
  private ids = 0;

  private constructor(
    seed: number,
    cores: readonly Core[],
    clock: { now: number },
    settings: StatisticsWalk['settings'],
  ) {
    this.random = new Random(seed);
    this.cores = cores;
    this.clock = clock;
    this.settings = settings;
  }

  static async open(url: string, seed: number): Promise<StatisticsWalk> {
    const clock = { now: Date.UTC(2026, 10, 24, 12, 30) };
    const overrides: StatisticsWalk['settings'] = new Map([['binary', { segments: ['channel'] }]]);
    const settings = (): Settings => ({ ...DEFAULT_SETTINGS, overrides });
    const open = () => openCore(url, { now: () => clock.now, settings });
    const cores = [await open(), await open()];
    await cores[0]!.pool.query(`
      CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN new; END $$;
      CREATE TRIGGER gate BEFORE INSERT ON statistics_delta FOR EACH ROW WHEN (new.recount) EXECUTE FUNCTION wait_at_gate()`);
    return new StatisticsWalk(seed, cores, clock, overrides);
  }

  async close(): Promise<void> {
    for (const core of this.cores) await core.close();
  }

  async go(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const commands = Array.from({ length: 1 + this.below(3) }, () => this.choose(COMMANDS));
      await Promise.all(commands.map((name) => this.run(name)));
    }
  }

  /** Nothing under way, everything joined that can be. */
  async settle(): Promise<void> {
    const [core] = this.cores;
    await core!.catalog.discover();
    await core!.baselines.resumeRecounts();
    await core!.baselines.applySettings();
    await core!.groundTruth.sweep(0, this.clock.now);
  }

  /** With deltas that are not folded yet, and again without. */
  async compare(): Promise<{ readonly before: Comparison; readonly folded: Comparison }> {
    const before = await compareWithRawRows(this.cores[0]!.pool, this.cores[0]!.catalog, 0);
    const leader = await this.leader();
    await leader.evaluator.fold();
    const { rows } = await leader.pool.query<{ left: number }>('SELECT count(*)::int AS left FROM statistics_delta');
    if (rows[0]!.left !== 0) throw new Error(`${rows[0]!.left} deltas were not folded`);
    const folded = await compareWithRawRows(leader.pool, leader.catalog, 0);
    return { before, folded };
  }

  /** Windows in memory, and those of a holder that reads them anew. */
  async windows(): Promise<{ readonly kept: unknown; readonly read: unknown }> {
    const leader = await this.leader();
    const kept = this.windowsOf(leader);
    leader.evaluator.drop();
    await leader.evaluator.catchUp();
    return { kept, read: this.windowsOf(leader) };
  }

  private windowsOf({ catalog, evaluator }: Core): unknown {
    return catalog.versions().map(({ target }) => {
      const { features, traffic, performance } = evaluator.memory.window(target, this.clock.now, DAY);
      const cells = [...features.counts].flatMap((count, cell) => (count > 0 ? [[cell, count]] : []));
      const sorted = (pairs: Iterable<[number, number]>) => [...pairs].sort(([a], [b]) => a - b);
      return [target.model, target.version, features.rows, cells, traffic.rows, sorted(performance.confusion)];
    });
  }

  private async leader(): Promise<Core> {
    const core = this.cores[0]!;
    await this.takeOver(core);
    return core;
  }

  /** The ticks of one replica come one after another. */
  private async alone(core: Core, work: () => Promise<void>): Promise<void> {
    const mine = (this.ticking.get(core) ?? Promise.resolve()).then(work);
    this.ticking.set(
      core,
      mine.catch(() => undefined),
    );
    await mine;
  }

  private async run(name: Command): Promise<void> {
    const core = this.cores[this.below(2)]!;
    this.steps.push(name);
    try {
      await this[name](core);
    } catch (error) {
      if (!(error instanceof ServiceError) || !REFUSALS.has(error.code)) throw error;
      this.steps.push(`${name} refused: ${error.message}`);
    }
  }

  async predict(core: Core): Promise<void> {
    const events = Array.from({ length: 1 + this.below(this.chance(0.2) ? 250 : 30) }, () => this.event());
    this.sent.push(...events.map(({ model, version, prediction_id }) => ({ model, version, prediction_id })));
    await core.predict(events);
    // A retry, at whichever replica.
    if (this.chance(0.3)) await this.cores[this.below(2)]!.predict(events);
  }

  async label(core: Core): Promise<void> {
    const some = Array.from({ length: 1 + this.below(40) }, () => this.someSent()).flatMap((of) => of ?? []);
    const labels = some.map(({ model, prediction_id }) => ({
      model,
      prediction_id,
      label: model === 'value' ? 10 * this.random.normal() : this.className(model),
      timestamp: this.clock.now - this.below(HOUR),
    }));
    if (this.chance(0.3)) {
      // Its prediction comes later, or never.
      const early = this.event();
      if (this.chance(0.7)) this.later.push(early);
      labels.push({ model: early.model, prediction_id: early.prediction_id, label: 'yes', timestamp: this.clock.now });
    }
    if (labels.length > 0) await core.label(labels);
  }

  async arrive(core: Core): Promise<void> {
    const events = this.later.splice(0);
    this.sent.push(...events.map(({ model, version, prediction_id }) => ({ model, version, prediction_id })));
    if (events.length > 0) await core.predict(events);
  }

  async erase(core: Core): Promise<void> {
    const of = this.someSent();
    if (of === undefined) return;
    const key = Buffer.alloc(16);
    writeIdKey(of.prediction_id, key, 0);
    await new ErasureStore(core.pool, core.catalog).erase(of.model, key.toString('hex'));
  }

  /** A label and an erasure of the same prediction, at once. */
  async eraseAndLabel(core: Core): Promise<void> {
    const of = this.someSent();
    if (of === undefined) return;
    const key = Buffer.alloc(16);
    writeIdKey(of.prediction_id, key, 0);
    const { model, prediction_id } = of;
    const label = model === 'value' ? 1 : this.className(model);
    await Promise.all([
      this.cores[0]!.label([{ model, prediction_id, label, timestamp: this.clock.now }]),
      new ErasureStore(core.pool, core.catalog).erase(model, key.toString('hex')),
    ]);
  }

  async capture(core: Core): Promise<void> {
    const { now } = this.clock;
    const limit = 20 + this.below(300);
    await core.catalog.discover();
    await core.capture(this.choose(MODELS), this.choose(VERSIONS), { fromMs: now - 3 * DAY, toMs: now, limit });
  }

  /** A switch whose recount takes long: labels are corrected, predictions come, and it is folded meanwhile. */
  async slowCapture(core: Core): Promise<void> {
    if (this.gateTaken) return;
    this.gateTaken = true;
    const gate = await core.pool.connect();
    try {
      await gate.query('SELECT pg_advisory_lock($1)', [GATE]);
      const capture = this.run('capture');
      await this.recountBegan(gate);
      for (let i = this.below(6); i >= 0; i--) await this.run(this.choose(WHILE_COUNTING));
      await gate.query('SELECT pg_advisory_unlock($1)', [GATE]);
      await capture;
    } finally {
      gate.release(true);
      this.gateTaken = false;
    }
  }

  /** The process that counts again dies before its end. */
  async abortedCapture(core: Core): Promise<void> {
    if (this.gateTaken) return;
    this.gateTaken = true;
    const gate = await core.pool.connect();
    try {
      await gate.query('SELECT pg_advisory_lock($1)', [GATE]);
      const capture = this.run('capture').catch(() => undefined);
      await this.recountBegan(gate);
      await gate.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = ${GATE} AND NOT granted`,
      );
      await this.run(this.choose(WHILE_COUNTING));
      await gate.query('SELECT pg_advisory_unlock($1)', [GATE]);
      await capture;
    } finally {
      gate.release(true);
      this.gateTaken = false;
    }
    await core.baselines.resumeRecounts();
  }

  /** Returns after half a second when there is nothing to count. */
  private async recountBegan(gate: { query: Core['pool']['query'] }): Promise<void> {
    for (let tries = 0; tries < 50; tries++) {
      const { rows } = await gate.query<{ waits: boolean }>(
        `SELECT count(*) > 0 AS waits FROM pg_locks WHERE locktype = 'advisory' AND objid = ${GATE} AND NOT granted`,
      );
      if (rows[0]!.waits) return;
      await sleep(10);
    }
  }

  async configure(core: Core): Promise<void> {
    const binary: Overrides<ModelSettings>[] = [
      { segments: ['channel'] },
      { segments: ['channel', 'tier'], positiveClass: 'no' },
      { task: 'binary', windows: { data_drift: HOUR } },
      { task: 'binary', positiveClass: 'named by nobody' },
      { segments: ['tier'], windows: { performance: 48 * HOUR } },
    ];
    this.settings.set('binary', this.choose(binary));
    this.settings.set('value', this.chance(0.5) ? { task: 'regression' } : {});
    for (const each of this.cores) {
      await each.catalog.load();
      each.evaluator.drop();
    }
    await core.baselines.applySettings();
  }

  async declare(core: Core): Promise<void> {
    const model = this.choose(MODELS);
    const models = new ModelStore(core.pool, core.catalog);
    await models.declare(model, model === 'binary' ? { positive_class: this.className(model) } : {});
    await core.baselines.applySettings(model);
  }

  async remove(core: Core): Promise<void> {
    if (!this.chance(0.3)) return;
    const model = this.choose(MODELS);
    await core.catalog.discover();
    await new ModelStore(core.pool, core.catalog).remove(model);
    this.sent = this.sent.filter((of) => of.model !== model);
  }

  async tick(core: Core): Promise<void> {
    await this.alone(core, async () => {
      await core.groundTruth.sweep(0, this.clock.now);
      await core.evaluator.catchUp();
    });
  }

  async fold(core: Core): Promise<void> {
    await this.alone(core, async () => {
      if (await core.evaluator.catchUp()) await core.evaluator.fold();
    });
  }

  /** This replica becomes the evaluator; the other one may still believe that it is. */
  async takeOver(core: Core): Promise<void> {
    await this.alone(core, async () => {
      await core.pool.query("UPDATE leases SET expires_at = clock_timestamp() - interval '1 s'");
      await core.evaluator.renew();
      await core.evaluator.catchUp();
    });
  }

  pass(): Promise<void> {
    this.clock.now += this.below(8 * HOUR);
    return Promise.resolve();
  }

  private gateTaken = false;
  private readonly ticking = new Map<Core, Promise<void>>();
  private readonly later: ReturnType<StatisticsWalk['event']>[] = [];

  private event() {
    const model = this.choose(MODELS);
    const { random } = this;
    const score = random.uniform();
    // One in a hundred ids is used again, mostly on another day.
    const again = this.chance(0.01) ? this.someSent() : undefined;
    const agoMs = this.chance(0.9)
      ? this.below(60 * HOUR)
      : this.choose([4 * DAY, 5 * DAY, 40 * DAY]) + this.below(HOUR);
    return {
      model,
      version: again?.version ?? this.choose(VERSIONS),
      prediction_id: again?.model === model ? again.prediction_id : `prediction ${this.ids++}`,
      timestamp: this.clock.now - agoMs,
      features: {
        age: this.chance(0.05) ? null : this.chance(0.02) ? 'old' : Math.floor(20 + 60 * random.uniform()),
        income: Math.exp(3 + 4 * random.normal()),
        region: this.chance(0.05) ? null : this.choose(['north', 'south', 'east', 'west']),
        ...(this.ids > 300 ? { joined_later: random.normal() } : {}),
      },
      ...this.outcome(model, score),
      latency_ms: this.chance(0.1) ? undefined : 1 + 30 * random.uniform(),
      error: this.chance(0.02) ? this.choose(['timeout', 'oom']) : null,
      segment: this.chance(0.2) ? null : { channel: `c${this.below(25)}`, tier: this.below(3), shop: 'x' },
    };
  }

  private outcome(model: (typeof MODELS)[number], score: number) {
    if (model === 'value') return { prediction: 10 * this.random.normal() + 0.5 };
    if (model === 'binary') return { prediction: this.chance(0.1) ? undefined : this.className(model), score };
    const names = ['red', 'green', 'blue'];
    const parts = names.map(() => this.random.uniform());
    const sum = parts.reduce((a, b) => a + b, 0);
    return {
      prediction: this.choose(names),
      scores: Object.fromEntries(names.map((name, i) => [name, parts[i]! / sum])),
    };
  }

  private className(model: string): string {
    if (model === 'several') return this.choose(['red', 'green', 'blue']);
    // A class that comes late, and whose name changes which one is taken for positive.
    return this.ids > 200 && this.chance(0.02) ? 'zero' : this.choose(['on', 'off']);
  }

  private someSent(): Sent | undefined {
    return this.sent[this.below(this.sent.length)];
  }

  private below(n: number): number {
    return Math.floor(this.random.uniform() * n);
  }

  private chance(p: number): boolean {
    return this.random.uniform() < p;
  }

  private choose<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }
}

const COMMANDS = [
  'predict',
  'predict',
  'predict',
  'predict',
  'label',
  'label',
  'label',
  'arrive',
  'erase',
  'erase',
  'eraseAndLabel',
  'capture',
  'slowCapture',
  'abortedCapture',
  'configure',
  'declare',
  'remove',
  'tick',
  'fold',
  'fold',
  'takeOver',
  'pass',
] as const;
const WHILE_COUNTING = ['predict', 'label', 'label', 'erase', 'eraseAndLabel', 'fold', 'takeOver'] as const;
type Command = (typeof COMMANDS)[number];
