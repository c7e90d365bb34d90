import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { DecodedRows, PredictionsReply, RawPrediction } from '../domain/prediction.ts';
import type { HalfPair, PendingHalf } from '../domain/prediction-half.ts';
import { ServiceError } from '../domain/service-error.ts';
import { pairHalves } from './pair-halves.ts';

/** Where halves wait; storage/pending-event-store is one. */
export interface PendingHalves {
  /** Resolves when they are committed. */
  append(halves: readonly PendingHalf[]): Promise<void>;
  complete(keys: readonly { readonly source: string; readonly key: string }[]): Promise<readonly HalfPair[]>;
  leftComplete(limit: number): Promise<readonly HalfPair[]>;
  expired(beforeMs: number, limit: number): Promise<readonly HalfPair[]>;
  remove(pairs: readonly HalfPair[]): Promise<void>;
  recount(): Promise<void>;
}

export interface JoinDependencies {
  readonly pending: PendingHalves;
  readonly store: (decoded: DecodedRows<RawPrediction>) => Promise<PredictionsReply>;
  /** So many halves were dropped, for the reason named. */
  readonly dropped: (reason: 'no_request' | 'unstorable', count: number) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a half waits for the other. */
  readonly waitMs: () => number;
}

/** Pairs whose predictions go into one commit, and keys looked up at once. */
const CHUNK = 500;
const SWEEP = 2_000;

/**
 * Makes predictions of halves that were acknowledged. Each pair is removed after its predictions are committed: whoever ends in
 * between leaves it to the next sweep, and what is stored twice counts once by its id.
 */
export class HalfJoiner {
  private readonly deps: JoinDependencies;
  private fresh: { readonly source: string; readonly key: string }[] = [];
  private working: Promise<void> | null = null;

  constructor(deps: JoinDependencies) {
    this.deps = deps;
  }

  /** Resolves when the halves are committed; that they are joined comes after. */
  async take(halves: readonly PendingHalf[]): Promise<void> {
    await this.deps.pending.append(halves);
    this.fresh.push(...halves);
    this.working ??= this.work().finally(() => (this.working = null));
  }

  /** At each tick: pairs that were left, and halves that waited too long. */
  async sweep(): Promise<void> {
    const { pending, clock, waitMs } = this.deps;
    await this.settled();
    for (let pairs = await pending.leftComplete(SWEEP); pairs.length > 0;) {
      await this.storeAll(pairs);
      pairs = pairs.length < SWEEP ? [] : await pending.leftComplete(SWEEP);
    }
    for (let lonely = await pending.expired(clock.now() - waitMs(), SWEEP); lonely.length > 0;) {
      const unasked = lonely.filter(({ request }) => request === null).length;
      if (unasked > 0) {
        this.deps.dropped('no_request', unasked);
        this.deps.log.warn({ responses: unasked }, 'responses came without their requests, and were dropped');
      }
      await this.storeAll(lonely);
      lonely = lonely.length < SWEEP ? [] : await pending.expired(clock.now() - waitMs(), SWEEP);
    }
    await pending.recount();
  }

  /** When nothing is being joined. */
  async settled(): Promise<void> {
    await this.working;
  }

  private async work(): Promise<void> {
    while (this.fresh.length > 0) {
      const keys = this.fresh.splice(0, CHUNK);
      try {
        await this.storeAll(await this.deps.pending.complete(keys));
      } catch (error) {
        // They are committed: the sweep of a later tick takes them up.
        this.fresh = [];
        this.deps.log.warn({ err: error }, 'pairs of events could not be stored yet; they wait in the database');
      }
    }
  }

  private async storeAll(pairs: readonly HalfPair[]): Promise<void> {
    for (let from = 0; from < pairs.length; from += CHUNK) {
      const chunk = pairs.slice(from, from + CHUNK);
      await this.storeTogether(chunk);
      await this.deps.pending.remove(chunk);
    }
  }

  /** In one commit; when that is refused, one by one, so that a pair that cannot be stored does not hold up the others for ever. */
  private async storeTogether(pairs: readonly HalfPair[]): Promise<void> {
    try {
      const { errors } = await this.deps.store({ rows: pairHalves(pairs), errors: [] });
      if (errors.length > 0)
        this.deps.log.warn(
          { rows: errors.length, pointer: errors[0]!.pointer, detail: errors[0]!.detail },
          'rows of foreign events were refused',
        );
    } catch (error) {
      if (error instanceof ServiceError && error.code !== 'invalid') throw error;
      if (pairs.length > 1) {
        for (const pair of pairs) await this.storeTogether([pair]);
        return;
      }
      this.deps.dropped('unstorable', 1);
      this.deps.log.error(
        { err: error, source: pairs[0]!.source },
        'a pair of events could not be stored, and was dropped',
      );
    }
  }
}
