import type { DataQualityOutcome, QualityIssue, QualityIssueType } from '../domain/health.ts';
import type { FeatureSettings } from '../domain/settings.ts';
import { MISSING, nextDown, NOT_FINITE, TYPE_ERROR } from '../histogram/bin-scheme.ts';
import { binOf } from '../histogram/binner.ts';
import { OTHER } from '../histogram/categories.ts';
import { ABSENT, FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { ColumnBins, FeatureColumn } from '../histogram/model-columns.ts';
import { twoProportionPValue } from '../statistics/hypothesis.ts';
import type { Check, ModelContext, ModelCounts } from './check.ts';
import { INSUFFICIENT, SIGNIFICANT_P, stateOf, tooFew } from './gate.ts';
import { ramp } from './ramp.ts';

/** Per feature: missing values, wrong types, values out of range, unseen categories, outliers; each share against the baseline's own. */
export const dataQuality: Check<DataQualityOutcome> = {
  name: 'data_quality',
  needs: ['features'],
  evaluate(context: ModelContext, { features }: ModelCounts, windowMs: number): DataQualityOutcome {
    const { settings, baseline } = context;
    const lacking =
      context.columns.length === 0
        ? 'the predictions carry no features'
        : tooFew(features.rows, settings.minimumSamples, 'predictions');
    const common = { windowMs, samples: features.rows };
    if (lacking !== null) return { ...INSUFFICIENT, ...common, reason: lacking, issues: [], largestExcess: 0 };
    const threshold = settings.thresholds.dataQuality;
    let worst = 0;
    let largestExcess = 0;
    let judged = 0;
    const finding = { alert: false, warning: false, samples: 0 };
    const issues: QualityIssue[] = [];
    for (const feature of context.columns) {
      const column = features.column(feature.column);
      // Rows from before the feature was registered are not its rows.
      if (!hasRows(column, settings.minimumSamples.report)) continue;
      judged++;
      const cells = cellsOf(context, feature);
      const found = issueCounts(column, cells);
      // Most features have no issue to count the rows for, and to look up in the baseline.
      if (ISSUE_TYPES.every((type) => found[type] === 0)) continue;
      const now = { ...found, rows: sum(column, 0, ABSENT) };
      baseline?.features.ensureColumns(feature.column + 1);
      const before = baseline?.features.column(feature.column) ?? null;
      const then = before === null ? null : { ...issueCounts(before, cells), rows: sum(before, 0, ABSENT) };
      for (const type of ISSUE_TYPES) {
        const issue = compare(type, now, then);
        if (issue === null) continue;
        worst = Math.max(worst, issue.excess);
        if (issue.significant) largestExcess = Math.max(largestExcess, issue.excess);
        if (issue.excess <= threshold / 2) continue;
        issues.push({ type, feature: feature.name, share: issue.share, baselineShare: issue.baselineShare });
        if (!issue.significant) continue;
        finding.warning = true;
        if (issue.excess <= threshold) continue;
        finding.alert = true;
        finding.samples = Math.max(finding.samples, now.rows);
      }
    }
    if (judged === 0) {
      const reason = `no feature has ${settings.minimumSamples.report} rows in the window (${features.rows} predictions)`;
      return { ...INSUFFICIENT, ...common, reason, issues, largestExcess };
    }
    issues.sort((a, b) => b.share - b.baselineShare - (a.share - a.baselineShare));
    return {
      state: stateOf(finding, settings.minimumSamples.alert),
      score: ramp(worst, threshold),
      ...common,
      reason: null,
      issues,
      largestExcess,
    };
  },
};

const ISSUE_TYPES: readonly QualityIssueType[] = [
  'missing',
  'type_error',
  'out_of_range',
  'unseen_category',
  'outlier',
];

type IssueCounts = Readonly<Record<QualityIssueType, number>>;
type ColumnCounts = IssueCounts & { readonly rows: number };

/** Bins beyond a range: those below `from`, and those from `to` on. */
interface Beyond {
  readonly from: number;
  readonly to: number;
}

/** The bins that lie wholly outside the valid range and the fences; both are edges, so no bin is half in. null: none does. */
interface IssueCells {
  readonly bins: number;
  readonly outOfRange: Beyond | null;
  readonly outlier: Beyond | null;
  readonly unseen: boolean;
}

function cellsOf({ scheme, settings }: ModelContext, { name, column }: FeatureColumn): IssueCells {
  const position = column - FIRST_FEATURE_COLUMN;
  const bins: ColumnBins | undefined = scheme.features[position];
  if (bins?.kind !== 'numeric') return { bins: 0, outOfRange: null, outlier: null, unseen: bins?.frozen === true };
  const declared: FeatureSettings | undefined = settings.features.get(name);
  const low = declared?.min === undefined ? -Infinity : nextDown(declared.min);
  const high = declared?.max ?? Infinity;
  const fences = scheme.outlierFences[position] ?? null;
  return {
    bins: bins.edges.length + 1,
    outOfRange: beyond(bins.edges, low, high),
    outlier: fences === null ? null : beyond(bins.edges, fences[0], fences[1]),
    unseen: false,
  };
}

/** Bins (a, b] with b <= low or a >= high. */
function beyond(edges: Float64Array, low: number, high: number): Beyond | null {
  if (low === -Infinity && high === Infinity) return null;
  const below = binOf(edges, low);
  return { from: edges[below] === low ? below + 1 : below, to: binOf(edges, high) + 1 };
}

function issueCounts(counts: ArrayLike<number>, cells: IssueCells): IssueCounts {
  return {
    missing: counts[MISSING]!,
    type_error: counts[TYPE_ERROR]!,
    out_of_range: counts[NOT_FINITE]! + sumBeyond(counts, cells.outOfRange, cells.bins),
    outlier: sumBeyond(counts, cells.outlier, cells.bins),
    unseen_category: cells.unseen ? counts[OTHER]! : 0,
  };
}

function sumBeyond(counts: ArrayLike<number>, range: Beyond | null, bins: number): number {
  return range === null ? 0 : sum(counts, 0, range.from) + sum(counts, range.to, bins);
}

/** Without reading on when there are enough. */
function hasRows(counts: ArrayLike<number>, least: number): boolean {
  let rows = 0;
  for (let code = 0; code < ABSENT && rows < least; code++) rows += counts[code]!;
  return rows >= least;
}

function sum(counts: ArrayLike<number>, from: number, to: number): number {
  let all = 0;
  for (let code = from; code < to; code++) all += counts[code]!;
  return all;
}

interface Comparison {
  readonly share: number;
  readonly baselineShare: number;
  readonly excess: number;
  readonly significant: boolean;
}

/** A baseline that does not have the feature is one without the issue, as large as the window. */
function compare(type: QualityIssueType, now: ColumnCounts, then: ColumnCounts | null): Comparison | null {
  if (now.rows === 0 || now[type] === 0) return null;
  const known = then !== null && then.rows > 0 ? then : null;
  const share = now[type] / now.rows;
  const baselineShare = known === null ? 0 : known[type] / known.rows;
  const p = twoProportionPValue(now[type], now.rows, known?.[type] ?? 0, known?.rows ?? now.rows);
  return { share, baselineShare, excess: share - baselineShare, significant: p < SIGNIFICANT_P };
}
