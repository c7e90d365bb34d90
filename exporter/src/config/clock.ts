import type { Clock } from '../domain/clock.ts';

/** The time of day; or, for demonstrations and tests, a clock that starts at a given moment and runs `speed` times as fast. */
export function createClock(startMs: number | null, speed: number): Clock {
  if (startMs === null && speed === 1) return { now: () => Date.now() };
  const start = startMs ?? Date.now();
  const began = performance.now();
  return { now: () => start + (performance.now() - began) * speed };
}
