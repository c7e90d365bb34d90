import type { BaselineDescription, BaselineRow } from '../domain/baseline.ts';
import type { FeatureDistribution } from '../domain/feature-distribution.ts';
import type { ModelDeclaration, ModelDescription } from '../domain/model.ts';
import type { ModelReport } from '../domain/model-report.ts';
import type {
  DecodedRows,
  GroundTruthReply,
  PredictionsReply,
  RawGroundTruth,
  RawPrediction,
} from '../domain/prediction.ts';
import type { Limits } from '../domain/settings.ts';

/** What the routes call. The composition root fills it; tests fill it with fakes that keep the same promises. */
export interface Services {
  readonly limits: () => Limits;
  /** Resolves only after the rows are committed. Rejects with ServiceError unavailable or overloaded. */
  readonly predictions: (decoded: DecodedRows<RawPrediction>) => Promise<PredictionsReply>;
  readonly groundTruth: (decoded: DecodedRows<RawGroundTruth>) => Promise<GroundTruthReply>;
  /** Latest evaluation of every model version, in order of name. */
  readonly reports: () => readonly ModelReport[];
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
  };
  readonly baselines: {
    readonly upload: (model: string, version: string, rows: AsyncIterable<BaselineRow>) => Promise<BaselineDescription>;
    readonly capture: (model: string, version: string, fromMs: number, toMs: number) => Promise<BaselineDescription>;
    readonly active: (model: string, version: string) => Promise<BaselineDescription>;
    readonly history: (model: string, version: string) => Promise<readonly BaselineDescription[]>;
  };
  readonly exposition: (accept: string | undefined, acceptEncoding: string | undefined) => Promise<Exposition>;
  /** null when ready, else why not. */
  readonly notReady: () => string | null;
  /** null when this process evaluates the models, else why its reports are not to be asked for. */
  readonly notLeader: () => string | null;
  /** Every configuration error, empty when the new configuration is in force. */
  readonly reload: () => readonly string[];
  /** The configuration in force, without secrets, as YAML. */
  readonly redactedConfig: () => string;
}

export interface Exposition {
  readonly contentType: string;
  /** null: not encoded. */
  readonly contentEncoding: string | null;
  readonly body: Buffer;
}
