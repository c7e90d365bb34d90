import type { Log } from './domain/log.ts';

/**
 * Runs `work` now and then every `intervalMs` (asked for anew each time), never twice at once. A failure is logged and does not end it.
 *
 * @returns what stops it, and resolves when the run under way has ended
 */
export function startTicker(
  name: string,
  intervalMs: () => number,
  work: () => Promise<void>,
  log: Log,
): () => Promise<void> {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const run = (): void => {
    const began = performance.now();
    running = work()
      .catch((error: unknown) => log.warn({ err: error, work: name }, 'periodic work failed, and will be tried again'))
      .then(() => {
        if (!stopped) timer = setTimeout(run, Math.max(0, intervalMs() - (performance.now() - began)));
      });
  };
  run();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}
