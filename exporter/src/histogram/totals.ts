import type { FeatureSettings } from '../domain/settings.ts';
import { MISSING, NOT_FINITE, TYPE_ERROR, nextDown } from './bin-scheme.ts';
import { OTHER } from './categories.ts';
import { cellOfCode, NO_CELL } from './cells.ts';
import { ABSENT, CLASS_COLUMN, FIRST_FEATURE_COLUMN } from './model-columns.ts';
import type { BinScheme, FeatureColumn } from './model-columns.ts';
import type { PerformanceCounts } from './performance-counts.ts';
import type { CellSink } from './sparse-codec.ts';
import { Traffic } from './traffic.ts';

/** What a row counts as for a feature, for ever: always VALUE (the denominator of the rest), and any issue it has. */
const VALUE = 0;
const MISSING_VALUE = 1;
const WRONG_TYPE = 2;
const OUT_OF_RANGE = 3;
const UNSEEN = 4;
const OUTLIER = 5;
const KINDS = 6;

/**
 * Counters of one model version since it was first seen. They are fed by the same deltas as the windows and stored by the same
 * fold, so that they neither forget nor count twice.
 */
export class StatisticsTotals {
  readonly traffic = new Traffic();
  /** Rows by class code. */
  readonly classes = new Map<number, number>();
  /** features[feature * KINDS + kind], by order of registration. */
  features: number[] = [];
  /**
   * Rows by feature << 8 | coarse cell, of models whose bins are exposed, since `binScheme` is the scheme they are counted under. Another
   * scheme has other cells: the counters begin again, which Prometheus takes for the reset that it is.
   */
  readonly bins = new Map<number, number>();
  binScheme = 0;
  /** Labels joined; confusion and delays of new labels (corrections do not undo what was counted). */
  labels = 0;
  readonly confusion = new Map<number, number>();
  readonly delays = new Map<number, number>();
  delaySum = 0;
  lastPredictionMs = NaN;
  lastLabelMs = NaN;

  addCell(column: number, code: number, rows: number, marks: CellMarks): void {
    if (column === CLASS_COLUMN) {
      if (code < MISSING) this.classes.set(code, (this.classes.get(code) ?? 0) + rows);
      return;
    }
    if (column < FIRST_FEATURE_COLUMN || code === ABSENT) return;
    const at = (column - FIRST_FEATURE_COLUMN) * KINDS;
    while (this.features.length < at + KINDS) this.features.push(0);
    const bits = marks.of(column, code);
    const cell = marks.cellOf(column, code);
    if (cell !== NO_CELL) this.addBin(marks.schemeId, ((column - FIRST_FEATURE_COLUMN) << 8) | cell, rows);
    for (let kind = VALUE; kind < KINDS; kind++) if ((bits & (1 << kind)) !== 0) this.features[at + kind]! += rows;
  }

  /** Schemes have rising ids: a delta of an older one may be applied late, and has no cells to count in. */
  private addBin(schemeId: number, key: number, rows: number): void {
    if (schemeId < this.binScheme) return;
    if (schemeId > this.binScheme) {
      this.bins.clear();
      this.binScheme = schemeId;
    }
    this.bins.set(key, (this.bins.get(key) ?? 0) + rows);
  }

  addLabels(counts: PerformanceCounts, newestLabelMs: number): void {
    this.labels += counts.labelled;
    for (const [key, count] of counts.confusion) this.confusion.set(key, (this.confusion.get(key) ?? 0) + count);
    for (const [code, count] of counts.delays) this.delays.set(code, (this.delays.get(code) ?? 0) + count);
    this.delaySum += counts.delaySum;
    this.lastLabelMs = later(this.lastLabelMs, newestLabelMs);
  }

  sawPrediction(newestMs: number): void {
    this.lastPredictionMs = later(this.lastPredictionMs, newestMs);
  }

  /** @param feature order of registration */
  ofFeature(feature: number): FeatureIssueTotals {
    const of = (kind: number) => this.features[feature * KINDS + kind] ?? 0;
    return {
      values: of(VALUE),
      missing: of(MISSING_VALUE),
      typeErrors: of(WRONG_TYPE),
      outOfRange: of(OUT_OF_RANGE),
      unseenCategories: of(UNSEEN),
      outliers: of(OUTLIER),
    };
  }

  toJson(): string {
    const { traffic } = this;
    return JSON.stringify({
      rows: traffic.rows,
      errors: [...traffic.errors],
      latencyRows: traffic.latencyRows,
      latencySum: traffic.latencySum,
      latency: [...traffic.latency],
      classes: [...this.classes],
      features: this.features,
      ...(this.bins.size === 0 ? {} : { bins: [...this.bins], binScheme: this.binScheme }),
      labels: this.labels,
      confusion: [...this.confusion],
      delays: [...this.delays],
      delaySum: this.delaySum,
      lastPredictionMs: this.lastPredictionMs,
      lastLabelMs: this.lastLabelMs,
    });
  }

  static fromJson(stored: StoredTotals): StatisticsTotals {
    const totals = new StatisticsTotals();
    totals.traffic.rows = stored.rows;
    totals.traffic.latencyRows = stored.latencyRows;
    totals.traffic.latencySum = stored.latencySum;
    fill(totals.traffic.errors, stored.errors);
    fill(totals.traffic.latency, stored.latency);
    fill(totals.classes, stored.classes);
    totals.features = [...stored.features];
    fill(totals.bins, stored.bins ?? []);
    totals.binScheme = stored.binScheme ?? 0;
    totals.labels = stored.labels;
    fill(totals.confusion, stored.confusion);
    fill(totals.delays, stored.delays);
    totals.delaySum = stored.delaySum;
    // JSON has no NaN: it was stored as null.
    totals.lastPredictionMs = stored.lastPredictionMs ?? NaN;
    totals.lastLabelMs = stored.lastLabelMs ?? NaN;
    return totals;
  }
}

export interface FeatureIssueTotals {
  readonly values: number;
  readonly missing: number;
  readonly typeErrors: number;
  readonly outOfRange: number;
  readonly unseenCategories: number;
  readonly outliers: number;
}

type Pairs = readonly (readonly [number, number])[];

export interface StoredTotals {
  readonly rows: number;
  readonly errors: Pairs;
  readonly latencyRows: number;
  readonly latencySum: number;
  readonly latency: Pairs;
  readonly classes: Pairs;
  readonly features: readonly number[];
  /** Absent while the model's bins are not exposed. */
  readonly bins?: Pairs;
  readonly binScheme?: number;
  readonly labels: number;
  readonly confusion: Pairs;
  readonly delays: Pairs;
  readonly delaySum: number;
  readonly lastPredictionMs: number | null;
  readonly lastLabelMs: number | null;
}

/** What each cell of a scheme means for the totals, as bits by column and code; made once a scheme. */
export class CellMarks {
  readonly schemeId: number;
  private readonly bits: Uint8Array;
  /** Coarse cell by column and code; null unless the bins are exposed. */
  private readonly cells: Uint8Array | null;

  constructor(
    scheme: BinScheme,
    columns: readonly FeatureColumn[],
    declared: ReadonlyMap<string, FeatureSettings>,
    exposeBins = false,
  ) {
    this.schemeId = scheme.id;
    const size = (FIRST_FEATURE_COLUMN + columns.length) << 8;
    this.bits = new Uint8Array(size);
    this.cells = exposeBins ? new Uint8Array(size).fill(NO_CELL) : null;
    for (const feature of columns) {
      this.markFeature(scheme, feature, declared.get(feature.name));
      this.markCells(scheme, feature);
    }
  }

  of(column: number, code: number): number {
    return this.bits[(column << 8) | code] ?? 1 << VALUE;
  }

  cellOf(column: number, code: number): number {
    return this.cells === null ? NO_CELL : (this.cells[(column << 8) | code] ?? NO_CELL);
  }

  private markCells(scheme: BinScheme, { column }: FeatureColumn): void {
    const bins = scheme.features[column - FIRST_FEATURE_COLUMN];
    if (bins === undefined || this.cells === null) return;
    for (let code = 0; code < MISSING; code++) this.cells[(column << 8) | code] = cellOfCode(bins, code);
  }

  private markFeature(scheme: BinScheme, { column }: FeatureColumn, declared: FeatureSettings | undefined): void {
    const at = column << 8;
    const position = column - FIRST_FEATURE_COLUMN;
    const bins = scheme.features[position];
    for (let code = 0; code < MISSING; code++) this.bits[at | code] = 1 << VALUE;
    this.bits[at | MISSING] = (1 << VALUE) | (1 << MISSING_VALUE);
    this.bits[at | TYPE_ERROR] = (1 << VALUE) | (1 << WRONG_TYPE);
    this.bits[at | NOT_FINITE] = (1 << VALUE) | (1 << OUT_OF_RANGE);
    if (bins?.kind === 'categorical') {
      if (bins.frozen) this.bits[at | OTHER] = (1 << VALUE) | (1 << UNSEEN);
      return;
    }
    if (bins === undefined) return;
    const fences = scheme.outlierFences[position] ?? null;
    for (let code = 0; code <= bins.edges.length; code++) {
      const low = code === 0 ? -Infinity : bins.edges[code - 1]!;
      const high = bins.edges[code] ?? Infinity;
      const outside = isOutside(low, high, declared?.min, declared?.max);
      const outlier = fences !== null && (high <= fences[0] || low >= fences[1]);
      this.bits[at | code] = (1 << VALUE) | (outside ? 1 << OUT_OF_RANGE : 0) | (outlier ? 1 << OUTLIER : 0);
    }
  }
}

/** The bin (low, high] lies outside the valid range; nextDown(min) and max are edges, so no bin is half in. */
function isOutside(low: number, high: number, min: number | undefined, max: number | undefined): boolean {
  return (min !== undefined && high <= nextDown(min)) || (max !== undefined && low >= max);
}

/** Feeds the cells of one scheme to a version's totals. */
export function cellSink(totals: StatisticsTotals, marks: CellMarks): CellSink {
  return { count: (column, code, rows) => totals.addCell(column, code, rows, marks) };
}

function later(a: number, b: number): number {
  return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b);
}

function fill(map: { set(key: number, count: number): unknown }, pairs: Pairs): void {
  for (const [key, count] of pairs) map.set(key, count);
}
