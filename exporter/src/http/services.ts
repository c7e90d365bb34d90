import type { AuditEntry } from './audit.ts';
import type { Maintenance } from '../alerting/alertmanager.ts';
import type { BackTest } from '../alerting/back-test.ts';
import type { Effectiveness } from '../alerting/effectiveness.ts';
import type { RecordReply } from '../alerting/record-notification.ts';
import type { TimelineEvent } from '../alerting/timeline.ts';
import type { AlertFilter, StoredAlert, Verdict } from '../domain/alert.ts';
import type { BusinessMetricsReply, RawBusinessValue } from '../domain/business-metric.ts';
import type { BaselineDescription, BaselineRow } from '../domain/baseline.ts';
import type { FeatureDistribution } from '../domain/feature-distribution.ts';
import type { ModelDeclaration, ModelDescription } from '../domain/model.ts';
import type { HealthPoint, HistoryQuery } from '../domain/health-history.ts';
import type { ModelReport } from '../domain/model-report.ts';
import type {
  DecodedRows,
  ForeignReply,
  GroundTruthReply,
  PredictionsReply,
  RawGroundTruth,
  RawPrediction,
} from '../domain/prediction.ts';
import type { Job, JobEvent, RegistryEntry, RetrainingNeed, Routing } from '../domain/retraining.ts';
import type { Limits } from '../domain/settings.ts';
import type { ForeignEvents } from '../intake/formats/foreign-events.ts';
import type { ColumnRoles, KnownRoles } from '../intake/formats/bentoml.ts';
import type { WeeklyContext, WeeklyReport } from './weekly-report-shape.ts';

/** What the routes call. The composition root fills it; tests fill it with fakes that keep the same promises. */
export interface Services {
  readonly limits: () => Limits;
  /** Resolves only after the rows are committed. Rejects with ServiceError unavailable or overloaded. */
  readonly predictions: (decoded: DecodedRows<RawPrediction>) => Promise<PredictionsReply>;
  readonly groundTruth: (decoded: DecodedRows<RawGroundTruth>) => Promise<GroundTruthReply>;
  readonly businessMetrics: (decoded: DecodedRows<RawBusinessValue>) => Promise<BusinessMetricsReply>;
  /** Events of a foreign format; resolves only after they are committed. */
  readonly foreignEvents: (source: string, events: ForeignEvents) => Promise<ForeignReply>;
  /** What senders told of their columns. */
  readonly senderRoles: KnownRoles & {
    load(): Promise<void>;
    learn(told: ReadonlyMap<string, ColumnRoles>): Promise<void>;
  };
  /** Latest evaluation of every model version, in order of name. */
  readonly reports: () => readonly ModelReport[];
  /** What is kept of the past. Reject with ServiceError unavailable. */
  readonly history: {
    readonly health: (query: HistoryQuery) => Promise<readonly HealthPoint[]>;
    /** Predictions by model in [from, to). */
    readonly predictions: (fromMs: number, toMs: number) => Promise<ReadonlyMap<string, number>>;
  };
  /** As it is stored, or made on the spot for a week that is not. `weekMs`: Monday 00:00 UTC. Rejects with ServiceError unavailable. */
  readonly weekly: (
    model: string,
    weekMs: number,
  ) => Promise<{ readonly report: WeeklyReport; readonly context: WeeklyContext }>;
  /** `version` undefined: the busiest; `window` as text such as `24h`, undefined: that of data_drift. Rejects with not_found, invalid. */
  readonly distribution: (request: {
    readonly model: string;
    readonly version: string | undefined;
    readonly feature: string;
    readonly window: string | undefined;
  }) => Promise<FeatureDistribution>;
  readonly models: {
    readonly list: () => Promise<readonly ModelDescription[]>;
    readonly get: (model: string) => Promise<ModelDescription>;
    readonly declare: (model: string, declaration: ModelDeclaration) => Promise<ModelDescription>;
    readonly remove: (model: string) => Promise<void>;
    /** One prediction and its label; returns rows erased. */
    readonly erase: (model: string, predictionId: string) => Promise<number>;
  };
  readonly baselines: {
    readonly upload: (model: string, version: string, rows: AsyncIterable<BaselineRow>) => Promise<BaselineDescription>;
    readonly capture: (model: string, version: string, fromMs: number, toMs: number) => Promise<BaselineDescription>;
    readonly active: (model: string, version: string) => Promise<BaselineDescription>;
    readonly history: (model: string, version: string) => Promise<readonly BaselineDescription[]>;
  };
  readonly retraining: RetrainingServices;
  readonly alerts: AlertServices;
  readonly trainers: TrainerServices;
  readonly exposition: (accept: string | undefined, acceptEncoding: string | undefined) => Promise<Exposition>;
  /** null when ready, else why not. */
  readonly notReady: () => string | null;
  /** null when this process evaluates the models, else why its reports are not to be asked for. */
  readonly notLeader: () => string | null;
  /** Keeps who did what as `admin`. */
  readonly audit: (entry: AuditEntry) => void;
  readonly auditedBefore: (beforeMs: number) => Promise<readonly (AuditEntry & { readonly atMs: number })[]>;
  /** Every configuration error, empty when the new configuration is in force. */
  readonly reload: () => readonly string[];
  /** The configuration in force, without secrets, as YAML. */
  readonly redactedConfig: () => string;
}

/** Jobs of retraining. Reject with ServiceError not_found, conflict or unavailable. */
export interface RetrainingServices {
  readonly request: (
    model: string,
    asked: { readonly reason: string; readonly requestedBy: string; readonly overrideCooldown: boolean },
  ) => Promise<{ readonly jobId: string; readonly created: boolean }>;
  readonly need: (model: string) => Promise<RetrainingNeed>;
  readonly jobs: (options: { readonly model?: string; readonly limit: number }) => Promise<readonly Job[]>;
  readonly job: (id: string) => Promise<{ readonly job: Job; readonly events: readonly JobEvent[] }>;
  readonly decide: (id: string, verdict: 'approved' | 'rejected', by: string, note: string) => Promise<void>;
  readonly cancel: (id: string, by: string) => Promise<void>;
  readonly pause: (id: string, paused: boolean, by: string) => Promise<void>;
  readonly registry: (model: string) => Promise<readonly RegistryEntry[]>;
  /** gzip of a model that the embedded trainer made; null: it made no such version. */
  readonly artefact: (model: string, version: string) => Promise<Buffer | null>;
  readonly routing: (model: string) => Promise<Routing>;
}

/** What trainers call; each call proves by itself that it may. */
export interface TrainerServices {
  readonly callback: (
    jobId: string,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
    body: Buffer,
  ) => Promise<
    | { readonly status: 200; readonly body: Readonly<Record<string, unknown>> }
    | { readonly status: 401 | 409; readonly detail: string }
  >;
  /** null: not signed, expired, or not to be had. */
  readonly data: (
    jobId: string,
    part: 'train' | 'test' | 'holdout',
    query: { readonly expires: number; readonly signature: string },
  ) => Promise<AsyncIterable<Buffer> | null>;
  readonly mayUpload: (jobId: string, authorization: string | undefined) => Promise<boolean>;
  /** Rows that were kept. */
  readonly predictions: (jobId: string, body: Buffer) => Promise<number>;
}

export interface Exposition {
  readonly contentType: string;
  /** null: not encoded. */
  readonly contentEncoding: string | null;
  readonly body: Buffer;
}

/** Times are epoch milliseconds, ranges half-open. */
export interface AlertServices {
  /** A webhook message of Alertmanager, parsed. Resolves only after it is committed. */
  readonly receive: (message: unknown) => Promise<RecordReply>;
  /** Newest first; `cursor` is the `next` of the page before. */
  readonly list: (
    filter: AlertFilter,
    limit: number,
    cursor?: string,
  ) => Promise<{ readonly alerts: readonly StoredAlert[]; readonly next: string | null }>;
  readonly get: (id: string) => Promise<StoredAlert>;
  readonly acknowledge: (id: string, by: string, note: string) => Promise<void>;
  readonly decide: (id: string, verdict: Verdict, by: string, note: string) => Promise<void>;
  readonly effectiveness: (model: string | undefined, fromMs: number, toMs: number) => Promise<Effectiveness>;
  readonly backTest: (question: BackTestQuestion) => Promise<BackTest>;
  readonly timeline: (model: string, fromMs: number, toMs: number) => Promise<readonly TimelineEvent[]>;
  /** Rejects with ServiceError conflict while no Alertmanager is configured. */
  readonly maintenance: {
    readonly list: () => Promise<readonly Maintenance[]>;
    readonly start: (window: Omit<Maintenance, 'id' | 'state'>) => Promise<string>;
    readonly end: (id: string) => Promise<void>;
  };
}

export interface BackTestQuestion {
  readonly model: string;
  readonly version: string;
  readonly signal: string;
  readonly threshold: number;
  readonly fromMs: number;
  readonly toMs: number;
}
