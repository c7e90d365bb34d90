import type { EvaluatorSchemes, Lease, StatisticsSource } from '../../src/evaluation/evaluator.ts';
import type { FoldWork, StoredDelta } from '../../src/evaluation/statistics-memory.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { encodeBucket, mergeToDay } from '../../src/histogram/bucket-codec.ts';
import type { GroupKey } from '../../src/histogram/delta-codec.ts';
import type { ModelTarget } from '../../src/histogram/model-target.ts';
import { StatisticsTotals } from '../../src/histogram/totals.ts';
import type { StoredTotals } from '../../src/histogram/totals.ts';

const idOf = (key: GroupKey) =>
  `${key.versionId}/${key.schemeId}/${key.segmentId}/${key.bucketStart}/${key.bucketMinutes}`;

/** What storage/statistics-store and the lease do, in memory: a fold is one transaction, refused when the lease is another's. */
export class FakeStatistics implements StatisticsSource {
  readonly deltas = new Map<number, StoredDelta>();
  readonly stored = new Map<string, { readonly key: GroupKey; readonly bytes: Buffer }>();
  readonly totals = new Map<string, { readonly modelId: number; readonly versionId: number; readonly json: string }>();
  /** Token of the lease; 0: nobody's. */
  token = 0;
  /** Whether the evaluator under test gets the lease when it asks. */
  grants = true;
  failure: 'none' | 'before commit' | 'after commit' = 'none';
  loads = 0;
  folds = 0;
  private nextId = 1;

  readonly takeLease = (): Promise<number> => {
    if (!this.grants) return Promise.resolve(0);
    if (this.token === 0) this.token = 1;
    return Promise.resolve(this.token);
  };

  /** Another process takes the lease. */
  steal(): void {
    this.token += 1;
    this.grants = false;
  }

  /** It is over, and the next one who asks gets it, under a token of its own. */
  release(): void {
    this.token += 1;
    this.grants = true;
  }

  commit(payload: Buffer, recount = false): number {
    const id = this.nextId++;
    this.deltas.set(id, { id, recount, payload });
    return id;
  }

  poll(applied: ReadonlySet<number>): Promise<readonly StoredDelta[]> {
    return Promise.resolve([...this.deltas.values()].filter(({ id }) => !applied.has(id)));
  }

  load(fromMinute: number): ReturnType<StatisticsSource['load']> {
    this.loads++;
    const rows = [...this.totals.values()].map((row) => ({ ...row, payload: JSON.parse(row.json) as unknown }));
    return Promise.resolve({
      buckets: [...this.stored.values()].filter(({ key }) => key.bucketStart >= Math.floor(fromMinute)),
      totals: rows
        .filter(({ versionId }) => versionId !== 0)
        .map(({ versionId, payload }) => ({ versionId, totals: StatisticsTotals.fromJson(payload as StoredTotals) })),
      unmatched: rows
        .filter(({ versionId }) => versionId === 0)
        .map(({ modelId, payload }) => ({ modelId, count: (payload as { unmatched: number }).unmatched })),
      deltas: [...this.deltas.values()],
    });
  }

  buckets(keys: readonly GroupKey[]): ReturnType<StatisticsSource['buckets']> {
    return Promise.resolve(keys.flatMap((key) => this.stored.get(idOf(key)) ?? []));
  }

  oldestUnmerged(): Promise<number | null> {
    const starts = [...this.stored.values()].flatMap(({ key }) => (key.bucketMinutes < 1_440 ? [key.bucketStart] : []));
    return Promise.resolve(starts.length === 0 ? null : Math.min(...starts));
  }

  /** Of one version and segment only. */
  mergeDay(lease: Lease, day: number): Promise<number> {
    const parts = [...this.stored.values()].filter(
      ({ key }) => key.bucketStart >= day && key.bucketStart < day + 1_440 && key.bucketMinutes < 1_440,
    );
    if (lease.token !== this.token || parts.length === 0) return Promise.resolve(0);
    const key = { ...parts[0]!.key, bucketStart: day, bucketMinutes: 1_440 };
    for (const part of parts) this.stored.delete(idOf(part.key));
    this.stored.set(idOf(key), { key, bytes: encodeBucket(mergeToDay(day, parts)) });
    return Promise.resolve(parts.length);
  }

  async fold(lease: Lease, work: FoldWork): Promise<boolean> {
    // As a query does: it answers later.
    await Promise.resolve();
    if (lease.token !== this.token || work.deltaIds.some((id) => !this.deltas.has(id))) return false;
    if (this.failure === 'before commit') throw new Error('connection lost');
    for (const id of work.deltaIds) this.deltas.delete(id);
    for (const bucket of work.buckets)
      this.stored.set(idOf(bucket.key), { key: { ...bucket.key }, bytes: bucket.bytes });
    for (const row of work.totals) this.totals.set(`${row.modelId}/${row.versionId}`, row);
    if (this.failure === 'after commit') throw new Error('connection lost');
    this.folds++;
    return true;
  }
}

/** A catalog that knows a version and its scheme only once it was asked to learn them. */
export class FakeSchemes implements EvaluatorSchemes {
  readonly learnt = new Set<number>();
  readonly loaded = new Set<number>();
  refreshes = 0;
  private readonly targets: readonly ModelTarget[];

  constructor(targets: readonly ModelTarget[]) {
    this.targets = targets;
  }

  knows(versionId: number): boolean {
    return this.learnt.has(versionId);
  }

  current(versionId: number): ModelTarget | undefined {
    return this.learnt.has(versionId) ? this.targets.find((target) => target.versionId === versionId) : undefined;
  }

  loadedScheme(schemeId: number): ModelTarget['scheme'] | undefined {
    return this.loaded.has(schemeId) ? this.targets.find(({ scheme }) => scheme.id === schemeId)?.scheme : undefined;
  }

  settingsOf(): typeof DEFAULT_SETTINGS.defaults {
    return DEFAULT_SETTINGS.defaults;
  }

  positiveClass(versionId: number): number {
    return this.current(versionId)?.positiveClass ?? -1;
  }

  refresh(): Promise<void> {
    this.refreshes++;
    return Promise.resolve();
  }

  learn(versionId: number): Promise<void> {
    this.learnt.add(versionId);
    return Promise.resolve();
  }

  loadScheme(schemeId: number): Promise<void> {
    this.loaded.add(schemeId);
    return Promise.resolve();
  }
}
