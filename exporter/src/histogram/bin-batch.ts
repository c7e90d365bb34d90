import { MISSING, NOT_FINITE, TYPE_ERROR } from './bin-scheme.ts';
import type { NumericBins } from './bin-scheme.ts';
import { binInto, preparedEdges } from './binner.ts';
import { categoryCode, OTHER } from './categories.ts';
import type { CategoryBins } from './categories.ts';
import { ABSENT, CLASS_COLUMN, FIRST_FEATURE_COLUMN, SCORE_COLUMN } from './model-columns.ts';
import { confidence, driftScore } from './model-target.ts';
import type { ModelTarget } from './model-target.ts';
import type { BinnedBatch, PredictionBatch } from './prediction-batch.ts';
import { segmentIdsOf } from './segments.ts';
import { NO_ERROR, OTHER_ERROR } from './traffic.ts';

/**
 * Counts a batch under the schemes of its targets: every value becomes one byte. Rows of one target that stand together are binned
 * column by column, so that a feature's edges stay in the cache for all of them.
 */
export function binBatch(batch: PredictionBatch): BinnedBatch {
  const codeAt = new Int32Array(batch.rows + 1);
  for (let i = 0; i < batch.rows; i++)
    codeAt[i + 1] = codeAt[i]! + FIRST_FEATURE_COLUMN + batch.targets[i]!.features.length;
  const binned: Mutable = {
    batch,
    codes: new Uint8Array(codeAt[batch.rows]!),
    codeAt,
    errorCodes: new Uint8Array(batch.rows),
    segmentIds: batch.targets.some(({ segments }) => segments.size > 0)
      ? batch.targets.map(({ segments }, i) => segmentIdsOf(segments, batch.segments[i]))
      : null,
    driftScores: new Float64Array(batch.rows),
    confidences: new Float64Array(batch.rows),
    tails: [],
  };
  for (let from = 0; from < batch.rows;) {
    const target = batch.targets[from]!;
    let to = from + 1;
    while (to < batch.rows && batch.targets[to] === target) to++;
    binRun(binned, target, from, to);
    from = to;
  }
  return binned;
}

type Mutable = BinnedBatch & { readonly tails: number[] };

/** Rows [from, to) are all of `target`. */
function binRun(binned: Mutable, target: ModelTarget, from: number, to: number): void {
  binOutcome(binned, target, from, to);
  for (const feature of target.features) {
    const bins = target.scheme.features[feature.column - FIRST_FEATURE_COLUMN];
    if (feature.kind === 'numeric') {
      const numeric = bins?.kind === 'numeric' ? bins : null;
      binNumbers(binned, numeric, feature.column, feature.position, from, to);
    } else {
      const categories = bins?.kind === 'categorical' ? bins : null;
      binTexts(binned, categories, feature.column, feature.position, from, to);
    }
  }
  markTypeErrors(binned, from, to);
}

/** Score, class and error of each row. */
function binOutcome(binned: Mutable, target: ModelTarget, from: number, to: number): void {
  const { batch, codes, codeAt } = binned;
  const edges = preparedEdges(target.scheme.score);
  for (let i = from; i < to; i++) {
    const name = batch.classes[i] ?? null;
    // A class beyond those that are told apart has no score of its own: the highest of the others is not its confidence.
    const classCode = name === null ? -1 : (target.classCodes.get(name) ?? OTHER);
    const score = driftScore(target, batch.predictions[i]!, batch.scores[i]!, batch.classScores[i] ?? null);
    binned.driftScores[i] = score;
    binned.confidences[i] = confidence(target, classCode, batch.scores[i]!, batch.classScores[i] ?? null);
    const at = codeAt[i]!;
    if (Number.isNaN(score)) codes[at + SCORE_COLUMN] = MISSING;
    else if (!Number.isFinite(score)) codes[at + SCORE_COLUMN] = NOT_FINITE;
    else {
      const code = binInto(edges, score);
      codes[at + SCORE_COLUMN] = code;
      if (target.scheme.score.sumBins[code] === 1) binned.tails.push(i, SCORE_COLUMN, score);
    }
    codes[at + CLASS_COLUMN] = name === null ? MISSING : classCode;
    const reason = batch.errors[i] ?? null;
    binned.errorCodes[i] = reason === null ? NO_ERROR : (target.errorCodes.get(reason) ?? OTHER_ERROR);
  }
}

/** A feature that joined after the scheme was made is counted unbinned: present values have code 0. */
function binNumbers(
  binned: Mutable,
  bins: NumericBins | null,
  column: number,
  position: number,
  from: number,
  to: number,
): void {
  const { batch, codes, codeAt, tails } = binned;
  const edges = bins === null ? null : preparedEdges(bins);
  for (let i = from; i < to; i++) {
    const at = batch.numberAt[i]! + position;
    const value = batch.numbers[at]!;
    let code: number;
    if (at >= batch.numberAt[i + 1]!) code = ABSENT;
    else if (Number.isFinite(value)) {
      code = edges === null ? 0 : binInto(edges, value);
      if (bins?.sumBins[code] === 1) tails.push(i, column, value);
    } else code = Number.isNaN(value) ? MISSING : NOT_FINITE;
    codes[codeAt[i]! + column] = code;
  }
}

function binTexts(
  binned: Mutable,
  bins: CategoryBins | null,
  column: number,
  position: number,
  from: number,
  to: number,
): void {
  const { batch, codes, codeAt } = binned;
  for (let i = from; i < to; i++) {
    const at = batch.textAt[i]! + position;
    const value = batch.texts[at] ?? null;
    const code = value === null ? MISSING : bins === null ? 0 : categoryCode(bins, value);
    codes[codeAt[i]! + column] = at < batch.textAt[i + 1]! ? code : ABSENT;
  }
}

/** A value of the wrong type was stored as missing, with its column noted: here it gets its own code back. */
function markTypeErrors(binned: Mutable, from: number, to: number): void {
  const { batch, codes, codeAt } = binned;
  for (let i = from; i < to; i++) {
    const columns = batch.invalid[i];
    if (columns !== null && columns !== undefined)
      for (const column of columns) codes[codeAt[i]! + column] = TYPE_ERROR;
  }
}
