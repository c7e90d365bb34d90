import type { BusinessCorrelation } from '../domain/weekly-report.ts';

type Json = Readonly<Record<string, unknown>>;

/** A weekly report as it is stored: in the words of the API, so that it can be read whatever becomes of the code. */
export interface WeeklyReport {
  readonly model: string;
  readonly week: string;
  readonly from: string;
  readonly to: string;
  readonly made_at: string;
  /** Whether the week was over. */
  readonly complete: boolean;
  readonly version: string | null;
  readonly task: string;
  /** Of all versions; `counted_predictions` of them were counted under the bins that the checks rest on. */
  readonly predictions: number;
  readonly counted_predictions: number;
  readonly overall_health: number | null;
  readonly level: string;
  readonly coverage: number | null;
  readonly severity: string;
  readonly recommendation: { readonly action: string; readonly reasons: readonly string[] };
  readonly label_coverage: number | null;
  readonly baseline: {
    readonly kind: string;
    readonly made_at: string | null;
    readonly age_days: number | null;
    readonly rows: number;
    readonly reason: string | null;
  };
  readonly checks: Readonly<Record<string, Json & { readonly state: string; readonly samples: number }>>;
  /** The most drifted feature first. */
  readonly drift_ranking: readonly Json[];
  readonly incidents: readonly Json[];
  readonly jobs: readonly Json[];
  readonly history: readonly { readonly at: string; readonly overall_health: number | null }[];
  readonly versions: readonly {
    readonly version: string;
    readonly predictions: number;
    readonly overall_health: number | null;
    readonly level: string;
  }[];
}

export interface BusinessReport {
  readonly name: string;
  /** Within the week. */
  readonly mean: number | null;
  readonly values: number;
  readonly correlations: readonly {
    readonly figure: BusinessCorrelation['figure'];
    readonly weeks: number;
    readonly coefficient: number | null;
    readonly interval: readonly [number, number] | null;
    readonly reason: string | null;
  }[];
}

/** What stands beside a stored report: it is computed anew, because business figures may come late or be corrected. */
export interface WeeklyContext {
  readonly business: readonly BusinessReport[];
  readonly previous: { readonly week: string; readonly overall_health: number | null } | null;
  /** Names of the weeks that are stored, the newest first. */
  readonly stored_weeks: readonly string[];
}
