import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const ACKNOWLEDGED = 1;
const LABELLED = 2;
const STORED = 4;
const STORED_AGAIN = 8;
const LABEL_STORED = 16;
const ID_BYTES = 16;
const UUID = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;

/** Predictions that are sent together: the number of the first, and the id of each. */
export interface Issued {
  readonly first: number;
  readonly ids: readonly string[];
}

/** Counts of predictions, and of labels where it says so. */
export interface Tally {
  readonly acknowledged: number;
  readonly acknowledgedLabels: number;
  readonly stored: number;
  /** Acknowledged, and not stored. */
  readonly lost: number;
  readonly lostLabels: number;
  readonly twice: number;
  /** Rows whose id was never sent. */
  readonly strange: number;
}

/**
 * What was sent, what of it was acknowledged, and what is stored: one byte a prediction. Ids are a count enciphered by AES: as random as
 * any to an index, and deciphered to the count, so that however many there are none has to be remembered, and the answer is exact.
 */
export class Ledger {
  private readonly key = randomBytes(16);
  private states = new Uint8Array(1 << 16);
  private issued = 0;
  private strange = 0;

  issue(count: number): Issued {
    const first = this.issued;
    this.issued += count;
    if (this.issued > this.states.length) {
      const larger = new Uint8Array(2 * this.issued);
      larger.set(this.states);
      this.states = larger;
    }
    const numbers = Buffer.alloc(count * ID_BYTES);
    for (let i = 0; i < count; i++) numbers.writeDoubleLE(first + i, i * ID_BYTES);
    const cipher = createCipheriv('aes-128-ecb', this.key, null).setAutoPadding(false);
    const hex = cipher.update(numbers).toString('hex');
    return {
      first,
      ids: Array.from({ length: count }, (_, i) => hex.slice(32 * i, 32 * i + 32).replace(UUID, '$1-$2-$3-$4-$5')),
    };
  }

  acknowledge({ first, ids }: Issued): void {
    this.mark(first, ids.length, ACKNOWLEDGED);
  }

  acknowledgeLabels({ first, ids }: Issued): void {
    this.mark(first, ids.length, LABELLED);
  }

  /** Ids as PostgreSQL prints them, one for each row of predictions. */
  found(ids: readonly string[]): void {
    for (const number of this.numbersOf(ids)) {
      if (!(number >= 0 && number < this.issued)) this.strange++;
      else this.states[number]! |= (this.states[number]! & STORED) === 0 ? STORED : STORED_AGAIN;
    }
  }

  foundLabels(ids: readonly string[]): void {
    for (const number of this.numbersOf(ids))
      if (!(number >= 0 && number < this.issued)) this.strange++;
      else this.states[number]! |= LABEL_STORED;
  }

  tally(): Tally {
    const tally = { acknowledged: 0, acknowledgedLabels: 0, stored: 0, lost: 0, lostLabels: 0, twice: 0 };
    for (let number = 0; number < this.issued; number++) {
      const state = this.states[number]!;
      const is = (bit: number) => Number((state & bit) !== 0);
      tally.acknowledged += is(ACKNOWLEDGED);
      tally.acknowledgedLabels += is(LABELLED);
      tally.stored += is(STORED);
      tally.lost += is(ACKNOWLEDGED) & ~is(STORED);
      tally.lostLabels += is(LABELLED) & ~is(LABEL_STORED);
      tally.twice += is(STORED_AGAIN);
    }
    return { ...tally, strange: this.strange };
  }

  private mark(first: number, count: number, bit: number): void {
    for (let number = first; number < first + count; number++) this.states[number]! |= bit;
  }

  /** NaN for one that is not of ours: what it is deciphered to has no zeros at its end. */
  private numbersOf(ids: readonly string[]): number[] {
    const decipher = createDecipheriv('aes-128-ecb', this.key, null).setAutoPadding(false);
    const bytes = decipher.update(Buffer.from(ids.join('').replaceAll('-', ''), 'hex'));
    return ids.map((_, i) => {
      const at = i * ID_BYTES;
      return bytes.readBigUInt64LE(at + 8) === 0n ? bytes.readDoubleLE(at) : NaN;
    });
  }
}
