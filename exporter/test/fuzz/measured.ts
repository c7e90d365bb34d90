import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Shorter runs say nothing of growth: what V8 compiles and caches outweighs it. */
const WORTH_MEASURING = 10_000;
/** Of what V8 itself goes on compiling and caching through the run. */
const SLACK_BYTES = 8 << 20;
/** Less than anything that somebody could have kept of a case. */
const BYTES_A_CASE = 16;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Memory after a collection at a tenth, half and the end of a run, and its longest case. */
export class Measured {
  private readonly name: string;
  private readonly cases: number;
  private readonly bytes: number[] = [];
  private done = 0;
  private longestMs = 0;

  constructor(name: string, cases: number) {
    this.name = name;
    this.cases = cases;
  }

  /** Around each case. */
  async run(work: () => unknown): Promise<void> {
    const began = performance.now();
    await work();
    this.longestMs = Math.max(this.longestMs, performance.now() - began);
    this.count();
  }

  runNow(work: () => unknown): void {
    const began = performance.now();
    work();
    this.longestMs = Math.max(this.longestMs, performance.now() - began);
    this.count();
  }

  private count(): void {
    this.done++;
    if (this.cases < WORTH_MEASURING) return;
    if ([0.1, 0.5, 1].some((share) => this.done === Math.round(share * this.cases))) this.bytes.push(held());
  }

  /** Prints what was measured. Throws when memory grew with the cases; `allowedBytes` is of what may be kept of them. */
  end(allowedBytes = 0): void {
    if (this.bytes.length === 0) return;
    const megabytes = this.bytes.map((bytes) => (bytes / (1 << 20)).toFixed(1)).join(', ');
    const said = `${this.name}: ${this.done} cases, MB after 10, 50, 100 %: ${megabytes}; longest case ${this.longestMs.toFixed(0)} ms`;
    process.stdout.write(`${said}\n`);
    const growth = this.bytes.at(-1)! - this.bytes[0]!;
    if (growth > SLACK_BYTES + BYTES_A_CASE * this.cases + allowedBytes) throw new Error(`memory grew: ${said}`);
  }
}

function held(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
