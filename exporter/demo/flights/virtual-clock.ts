/**
 * The exporter's clock as seen from outside. It started a little after `startMs` was handed over, and every report's time proves that it
 * is at least as late: so this one is never ahead, and predictions are never from the future.
 */
export class VirtualClock {
  private readonly speed: number;
  private offset: number;

  constructor(speed: number, startMs: number) {
    this.speed = speed;
    this.offset = startMs - speed * performance.now();
  }

  observe(seenMs: number): void {
    this.offset = Math.max(this.offset, seenMs - this.speed * performance.now());
  }

  now(): number {
    return this.offset + this.speed * performance.now();
  }
}
