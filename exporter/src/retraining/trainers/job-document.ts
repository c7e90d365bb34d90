import type { RetrainingReason } from '../../domain/retraining.ts';
import type { TrainingRequest } from './trainer.ts';

/** What every trainer outside is told of a job, without where its data are. */
export function jobDocument(request: TrainingRequest): Record<string, unknown> {
  const { dataset, hints } = request;
  return {
    job_id: request.jobId,
    attempt: request.attempt,
    external_id: request.externalId,
    model: request.model,
    task: dataset.task,
    positive_class: dataset.positiveClass,
    classes: dataset.classes,
    reasons: request.reasons.map(reasonDocument),
    champion: { version: request.championVersion },
    candidate: { version: request.candidateVersion },
    hints: { seed: hints.seed, cv_folds: hints.cvFolds, tuning_budget: hints.tuningBudget },
    split: {
      kind: 'time',
      train_end: new Date(dataset.trainEndMs).toISOString(),
      test_end: new Date(dataset.testEndMs).toISOString(),
      gate_holdout: 'withheld',
    },
    schema: dataset.features.map(({ name, kind, missing }) => ({ name, kind, missing })),
  };
}

function reasonDocument({ windowSeconds, ...reason }: RetrainingReason): Record<string, unknown> {
  return { ...reason, window_seconds: windowSeconds };
}
