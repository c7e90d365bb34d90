import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { deltaKeys } from '../histogram/delta-codec.ts';
import type { GroupKey } from '../histogram/delta-codec.ts';
import { DAY_MINUTES, DAY_MS, MINUTE_MS } from '../histogram/time-bucket.ts';
import type { StatisticsTotals } from '../histogram/totals.ts';
import { StatisticsMemory } from './statistics-memory.ts';
import type { FoldWork, SchemeLookup, StoredDelta } from './statistics-memory.ts';
import { Turns } from './turns.ts';

export interface Lease {
  readonly holder: string;
  readonly token: number;
  readonly ttlMs: number;
}

/** Committed statistics; storage/statistics-store is one. */
export interface StatisticsSource {
  poll(applied: ReadonlySet<number>): Promise<readonly StoredDelta[]>;
  load(fromMinute: number): Promise<{
    readonly buckets: readonly { readonly key: GroupKey; readonly bytes: Buffer }[];
    readonly totals: readonly { readonly versionId: number; readonly totals: StatisticsTotals }[];
    readonly unmatched: readonly { readonly modelId: number; readonly count: number }[];
    readonly deltas: readonly StoredDelta[];
  }>;
  buckets(keys: readonly GroupKey[]): Promise<readonly { readonly key: GroupKey; readonly bytes: Buffer }[]>;
  fold(lease: Lease, work: FoldWork): Promise<boolean>;
  oldestUnmerged(): Promise<number | null>;
  mergeDay(lease: Lease, day: number): Promise<number>;
}

export interface EvaluatorSchemes extends SchemeLookup {
  refresh(): Promise<void>;
  /** Whether the version, and the segment unless it is the whole, has been read. */
  knows(versionId: number, segmentId: number): boolean;
  learn(versionId: number): Promise<void>;
  loadScheme(schemeId: number): Promise<void>;
}

export interface EvaluatorOptions {
  readonly source: StatisticsSource;
  readonly schemes: EvaluatorSchemes;
  /** The token of the evaluator's lease, 0 when another holds it. */
  readonly takeLease: () => Promise<number>;
  readonly holder: string;
  readonly leaseTtlMs: number;
  readonly clock: Clock;
  /** The longest window of any model. */
  readonly longestWindowMs: () => number;
  readonly log: Log;
}

/** Kept beyond the longest window, so that its edge never looks into a bucket that is gone. */
const SLACK_MINUTES = 120;
/** Statistics are kept by the hour for so long, and then by the day. */
const MERGE_AFTER_MS = 90 * DAY_MS;

/**
 * Applies committed deltas to the memory and folds them into buckets, while it holds the lease. Whenever the memory might not be what
 * the database says (a lost lease, a failed fold), it is dropped and read again: it holds nothing that is not committed.
 */
export class Evaluator {
  readonly memory: StatisticsMemory;
  private readonly options: EvaluatorOptions;
  private token = 0;
  private loadedToken = 0;
  /** The token under which everything was published, which may still be shown while it is read again. */
  private shownToken = 0;
  /** Grows with every drop: what is read meanwhile is not all that there is. */
  private drops = 0;
  private residentFrom = Infinity;
  /** By the process's own monotonic clock, counted from before the lease was asked for: earlier than the database lets go of it. */
  private heldUntil = -Infinity;

  constructor(options: EvaluatorOptions) {
    this.options = options;
    this.memory = new StatisticsMemory(options.schemes);
  }

  get isLeader(): boolean {
    return this.token > 0 && this.loadedToken === this.token;
  }

  /** There is something to show: of this lease, and all of it. */
  get shows(): boolean {
    return this.token > 0 && this.shownToken === this.token;
  }

  /** It shows, and nobody else can hold the lease now. False for a holder that was stopped, or cut off from the database, for too long. */
  get showsAlone(): boolean {
    return this.shows && performance.now() < this.heldUntil;
  }

  /** Every model was published: until then some would be missing, and Prometheus take them for gone. */
  published(): void {
    if (this.isLeader) this.shownToken = this.token;
  }

  /** Takes or renews the lease; called far more often than it expires. True when it was won just now. */
  async renew(): Promise<boolean> {
    const before = this.token;
    const asked = performance.now();
    this.token = await this.options.takeLease();
    this.heldUntil = asked + this.options.leaseTtlMs;
    if (this.token === 0) this.drop();
    return this.token > 0 && this.token !== before;
  }

  /** Forgets everything; the next tick reads it again. */
  drop(): void {
    this.drops++;
    this.loadedToken = 0;
    this.shownToken = 0;
    this.memory.clear();
  }

  /**
   * Has the next catchUp read everything again, since it is to be counted otherwise from now on; until then what was made of it stands. Not
   * while a tick runs: what it reads would be half of each.
   */
  reread(): void {
    this.loadedToken = 0;
  }

  /** Brings the memory up to what is committed now. false: another process holds the lease, or it was lost meanwhile. */
  async catchUp(): Promise<boolean> {
    if (this.token === 0) await this.renew();
    if (this.token === 0) return false;
    await this.options.schemes.refresh();
    if (this.loadedToken !== this.token) await this.load();
    else await this.apply(await this.options.source.poll(this.memory.applied));
    // Dropped meanwhile: what was read since then is part of the truth only, and may be gigabytes that a stand-by has no use for.
    if (!this.isLeader) this.memory.clear();
    return this.isLeader;
  }

  /** Stores what was applied since the last fold. */
  async fold(): Promise<void> {
    if (!this.isLeader) return;
    const work = this.memory.beginFold();
    if (work.deltaIds.length > 0) {
      const { holder, leaseTtlMs, source } = this.options;
      let stored = false;
      try {
        stored = await source.fold({ holder, token: this.token, ttlMs: leaseTtlMs }, work);
      } finally {
        // An error leaves the outcome unknown, a refusal means that another was faster: either way the database knows better.
        if (!stored) this.drop();
      }
      if (!stored) {
        this.options.log.warn({}, 'the fold of statistics was refused; reading them again');
        return;
      }
      this.memory.endFold(work);
    }
    this.residentFrom = Math.max(this.residentFrom, this.horizon());
    await this.memory.settle(this.nowMinute(), this.residentFrom);
  }

  /**
   * Merges the hours of one old day into the day, or of very many models some of them. Never what is in memory.
   *
   * @param closedBeforeMs nothing older than this can come in any more, be labelled or erased, and no moving baseline reaches it
   * @returns how many buckets were merged
   */
  async mergeOldest(closedBeforeMs: number): Promise<number> {
    if (!this.isLeader) return 0;
    const { holder, leaseTtlMs, source, clock } = this.options;
    const before = Math.min(
      Math.floor(Math.min(closedBeforeMs, clock.now() - MERGE_AFTER_MS) / MINUTE_MS),
      this.residentFrom,
    );
    const oldest = await source.oldestUnmerged();
    if (oldest === null) return 0;
    const day = oldest - (oldest % DAY_MINUTES);
    if (day + DAY_MINUTES > before) return 0;
    // What was committed for that day while it could still change is in the database by now.
    if (!(await this.catchUp())) return 0;
    await this.fold();
    // Where the fold failed, some of it may still be to come.
    if (this.loadedToken !== this.token) return 0;
    return source.mergeDay({ holder, token: this.token, ttlMs: leaseTtlMs }, day);
  }

  private async load(): Promise<void> {
    const { token, drops } = this;
    this.memory.clear();
    this.residentFrom = this.horizon();
    const snapshot = await this.options.source.load(this.residentFrom);
    const turns = new Turns();
    for (const { key, bytes } of snapshot.buckets) {
      this.memory.loadBucket(key, bytes);
      await turns.due();
    }
    for (const { versionId, totals } of snapshot.totals) this.memory.loadTotals(versionId, totals);
    for (const { modelId, count } of snapshot.unmatched) this.memory.loadUnmatched(modelId, count);
    await this.memory.settle(this.nowMinute(), this.residentFrom);
    await this.apply(snapshot.deltas);
    if (drops !== this.drops) return;
    this.loadedToken = token;
  }

  private async apply(deltas: readonly StoredDelta[]): Promise<void> {
    await this.fetchMissing(deltas);
    const turns = new Turns();
    for (const delta of deltas) {
      this.memory.apply(delta);
      await turns.due();
    }
  }

  /** Versions and schemes that are not known here yet, and buckets that are too old to be whole in memory: a late row adds to what they hold. */
  private async fetchMissing(deltas: readonly StoredDelta[]): Promise<void> {
    const { schemes, source } = this.options;
    const old = new Map<string, GroupKey>();
    for (const { payload } of deltas) {
      for (const key of deltaKeys(payload)) {
        if (!schemes.knows(key.versionId, key.segmentId)) await schemes.learn(key.versionId);
        if (schemes.loadedScheme(key.schemeId) === undefined) await schemes.loadScheme(key.schemeId);
        if (!(this.memory.isWhole(key) ?? key.bucketStart >= this.residentFrom))
          old.set(`${key.schemeId}:${key.segmentId}:${key.bucketStart}:${key.bucketMinutes}`, key);
      }
    }
    if (old.size === 0) return;
    const stored = await source.buckets([...old.values()]);
    // What the store has no longer is of a version that was deleted just now.
    for (const key of old.values()) if (this.memory.isWhole(key) === false) this.memory.forgetBucket(key);
    for (const { key, bytes } of stored) this.memory.loadBucket(key, bytes);
  }

  private nowMinute(): number {
    return Math.floor(this.options.clock.now() / MINUTE_MS);
  }

  private horizon(): number {
    return this.nowMinute() - Math.ceil(this.options.longestWindowMs() / MINUTE_MS) - SLACK_MINUTES;
  }
}
