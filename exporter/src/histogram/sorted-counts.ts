const NONE: readonly number[] = [];
/** So many times more codes are cheaper searched than read through. */
const FEW = 8;

/**
 * Counts by code, in order of the codes, for the few that a minute or an hour has: a fifth of a Map's memory, and added up several times as
 * fast. A code that is new moves those above it.
 */
export class SortedCounts implements Iterable<readonly [number, number]> {
  /** Codes and their counts in turn. */
  private pairs: readonly number[] = NONE;

  /** Of counts that stand each in its place, those of the codes in [from, to) that are not 0. */
  static of(dense: ArrayLike<number>, from: number, to: number): SortedCounts {
    const sorted = new SortedCounts();
    let found = 0;
    for (let code = from; code < to; code++) if (dense[code] !== 0) found++;
    if (found === 0) return sorted;
    const pairs = new Array<number>(2 * found);
    for (let code = from, at = 0; code < to; code++) {
      if (dense[code] === 0) continue;
      pairs[at++] = code;
      pairs[at++] = dense[code]!;
    }
    sorted.pairs = pairs;
    return sorted;
  }

  get size(): number {
    return this.pairs.length >>> 1;
  }

  /** -Infinity without any. */
  get highest(): number {
    return this.pairs.length === 0 ? -Infinity : this.pairs.at(-2)!;
  }

  get total(): number {
    let sum = 0;
    for (let i = 1; i < this.pairs.length; i += 2) sum += this.pairs[i]!;
    return sum;
  }

  /** Code of the row of that rank, 1 being the first, in order of the codes; of the last row where there are fewer. */
  codeOfRank(rank: number): number {
    let below = 0;
    for (let i = 0; i < this.pairs.length; i += 2) {
      below += this.pairs[i + 1]!;
      if (below >= rank) return this.pairs[i]!;
    }
    return this.highest;
  }

  get(code: number): number {
    const at = this.find(code);
    return this.pairs[at] === code ? this.pairs[at + 1]! : 0;
  }

  /** 0 removes the code. */
  set(code: number, count: number): this {
    const at = this.find(code);
    const known = this.pairs[at] === code;
    if (count === 0) {
      if (known) this.pairs = this.pairs.toSpliced(at, 2);
    } else if (known) (this.pairs as number[])[at + 1] = count;
    else this.pairs = insert(this.pairs, at, code, count);
    return this;
  }

  add(code: number, count: number): void {
    const at = this.find(code);
    if (this.pairs[at] === code) (this.pairs as number[])[at + 1]! += count;
    else this.pairs = insert(this.pairs, at, code, count);
  }

  addAll({ pairs }: SortedCounts): void {
    if (this.pairs.length === 0) this.pairs = pairs.slice();
    // Of a minute beside a day nearly all codes are there already.
    else if (pairs.length * FEW <= this.pairs.length)
      for (let i = 0; i < pairs.length; i += 2) this.add(pairs[i]!, pairs[i + 1]!);
    else this.pairs = merged(this.pairs, pairs);
  }

  each(take: (code: number, count: number) => void): void {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) take(pairs[i]!, pairs[i + 1]!);
  }

  *[Symbol.iterator](): IterableIterator<readonly [number, number]> {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) yield [pairs[i]!, pairs[i + 1]!];
  }

  /** Position of the code, or of the first one above it. */
  private find(code: number): number {
    const { pairs } = this;
    let low = 0;
    let high = pairs.length >>> 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pairs[middle * 2]! < code) low = middle + 1;
      else high = middle;
    }
    return low * 2;
  }
}

function merged(a: readonly number[], b: readonly number[]): readonly number[] {
  const all = new Array<number>(a.length + b.length - 2 * common(a, b));
  for (let i = 0, j = 0, to = 0; to < all.length; to += 2) {
    const ofA = j >= b.length || (i < a.length && a[i]! <= b[j]!);
    const both = ofA && a[i] === b[j];
    all[to] = ofA ? a[i]! : b[j]!;
    all[to + 1] = both ? a[i + 1]! + b[j + 1]! : ofA ? a[i + 1]! : b[j + 1]!;
    if (ofA) i += 2;
    if (!ofA || both) j += 2;
  }
  return all;
}

/** Number of the codes that are in both. */
function common(a: readonly number[], b: readonly number[]): number {
  let found = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [codeA, codeB] = [a[i]!, b[j]!];
    if (codeA === codeB) found++;
    if (codeA <= codeB) i += 2;
    if (codeB <= codeA) j += 2;
  }
  return found;
}

/** An array of exactly the length that is needed: those that grow by push keep room for sixteen more. */
function insert(pairs: readonly number[], at: number, code: number, count: number): readonly number[] {
  const wider = new Array<number>(pairs.length + 2);
  for (let i = 0; i < at; i++) wider[i] = pairs[i]!;
  wider[at] = code;
  wider[at + 1] = count;
  for (let i = at; i < pairs.length; i++) wider[i + 2] = pairs[i]!;
  return wider;
}
