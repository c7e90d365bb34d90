import { setImmediate } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { ServiceError } from '../domain/service-error.ts';
import type { Label } from '../histogram/count-label.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { PredictionBatch } from '../histogram/prediction-batch.ts';
import { TemporaryFile } from './temporary-file.ts';

/** Rows of a baseline in the making, with their labels; all of one model version. */
export interface ReferenceBatch {
  readonly batch: PredictionBatch;
  readonly labels: readonly (Label | null)[];
}

const MEMORY_ROWS = 100_000;
const BYTE_COUNT = 4;

/**
 * Keeps batches to be read several times: a baseline needs one pass for its bins and one for its counts, and an upload comes only
 * once. The first 100,000 rows stay in memory, the rest goes to a temporary file of at most `maxBytes`: a small upload can stand for more
 * rows than any disk holds.
 */
export class Spool {
  private readonly held: ReferenceBatch[] = [];
  private heldRows = 0;
  private file: TemporaryFile | null = null;
  private spilled = 0;
  private readonly maxBytes: number;
  rows = 0;
  /** Times of the oldest and the newest row that has one; Infinity and -Infinity without any. */
  firstMs = Infinity;
  lastMs = -Infinity;

  constructor(maxBytes = Infinity) {
    this.maxBytes = maxBytes;
  }

  /** Throws ServiceError invalid beyond `maxBytes`. */
  add(reference: ReferenceBatch): void {
    this.rows += reference.batch.rows;
    for (const time of reference.batch.timeMs) {
      if (time < this.firstMs) this.firstMs = time;
      if (time > this.lastMs) this.lastMs = time;
    }
    // Once one is spilled all are: what is held is read first.
    if (this.spilled === 0 && this.heldRows + reference.batch.rows <= MEMORY_ROWS) {
      this.held.push(reference);
      this.heldRows += reference.batch.rows;
    } else this.spill(reference);
  }

  /**
   * Every batch, in order of arrival; `target` takes the place of the one it came with. Whatever else is due comes between two of them:
   * a look at millions of rows takes longer than a lease holds and a request waits.
   */
  async *read(target: ModelTarget): AsyncGenerator<ReferenceBatch> {
    for (const reference of this.held) {
      yield withTarget(reference, target);
      await setImmediate();
    }
    let at = 0;
    for (let i = 0; i < this.spilled; i++) {
      const size = this.file!.read(at, BYTE_COUNT).readUInt32LE();
      const bytes = this.file!.read(at + BYTE_COUNT, size);
      at += BYTE_COUNT + size;
      yield withTarget(deserialize(bytes) as ReferenceBatch, target);
      await setImmediate();
    }
  }

  close(): void {
    this.file?.close();
    this.file = null;
  }

  private spill({ batch, labels }: ReferenceBatch): void {
    // Plain arrays and typed arrays only: structured clone keeps them exactly, NaN included.
    const bytes = serialize({ batch: { ...batch, targets: [] }, labels });
    const size = Buffer.alloc(BYTE_COUNT);
    size.writeUInt32LE(bytes.length);
    this.file ??= new TemporaryFile();
    if (this.file.size + bytes.length > this.maxBytes)
      throw new ServiceError(
        'invalid',
        `The rows of the baseline take more than ${this.maxBytes} bytes of temporary disk, after ${this.rows} rows; send fewer rows, or raise limits.baseline_body.`,
      );
    this.file.append(size);
    this.file.append(bytes);
    this.spilled++;
  }
}

function withTarget({ batch, labels }: ReferenceBatch, target: ModelTarget): ReferenceBatch {
  // structured clone turns a Buffer into a Uint8Array.
  const ids = Buffer.isBuffer(batch.ids) ? batch.ids : Buffer.from(batch.ids);
  return { batch: { ...batch, ids, targets: new Array<ModelTarget>(batch.rows).fill(target) }, labels };
}
