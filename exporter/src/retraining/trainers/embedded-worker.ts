import { parentPort, workerData } from 'node:worker_threads';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { TrainingLine } from '../prepare-data.ts';
import { predictTabular, tabularLoss, trainTabular } from './tabular-model.ts';
import type { FeatureRow, TabularModel, TabularOptions } from './tabular-model.ts';
import type { HoldoutPrediction } from './trainer.ts';

/** The thread that trains and predicts: bytes in, bytes out. */
export type EmbeddedWork =
  | { readonly kind: 'train'; readonly train: Uint8Array; readonly test: Uint8Array; readonly options: TabularOptions }
  | { readonly kind: 'predict'; readonly artefact: Uint8Array; readonly holdout: Uint8Array };

export type EmbeddedAnswer =
  | {
      readonly kind: 'trained';
      readonly artefact: Uint8Array;
      readonly metrics: Readonly<Record<string, number>>;
      readonly output: string;
    }
  | { readonly kind: 'predicted'; readonly rows: readonly HoldoutPrediction[] };

const work = workerData as EmbeddedWork;
parentPort!.postMessage(work.kind === 'train' ? train(work) : predict(work));

function train({
  train: trainBytes,
  test: testBytes,
  options,
}: Extract<EmbeddedWork, { readonly kind: 'train' }>): EmbeddedAnswer {
  const rows = linesOf(trainBytes) as TrainingLine[];
  const test = linesOf(testBytes) as TrainingLine[];
  const { model, tuning } = trainTabular(rows, options);
  const loss = model.task === 'regression' ? 'mean_absolute_error' : 'log_loss';
  return {
    kind: 'trained',
    artefact: gzipSync(JSON.stringify(model)),
    metrics: {
      [`train_${loss}`]: tabularLoss(model, rows),
      ...(test.length === 0 ? {} : { [`test_${loss}`]: tabularLoss(model, test) }),
    },
    output: `${rows.length} rows, ${options.features.length} features; rounds ${tuning.rounds}, depth ${tuning.depth}, learning rate ${tuning.learningRate}`,
  };
}

function predict({ artefact, holdout }: Extract<EmbeddedWork, { readonly kind: 'predict' }>): EmbeddedAnswer {
  const model = JSON.parse(gunzipSync(artefact).toString()) as TabularModel;
  const rows = linesOf(holdout) as { readonly id: string; readonly features: FeatureRow }[];
  const predictions = predictTabular(
    model,
    rows.map(({ features }) => features),
  );
  return { kind: 'predicted', rows: rows.map(({ id }, i) => ({ id, ...predictions[i]! })) };
}

function linesOf(bytes: Uint8Array): unknown[] {
  const text = gunzipSync(bytes).toString();
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
}
