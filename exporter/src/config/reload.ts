import type { Clock } from '../domain/clock.ts';
import type { LoadResult } from './load-config.ts';
import type { ConfigError } from './yaml-source.ts';

export interface ReloadResult {
  readonly ok: boolean;
  /** Empty exactly when ok. */
  readonly errors: readonly ConfigError[];
}

/** How the last reload went; the load at start is the first. */
export interface ReloadStatus {
  readonly successful: boolean;
  readonly lastSuccessMs: number;
}

/**
 * Holds the configuration in force and replaces it on demand. A configuration with mistakes changes nothing. Nothing is logged here:
 * who asked for the reload tells its outcome.
 */
export class ConfigHolder<T> {
  private readonly load: () => LoadResult<T>;
  private readonly clock: Clock;
  private readonly subscribers = new Set<(settings: T) => void>();
  private inForce: T;
  private lastReload: ReloadStatus;

  /** @param initial what `load` gave at start, where its mistakes stopped the program */
  constructor(load: () => LoadResult<T>, initial: T, clock: Clock) {
    this.load = load;
    this.clock = clock;
    this.inForce = initial;
    this.lastReload = { successful: true, lastSuccessMs: clock.now() };
  }

  get settings(): T {
    return this.inForce;
  }

  get status(): ReloadStatus {
    return this.lastReload;
  }

  /**
   * Loads again. On success the subscribers are told, in order of subscription, before it returns; if one of them throws, the others
   * are told all the same, the new configuration stays in force, and an AggregateError is thrown.
   */
  reload(): ReloadResult {
    const result = this.load();
    if (!result.ok) {
      this.lastReload = { ...this.lastReload, successful: false };
      return { ok: false, errors: result.errors };
    }
    this.inForce = result.settings;
    this.lastReload = { successful: true, lastSuccessMs: this.clock.now() };
    this.tell(result.settings);
    return { ok: true, errors: [] };
  }

  /** Calls `subscriber` after every successful reload. Returns what ends that. */
  subscribe(subscriber: (settings: T) => void): () => void {
    this.subscribers.add(subscriber);
    return () => {
      this.subscribers.delete(subscriber);
    };
  }

  private tell(settings: T): void {
    const failures: unknown[] = [];
    for (const subscriber of [...this.subscribers]) {
      try {
        subscriber(settings);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0)
      throw new AggregateError(failures, 'the configuration was reloaded, but not everyone could take it');
  }
}
