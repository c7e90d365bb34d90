import type { DataQualityOutcome, QualityIssue, QualityIssueType } from '../domain/health.ts';
import type { FeatureSettings } from '../domain/settings.ts';
import { MISSING, nextDown, NOT_FINITE, TYPE_ERROR } from '../histogram/bin-scheme.ts';
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
      const cells = cellsOf(context, feature);
      const now = issueCounts(features.column(feature.column), cells);
      // Rows from before the feature was registered are not its rows.
      if (now.rows < settings.minimumSamples.report) continue;
      judged++;
      baseline?.features.ensureColumns(feature.column + 1);
      const then = baseline === null ? null : issueCounts(baseline.features.column(feature.column), cells);
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

type IssueCounts = Readonly<Record<QualityIssueType, number>> & { readonly rows: number };

/** The bins that lie wholly outside the valid range and the fences; both are edges, so no bin is half in. */
interface IssueCells {
  readonly bins: number;
  readonly outOfRange: (code: number) => boolean;
  readonly outlier: (code: number) => boolean;
  readonly unseen: boolean;
}

function cellsOf({ scheme, settings }: ModelContext, { name, column }: FeatureColumn): IssueCells {
  const position = column - FIRST_FEATURE_COLUMN;
  const bins: ColumnBins | undefined = scheme.features[position];
  if (bins?.kind !== 'numeric')
    return { bins: 0, outOfRange: () => false, outlier: () => false, unseen: bins?.frozen === true };
  const declared: FeatureSettings = settings.features.get(name) ?? {};
  const fences = scheme.outlierFences[position] ?? null;
  const low = declared.min === undefined ? -Infinity : nextDown(declared.min);
  const high = declared.max ?? Infinity;
  const lowerEdge = (code: number) => (code === 0 ? -Infinity : bins.edges[code - 1]!);
  const upperEdge = (code: number) => bins.edges[code] ?? Infinity;
  return {
    bins: bins.edges.length + 1,
    outOfRange: (code) => upperEdge(code) <= low || lowerEdge(code) >= high,
    outlier: (code) => fences !== null && (upperEdge(code) <= fences[0] || lowerEdge(code) >= fences[1]),
    unseen: false,
  };
}

function issueCounts(counts: Uint32Array, cells: IssueCells): IssueCounts {
  let rows = 0;
  for (let code = 0; code < ABSENT; code++) rows += counts[code]!;
  let outOfRange = counts[NOT_FINITE]!;
  let outlier = 0;
  for (let code = 0; code < cells.bins; code++) {
    const count = counts[code]!;
    if (count === 0) continue;
    if (cells.outOfRange(code)) outOfRange += count;
    if (cells.outlier(code)) outlier += count;
  }
  return {
    rows,
    missing: counts[MISSING]!,
    type_error: counts[TYPE_ERROR]!,
    out_of_range: outOfRange,
    outlier,
    unseen_category: cells.unseen ? counts[OTHER]! : 0,
  };
}

interface Comparison {
  readonly share: number;
  readonly baselineShare: number;
  readonly excess: number;
  readonly significant: boolean;
}

/** A baseline that does not have the feature is one without the issue, as large as the window. */
function compare(type: QualityIssueType, now: IssueCounts, then: IssueCounts | null): Comparison | null {
  if (now.rows === 0 || now[type] === 0) return null;
  const known = then !== null && then.rows > 0 ? then : null;
  const share = now[type] / now.rows;
  const baselineShare = known === null ? 0 : known[type] / known.rows;
  const p = twoProportionPValue(now[type], now.rows, known?.[type] ?? 0, known?.rows ?? now.rows);
  return { share, baselineShare, excess: share - baselineShare, significant: p < SIGNIFICANT_P };
}
