import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../domain/log.ts';
import { errorCode, errorMessage } from '../storage-error.ts';
import type { Cluster } from './cluster.ts';
import type { Postmaster } from './postmaster.ts';
import { adoptOrStart, stopPostmaster } from './postmaster.ts';

const firstDelayMs = 50;
const longestDelayMs = 10_000;
/** One that ran this long did not fail at its start: the next delay is the first one again. */
const settledMs = 60_000;
const logTrimIntervalMs = 60_000;

export type ExitListener = (reason: string) => void;

/** Keeps PostgreSQL running until it is told to stop. Its socket stays the same through every restart. */
export class Supervisor {
  readonly #cluster: Cluster;
  readonly #log: Log;
  readonly #listeners = new Set<ExitListener>();
  readonly #stopping = new AbortController();
  readonly #logTimer: NodeJS.Timeout;
  #postmaster: Postmaster;
  #loop: Promise<void>;

  private constructor(cluster: Cluster, log: Log, postmaster: Postmaster) {
    this.#cluster = cluster;
    this.#log = log;
    this.#postmaster = postmaster;
    this.#logTimer = setInterval(() => this.#trimLog(), logTrimIntervalMs).unref();
    this.#loop = this.#keepRunning();
  }

  /** Adopts or starts PostgreSQL; throws the StorageError of `adoptOrStart` when even the first start fails. */
  static async start(cluster: Cluster, log: Log): Promise<Supervisor> {
    return new Supervisor(cluster, log, await adoptOrStart(cluster, log, new AbortController().signal));
  }

  /** Of the postmaster that runs now, or ran last. */
  get pid(): number {
    return this.#postmaster.pid;
  }

  get adopted(): boolean {
    return this.#postmaster.adopted;
  }

  /** `listener` hears of every end that nobody asked for, before the restart. Returns what removes it. */
  onExit(listener: ExitListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops PostgreSQL, also one that is just being restarted. Call it once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#logTimer);
    await stopPostmaster(this.#postmaster, this.#log);
    await this.#loop;
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #keepRunning(): Promise<void> {
    let delayMs = firstDelayMs;
    while (!this.#isStopping()) {
      const started = performance.now();
      const reason = await this.#postmaster.ended;
      if (this.#isStopping()) return;
      if (performance.now() - started > settledMs) delayMs = firstDelayMs;
      this.#log.warn(
        { reason, pid: this.#postmaster.pid, restartInMs: delayMs },
        'PostgreSQL ended unexpectedly, restarting it',
      );
      for (const listener of this.#listeners) listener(reason);
      delayMs = await this.#restart(delayMs);
    }
  }

  /** Tries until it runs or we stop; returns the delay before the restart after this one. */
  async #restart(firstMs: number): Promise<number> {
    for (let delayMs = firstMs; ; delayMs = Math.min(2 * delayMs, longestDelayMs)) {
      await sleep(delayMs, undefined, { ref: false, signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#isStopping()) return delayMs;
      try {
        const postmaster = await adoptOrStart(this.#cluster, this.#log, this.#stopping.signal);
        this.#postmaster = postmaster;
        this.#log.info({ pid: postmaster.pid }, 'PostgreSQL runs again');
        if (this.#isStopping()) await stopPostmaster(postmaster, this.#log);
        return Math.min(2 * delayMs, longestDelayMs);
      } catch (error) {
        if (this.#isStopping()) return delayMs;
        this.#log.error(
          { code: errorCode(error), error: errorMessage(error) },
          'PostgreSQL cannot be restarted, trying again',
        );
      }
    }
  }

  #trimLog(): void {
    try {
      this.#cluster.log.trim();
    } catch (error) {
      this.#log.warn({ error: errorMessage(error) }, 'cannot trim the log of PostgreSQL');
    }
  }
}
