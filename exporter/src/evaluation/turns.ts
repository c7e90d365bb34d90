import { setImmediate } from 'node:timers/promises';

/** So long others wait at most: far less than a lease lasts or a scrape may take, and a hundred times what a turn costs. */
const SLICE_MS = 20;

/**
 * Work on thousands of models, with a turn for whatever else is due every now and then: without, ten thousand models read back and first
 * evaluated held everything up for longer than the lease lasts that they are evaluated under.
 *
 * Example: `for (const each of many) { work(each); await turns.due(); }`
 */
export class Turns {
  private since = performance.now();

  async due(): Promise<void> {
    if (performance.now() - this.since < SLICE_MS) return;
    await setImmediate();
    this.since = performance.now();
  }
}
