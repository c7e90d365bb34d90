import type { Log } from '../domain/log.ts';

export interface Ticker {
  /** Resolves when the run under way has ended. */
  readonly stop: () => Promise<void>;
  /** Runs at once instead of when it is due; straight after the run under way when there is one. */
  readonly hurry: () => void;
}

/**
 * Runs `work` now and then every `intervalMs` (asked for anew each time), never twice at once. A failure is logged and does not end it.
 */
export function startTicker(name: string, intervalMs: () => number, work: () => Promise<void>, log: Log): Ticker {
  let stopped = false;
  let hurried = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const run = (): void => {
    timer = undefined;
    hurried = false;
    const began = performance.now();
    running = work()
      .catch((error: unknown) => log.warn({ err: error, work: name }, 'periodic work failed, and will be tried again'))
      .then(() => {
        const restMs = hurried ? 0 : Math.max(0, intervalMs() - (performance.now() - began));
        if (!stopped) timer = setTimeout(run, restMs);
      });
  };
  run();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
    hurry: () => {
      hurried = true;
      if (stopped || timer === undefined) return;
      clearTimeout(timer);
      timer = setTimeout(run, 0);
    },
  };
}

const IDLE_MS = 1_000;

/**
 * Runs `work` again and again, a second apart; `work` is told when to stop, and given the time to.
 *
 * @returns what stops it
 */
export function startWorker(name: string, work: (stop: AbortSignal) => Promise<void>, log: Log): () => Promise<void> {
  const stop = new AbortController();
  const { stop: end } = startTicker(
    name,
    () => IDLE_MS,
    () => work(stop.signal),
    log,
  );
  return () => {
    stop.abort();
    return end();
  };
}
