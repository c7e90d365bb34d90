import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Label } from '../histogram/count-label.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { PredictionBatch } from '../histogram/prediction-batch.ts';

/** Rows of a baseline in the making, with their labels; all of one model version. */
export interface ReferenceBatch {
  readonly batch: PredictionBatch;
  readonly labels: readonly (Label | null)[];
}

const MEMORY_ROWS = 100_000;
const BYTE_COUNT = 4;

/**
 * Keeps batches to be read several times: a baseline needs one pass for its bins and one for its counts, and an upload comes only
 * once. The first 100,000 rows stay in memory, the rest goes to a file of its own in the system's temporary folder, unlinked when done.
 */
export class Spool {
  private readonly held: ReferenceBatch[] = [];
  private heldRows = 0;
  private folder: string | null = null;
  private file = -1;
  private spilled = 0;
  rows = 0;

  add(reference: ReferenceBatch): void {
    this.rows += reference.batch.rows;
    // Once one is spilled all are: what is held is read first.
    if (this.spilled === 0 && this.heldRows + reference.batch.rows <= MEMORY_ROWS) {
      this.held.push(reference);
      this.heldRows += reference.batch.rows;
    } else this.spill(reference);
  }

  /** Every batch, in order of arrival; `target` takes the place of the one it came with. */
  *read(target: ModelTarget): Generator<ReferenceBatch> {
    for (const reference of this.held) yield withTarget(reference, target);
    let at = 0;
    const size = Buffer.alloc(BYTE_COUNT);
    for (let i = 0; i < this.spilled; i++) {
      readSync(this.file, size, 0, BYTE_COUNT, at);
      const bytes = Buffer.allocUnsafe(size.readUInt32LE());
      readSync(this.file, bytes, 0, bytes.length, at + BYTE_COUNT);
      at += BYTE_COUNT + bytes.length;
      yield withTarget(deserialize(bytes) as ReferenceBatch, target);
    }
  }

  close(): void {
    if (this.file >= 0) closeSync(this.file);
    if (this.folder !== null) rmSync(this.folder, { recursive: true, force: true });
    this.file = -1;
    this.folder = null;
  }

  private spill({ batch, labels }: ReferenceBatch): void {
    if (this.folder === null) {
      this.folder = mkdtempSync(path.join(tmpdir(), 'model-health-baseline-'));
      this.file = openSync(path.join(this.folder, 'rows'), 'wx+', 0o600);
    }
    // Plain arrays and typed arrays only: structured clone keeps them exactly, NaN included.
    const bytes = serialize({ batch: { ...batch, targets: [] }, labels });
    const size = Buffer.alloc(BYTE_COUNT);
    size.writeUInt32LE(bytes.length);
    writeSync(this.file, size);
    writeSync(this.file, bytes);
    this.spilled++;
  }
}

function withTarget({ batch, labels }: ReferenceBatch, target: ModelTarget): ReferenceBatch {
  // structured clone turns a Buffer into a Uint8Array.
  const ids = Buffer.isBuffer(batch.ids) ? batch.ids : Buffer.from(batch.ids);
  return { batch: { ...batch, ids, targets: new Array<ModelTarget>(batch.rows).fill(target) }, labels };
}
