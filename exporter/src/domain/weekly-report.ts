import type { StoredAlert } from './alert.ts';
import type { HealthPoint } from './health-history.ts';
import type { ModelReport } from './model-report.ts';
import type { Job } from './retraining.ts';

/** Everything that is known of one week of a model, as of when it was made. Weeks are UTC's, from Monday. */
export interface WeeklyFacts {
  readonly model: string;
  readonly weekMs: number;
  readonly madeAtMs: number;
  /** Of all versions. */
  readonly predictions: number;
  /** The six checks over the whole week, by version: the one with most predictions first. Empty for a model without versions. */
  readonly versions: readonly ModelReport[];
  /** Stored evaluations of the first version. */
  readonly history: readonly Pick<HealthPoint, 'evaluatedAtMs' | 'score'>[];
  /** Alerts that fired at some time of the week. */
  readonly incidents: readonly StoredAlert[];
  /** Jobs that were under way at some time of the week. */
  readonly jobs: readonly Job[];
}

/** What is correlated with business figures, of the busiest version of a week. NaN: not known. */
export interface WeekFigures {
  readonly weekMs: number;
  /** 0-100. */
  readonly healthScore: number;
  /** Accuracy, or the mean absolute error of a regression. */
  readonly performance: number;
  /** The largest KL divergence of a feature, in nats. */
  readonly drift: number;
}

/** One figure of the model against one of the business, week by week. */
export interface BusinessCorrelation {
  readonly figure: 'overall_health' | 'performance' | 'drift';
  /** Weeks that have both. */
  readonly weeks: number;
  /** Spearman's, with its 95 % interval; NaN with a reason. */
  readonly coefficient: number;
  readonly lower: number;
  readonly upper: number;
  /** Why there is no coefficient, or why it says nothing; null: the interval is on one side of zero. */
  readonly reason: string | null;
}
