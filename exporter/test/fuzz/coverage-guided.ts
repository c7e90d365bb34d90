import { Session } from 'node:inspector';
import type { Profiler } from 'node:inspector';

/** Inputs between two looks at the coverage, which cost as much as many inputs. */
const BATCH = 100;
/** What decoders compare with. */
const TOKENS = ['__proto__', '"', '{', '[', ']', '}', ',', ':', '\n', '\0', 'null', '1e999', '-1', '\ud800', 'PAR1'];
const NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/**
 * Mutates `seeds` and keeps what reaches code that nothing reached before, to mutate it further: what pure chance does not find in
 * binary formats, behind magic numbers and lengths. By V8's own block coverage, which is part of Node.js.
 *
 * @param draw an integer from 0 to n - 1
 * @returns how many inputs the corpus came to
 */
export async function coverageGuided(
  seeds: readonly Buffer[],
  cases: number,
  draw: (n: number) => number,
  run: (input: Buffer) => unknown,
): Promise<number> {
  const coverage = new Coverage();
  const corpus = [...seeds];
  try {
    for (const seed of seeds) await run(seed);
    coverage.look();
    for (let left = cases; left > 0; left -= BATCH) {
      const inputs = Array.from({ length: Math.min(BATCH, left) }, () => mutant(corpus, draw));
      for (const input of inputs) await run(input);
      if (!coverage.look()) continue;
      // Some of them: each is run again, and looked at alone.
      coverage.forget();
      corpus.push(...(await reaching(inputs)));
    }
    return corpus.length;
  } finally {
    coverage.end();
  }

  async function reaching(inputs: readonly Buffer[]): Promise<readonly Buffer[]> {
    const found: Buffer[] = [];
    for (const input of inputs) {
      await run(input);
      if (coverage.look()) found.push(input);
    }
    return found;
  }
}

function mutant(corpus: readonly Buffer[], draw: (n: number) => number): Buffer {
  let bytes: Buffer = Buffer.from(corpus[draw(corpus.length)]!);
  for (let times = 1 << draw(4); times > 0; times--) bytes = mutated(bytes, corpus, draw);
  return bytes;
}

function mutated(bytes: Buffer, corpus: readonly Buffer[], draw: (n: number) => number): Buffer {
  if (bytes.length < 4) return Buffer.from(corpus[draw(corpus.length)]!);
  const at = draw(bytes.length);
  const from = draw(bytes.length);
  const some = bytes.subarray(from, from + 1 + draw(16));
  const number = NUMBERS[draw(NUMBERS.length)]!;
  switch (draw(9)) {
    case 0:
      bytes[at] = bytes[at]! ^ (1 << draw(8));
      return bytes;
    case 1:
      bytes[at] = draw(256);
      return bytes;
    case 2:
      bytes.writeUInt32LE(number, Math.min(at, bytes.length - 4));
      return bytes;
    case 3:
      bytes[at] = number & 0xff;
      return bytes;
    case 4:
      return Buffer.concat([bytes.subarray(0, at), some, bytes.subarray(at)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + some.length)]);
    case 6:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(TOKENS[draw(TOKENS.length)]!), bytes.subarray(at)]);
    case 7: {
      const other = corpus[draw(corpus.length)]!;
      return Buffer.concat([bytes.subarray(0, at), other.subarray(draw(other.length))]);
    }
    default:
      return Buffer.from(bytes.subarray(0, at));
  }
}

/** Which bytes of our sources, and of the libraries that read for us, have run. */
class Coverage {
  private readonly session = new Session();
  /** By function: 1 where it ran. */
  private readonly reached = new Map<string, Uint8Array>();
  private newest: { readonly of: Uint8Array; readonly at: number }[] = [];

  constructor() {
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What ran since the last look; true when some of it never ran before. */
  look(): boolean {
    this.newest = [];
    // Within one thread the answer is there before post returns.
    this.session.post('Profiler.takePreciseCoverage', (error, result) => {
      if (error !== null) throw error;
      for (const script of result.result)
        if (isOfInterest(script.url)) for (const of of script.functions) this.add(script.scriptId, of);
    });
    return this.newest.length > 0;
  }

  /** As if the last look had seen nothing. */
  forget(): void {
    for (const { of, at } of this.newest) of[at] = 0;
  }

  end(): void {
    this.session.disconnect();
  }

  private add(script: string, { ranges }: Profiler.FunctionCoverage): void {
    const whole = ranges[0]!;
    if (whole.count === 0) return;
    const key = `${script}:${whole.startOffset}:${whole.endOffset}`;
    const length = whole.endOffset - whole.startOffset;
    // Ranges lie within each other, the outer ones first.
    const ran = new Uint8Array(length);
    for (const { startOffset, endOffset, count } of ranges)
      ran.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset);
    let known = this.reached.get(key);
    if (known === undefined) this.reached.set(key, (known = new Uint8Array(length)));
    for (let at = 0; at < length; at++) {
      if (ran[at] === 0 || known[at] === 1) continue;
      known[at] = 1;
      this.newest.push({ of: known, at });
    }
  }
}

function isOfInterest(url: string): boolean {
  return /exporter\/src\/|node_modules\/(hyparquet|apache-arrow|flatbuffers|protobufjs|csv-parse)/.test(url);
}
