import { parseNumericBins, serialiseNumericBins, unbinned } from '../histogram/bin-scheme.ts';
import type { NumericBins } from '../histogram/bin-scheme.ts';
import { categoryBins } from '../histogram/categories.ts';
import type { BinScheme, ColumnBins } from '../histogram/model-columns.ts';
import { packBins } from '../histogram/pack-bins.ts';

/** A bin scheme as plain JSON, for bin_schemes.payload. Doubles round-trip through JSON exactly. */
export function serialiseScheme(scheme: Omit<BinScheme, 'id'>): unknown {
  return {
    score: serialiseNumericBins(scheme.score),
    features: scheme.features.map(serialiseColumn),
    fences: scheme.outlierFences,
  };
}

export function parseScheme(id: number, payload: unknown): BinScheme {
  const { score, features, fences } = payload as {
    readonly score: unknown;
    readonly features: readonly unknown[];
    readonly fences: BinScheme['outlierFences'];
  };
  const columns = [parseNumericBins(score), ...features.map(parseColumn)];
  const packed = packBins(columns.filter((bins) => bins.kind === 'numeric'));
  let next = 0;
  const [packedScore, ...packedFeatures] = columns.map((bins) => (bins.kind === 'numeric' ? packed[next++]! : bins));
  return { id, score: packedScore as NumericBins, features: packedFeatures, outlierFences: fences };
}

/** What rows are counted under before a baseline exists: presence and type only. */
export function emptyScheme(): Omit<BinScheme, 'id'> {
  return { score: unbinned(), features: [], outlierFences: [] };
}

function serialiseColumn(bins: ColumnBins): unknown {
  return bins.kind === 'numeric' ? serialiseNumericBins(bins) : { kind: 'categorical', categories: bins.categories };
}

function parseColumn(payload: unknown): ColumnBins {
  const column = payload as { readonly kind: string; readonly categories?: readonly string[] };
  return column.kind === 'categorical' ? categoryBins(column.categories ?? []) : parseNumericBins(payload);
}
