import type { DesignEffects } from '../domain/baseline.ts';
import { binBatch } from '../histogram/bin-batch.ts';
import { CODES } from '../histogram/bin-scheme.ts';
import { OTHER } from '../histogram/categories.ts';
import { cellOfCode, NO_CELL } from '../histogram/cells.ts';
import { CLASS_COLUMN, FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { designEffect } from '../statistics/design-effect.ts';
import type { DesignEffect } from '../statistics/design-effect.ts';
import type { Spool } from './spool.ts';

/** Where a stretch begins is arbitrary, and rows may repeat within days: the phase of four in which they repeat most counts. */
const PHASES = 4;
/** The newest ones of a longer baseline. */
const MAX_STRETCHES = 64;
/** One baseline of independent rows in a thousand passes for one of rows that repeat. */
const SIGNIFICANT = 0.001;
/** Fewer stretches say nothing of how they vary. */
const MIN_STRETCHES = 4;

/**
 * How much the rows of a baseline repeat themselves within stretches as long as the windows that they are compared with. Of rows without
 * times nothing is known: the order of a file may be anything. Neither of a baseline of fewer than four stretches.
 *
 * @param target with the scheme that the baseline is counted under
 * @returns ascending by length
 */
export async function designEffects(
  spool: Spool,
  target: ModelTarget,
  windowsMs: Iterable<number>,
): Promise<DesignEffects[]> {
  const { firstMs, lastMs } = spool;
  const found: DesignEffects[] = [];
  for (const windowMs of [...new Set(windowsMs)].sort((a, b) => a - b)) {
    // A little slack: a week of rows is a few seconds short of seven days.
    if (!(lastMs - firstMs >= (MIN_STRETCHES - 0.05) * windowMs)) continue;
    const stepMs = windowMs / PHASES;
    const fromMs = Math.max(firstMs, lastMs - MAX_STRETCHES * windowMs);
    const steps = await countSteps(spool, target, fromMs, stepMs, Math.floor((lastMs - fromMs) / stepMs) + 1);
    found.push({ windowMs, byColumn: boundsOf(steps) });
  }
  return found;
}

interface ColumnSteps {
  readonly cells: number;
  /** By step, counts by cell. */
  readonly counts: readonly Uint32Array[];
}

/** Rows repeat, not columns: where one column shows it, all are taken to repeat as much as their own counts allow for. */
function boundsOf(steps: readonly ColumnSteps[]): number[] {
  const effects = steps.map(effectsOf);
  const compared = effects.flat().filter(({ pValue }) => !Number.isNaN(pValue));
  const repeats = compared.some(({ pValue }) => pValue < SIGNIFICANT / compared.length);
  return effects.map((phases) => {
    const bounds = phases.map(({ bound }) => bound).filter((bound) => !Number.isNaN(bound));
    return bounds.length === 0 ? NaN : repeats ? Math.max(...bounds) : 1;
  });
}

/** By phase. */
function effectsOf({ cells, counts }: ColumnSteps): DesignEffect[] {
  return Array.from({ length: PHASES }, (_, phase) => {
    const stretches: Uint32Array[] = [];
    for (let from = phase; from + PHASES <= counts.length; from += PHASES)
      stretches.push(sumOf(counts.slice(from, from + PHASES)));
    return designEffect(stretches, cells);
  });
}

function sumOf(counts: readonly Uint32Array[]): Uint32Array {
  const sum = Uint32Array.from(counts[0]!);
  for (const of of counts.slice(1)) for (let k = 0; k < sum.length; k++) sum[k] = sum[k]! + of[k]!;
  return sum;
}

/** Rows by column, step and coarse cell. */
async function countSteps(
  spool: Spool,
  target: ModelTarget,
  fromMs: number,
  stepMs: number,
  steps: number,
): Promise<ColumnSteps[]> {
  const cellsByColumn = cellsOfColumns(target);
  const columns = cellsByColumn.map(({ cells }) => ({
    cells,
    counts: Array.from({ length: steps }, () => new Uint32Array(cells)),
  }));
  for await (const { batch } of spool.read(target)) {
    const { codes, codeAt } = binBatch(batch);
    for (let i = 0; i < batch.rows; i++) {
      const step = Math.floor((batch.timeMs[i]! - fromMs) / stepMs);
      if (!(step >= 0 && step < steps)) continue;
      for (let column = 0; column < columns.length; column++) {
        const cell = cellsByColumn[column]!.ofCode[codes[codeAt[i]! + column]!]!;
        if (cell === NO_CELL) continue;
        const counts = columns[column]!.counts[step]!;
        counts[cell] = counts[cell]! + 1;
      }
    }
  }
  return columns;
}

interface CellsOfColumn {
  readonly cells: number;
  readonly ofCode: Uint8Array;
}

/** Score, classes and features as drift compares them. */
function cellsOfColumns({ scheme, classCodes, features }: ModelTarget): CellsOfColumn[] {
  const all = [scheme.score, null, ...features.map(({ column }) => scheme.features[column - FIRST_FEATURE_COLUMN])];
  return all.map((bins, column) => {
    const ofCode = new Uint8Array(CODES).fill(NO_CELL);
    if (column === CLASS_COLUMN) {
      for (let code = 0; code < classCodes.size; code++) ofCode[code] = code;
      ofCode[OTHER] = classCodes.size;
      return { cells: classCodes.size + 1, ofCode };
    }
    if (bins === undefined || bins === null) return { cells: 0, ofCode };
    for (let code = 0; code < CODES; code++) ofCode[code] = cellOfCode(bins, code);
    return { cells: bins.kind === 'numeric' ? bins.coarseCells : bins.categories.length + 1, ofCode };
  });
}
