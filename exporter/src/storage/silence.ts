import type { Log } from '../domain/log.ts';
import { isSilence } from './database-errors.ts';

/** One may be our own delay: after a stop of this process time is up before what has arrived is read. */
const MISSES = 2;

/**
 * Tells a silent database from a slow one. Statements may rightly take half a minute, so that nobody who waits for one can know that no
 * answer will come; a question that is asked each second, on a connection of its own and with little time, does. The second in a row
 * that is not answered, not even by a refusal or an error, severs the pool; the first answer mends it.
 */
export class Silence {
  private readonly pool: { sever(): void; mend(): void };
  private readonly log: Log;
  private misses = 0;

  constructor(pool: Silence['pool'], log: Log) {
    this.pool = pool;
    this.log = log;
  }

  /** Resolves and rejects as `question` does. */
  async during<T>(question: () => Promise<T>): Promise<T> {
    // Of two that are asked at once, both unanswered, neither confirms the other.
    const { misses } = this;
    try {
      const answer = await question();
      this.heard();
      return answer;
    } catch (error) {
      if (isSilence(error)) this.missed(misses + 1);
      else this.heard();
      throw error;
    }
  }

  private missed(misses: number): void {
    const begins = this.misses < MISSES && misses >= MISSES;
    this.misses = Math.max(this.misses, misses);
    if (!begins) return;
    this.log.warn({}, 'the database says nothing any more: requests are refused until it does');
    this.pool.sever();
  }

  private heard(): void {
    if (this.misses >= MISSES) {
      this.log.info({}, 'the database answers again');
      this.pool.mend();
    }
    this.misses = 0;
  }
}
