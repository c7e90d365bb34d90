// Depends on nothing but fetch: copy this file, or import it, into whatever shows the health of models or acts on it.

export interface MLDashboardOptions {
  /** Such as http://127.0.0.1:9477 */
  readonly url: string;
  /** Bearer token of scope read (and admin, for triggerRetraining). */
  readonly token?: string;
}

/** A check in alert now. */
export interface ActiveAlert {
  readonly model: string;
  readonly version: string;
  readonly check: string;
  readonly severity: string;
  /** The figure that a person would ask for; '' when the check says it all. */
  readonly detail: string;
  readonly evaluated_at: string;
}

export interface ModelOnDashboard {
  /** The version with most predictions. */
  readonly version: string;
  /** 0-100; null when no check has data. */
  readonly overall_health: number | null;
  readonly level: string;
  readonly coverage: number;
  readonly severity: string;
  /** In the range. */
  readonly predictions: number;
  readonly history: readonly {
    readonly at: string;
    readonly overall_health: number | null;
    readonly severity: string;
  }[];
}

export interface DashboardMetrics {
  readonly range: string;
  readonly from: string;
  readonly to: string;
  readonly totalPredictions: number;
  /** Mean score of the predicted class, 0..1; null when no model sends scores. */
  readonly avgConfidence: number | null;
  readonly activeAlerts: readonly ActiveAlert[];
  readonly models: Readonly<Record<string, ModelOnDashboard>>;
}

export interface ModelHealthScore {
  readonly version: string;
  readonly overall_health: number | null;
  readonly level: string;
  readonly coverage: number;
  readonly severity: string;
  readonly checks: Readonly<Record<string, Readonly<Record<string, unknown>> & { state: string; alert: boolean }>>;
}

/** One week of a model; all fields are described at /docs/ml. */
export interface WeeklyReport {
  readonly model: string;
  /** Such as 2026-W48: UTC's, from Monday. */
  readonly week: string;
  /** Whether the week was over when the report was made. */
  readonly complete: boolean;
  readonly version: string | null;
  readonly predictions: number;
  readonly overall_health: number | null;
  readonly level: string;
  readonly severity: string;
  readonly label_coverage: number | null;
  readonly checks: Readonly<Record<string, Readonly<Record<string, unknown>> & { state: string; alert: boolean }>>;
  readonly drift_ranking: readonly Readonly<Record<string, unknown>>[];
  readonly incidents: readonly Readonly<Record<string, unknown>>[];
  readonly jobs: readonly Readonly<Record<string, unknown>>[];
  /** How business figures go along with the model, over up to 52 weeks. */
  readonly business: readonly {
    readonly name: string;
    readonly mean: number | null;
    readonly values: number;
    readonly correlations: readonly {
      readonly figure: 'overall_health' | 'performance' | 'drift';
      readonly weeks: number;
      /** null where there are too few weeks; `reason` says so. */
      readonly coefficient: number | null;
      readonly interval: readonly [number, number] | null;
      readonly reason: string | null;
    }[];
  }[];
}

export interface RetrainingReason {
  readonly code: string;
  readonly observed: number | null;
  readonly threshold: number | null;
  /** Such as `86400s`; null where there is none. */
  readonly window: string | null;
  readonly samples: number | null;
  readonly note?: string;
}

/** GET /api/ml/retrain/:model/needed */
export interface RetrainingNeed {
  readonly model: string;
  readonly needed: boolean;
  readonly reasons: readonly RetrainingReason[];
  readonly suggestions: readonly RetrainingReason[];
  readonly blockedBy: readonly string[];
}

/** A job; all its fields are described at GET /api/ml/retrain/jobs/:id. */
export interface RetrainingJob extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly model: string;
  readonly state: string;
  readonly reasons: readonly RetrainingReason[];
  /** RFC 3339; finished_at is null while it is under way. */
  readonly created_at: string;
  readonly finished_at: string | null;
}

/** A version that a job brought forth; all its fields are described at GET /api/ml/models/:model/registry. */
export interface RegisteredVersion extends Readonly<Record<string, unknown>> {
  readonly version: string;
  readonly stage: 'candidate' | 'champion' | 'retired' | 'rejected' | 'rolled_back';
  /** Of the job. */
  readonly job: string;
  /** Where the artefact lies, as its trainer says; '' where it does not. */
  readonly uri: string;
  readonly sha256: string | null;
}

/** Who should get the traffic. */
export interface ModelRouting {
  readonly champion: { readonly version: string };
  /** null while no rollout is under way. `percent` of 0: a shadow, which gets copies whose answers nobody uses. */
  readonly candidate: {
    readonly version: string;
    readonly uri: string;
    readonly percent: number;
    readonly shadow: boolean;
  } | null;
}

/** What a dashboard of one's own asks of the exporter. Every call rejects with an Error in the exporter's own words. */
export class MLDashboardService {
  private readonly options: MLDashboardOptions;

  constructor(options: MLDashboardOptions) {
    this.options = options;
  }

  /** @param range such as `24h` or `7d` */
  getDashboardMetrics(range = '7d'): Promise<DashboardMetrics> {
    return this.call<DashboardMetrics>(`/api/ml/dashboard?range=${encodeURIComponent(range)}`);
  }

  /** By model. */
  getModelHealthScores(): Promise<Readonly<Record<string, ModelHealthScore>>> {
    return this.call<Readonly<Record<string, ModelHealthScore>>>('/api/ml/health');
  }

  /** @param week such as `2026-W48`, or a day in it; default: the last week that is over */
  getWeeklyReport(model: string, week?: string): Promise<WeeklyReport> {
    const query = week === undefined ? '' : `?week=${encodeURIComponent(week)}`;
    return this.call<WeeklyReport>(`/api/ml/reports/${encodeURIComponent(model)}${query}`);
  }

  /**
   * @param overrideCooldown whether to start in spite of the cool-down, which stands in the job's reasons
   * @returns the job, which may be one that was under way; `created` says so
   */
  triggerRetraining(
    model: string,
    reason: string,
    overrideCooldown = false,
  ): Promise<{ readonly jobId: string; readonly created: boolean }> {
    const override = overrideCooldown ? { override_cooldown: true } : {};
    return this.call(`/api/ml/retrain/${encodeURIComponent(model)}`, { reason, ...override });
  }

  /** Whether a model is due for retraining, why, and what keeps a job from starting by itself. */
  retrainingNeeded(model: string): Promise<RetrainingNeed> {
    return this.call<RetrainingNeed>(`/api/ml/retrain/${encodeURIComponent(model)}/needed`);
  }

  /** Jobs, newest first, of all models or of one. */
  async getRetrainingHistory(limit = 10, model?: string): Promise<readonly RetrainingJob[]> {
    const of = model === undefined ? '' : `&model=${encodeURIComponent(model)}`;
    return (await this.call<{ jobs: RetrainingJob[] }>(`/api/ml/retrain/jobs?limit=${limit}${of}`)).jobs;
  }

  /** One job with every event, its data, gate figures and stages. */
  retrainingJob(id: string): Promise<RetrainingJob> {
    return this.call<RetrainingJob>(`/api/ml/retrain/jobs/${encodeURIComponent(id)}`);
  }

  /** What a person may do about a job that is under way; approve and reject when its candidate waits for that. */
  async decideRetraining(
    id: string,
    action: 'approve' | 'reject' | 'cancel' | 'pause' | 'resume',
    note?: string,
  ): Promise<void> {
    const noted = note !== undefined && (action === 'approve' || action === 'reject') ? { note } : {};
    const [verb, body] = action === 'resume' ? ['pause', { paused: false }] : [action, noted];
    await this.call(`/api/ml/retrain/jobs/${encodeURIComponent(id)}/${verb}`, body);
  }

  /** Every version that a job brought forth. */
  async modelRegistry(model: string): Promise<readonly RegisteredVersion[]> {
    const of = `/api/ml/models/${encodeURIComponent(model)}/registry`;
    return (await this.call<{ versions: RegisteredVersion[] }>(of)).versions;
  }

  modelRouting(model: string): Promise<ModelRouting> {
    return this.call<ModelRouting>(`/api/ml/models/${encodeURIComponent(model)}/routing`);
  }

  private async call<T>(path: string, body?: unknown): Promise<T> {
    const { url, token } = this.options;
    const response = await fetch(url.replace(/\/+$/, '') + path, {
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    if (response.ok) return (await response.json()) as T;
    const problem = (await response.json().catch(() => ({}))) as { title?: string; detail?: string };
    throw new Error(`${response.status} ${problem.title ?? response.statusText}: ${problem.detail ?? 'no details'}`);
  }
}
