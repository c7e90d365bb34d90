import type { GateFacts, RegistryStage } from '../../domain/retraining.ts';
import type { ModelSettings } from '../../domain/settings.ts';
import type { Step } from '../advance.ts';
import { judgeCandidate, selfReported } from '../gate.ts';
import type { TruthLine } from '../prepare-data.ts';
import { readLines } from '../snapshot-parts.ts';
import type { HoldoutPrediction, Trainer, TrainerPart, TrainingRequest } from '../trainers/trainer.ts';
import type { WorkedJob } from '../worked-job.ts';

export interface ValidateDependencies {
  readonly settingsOf: (model: string) => ModelSettings;
  readonly trainerOf: (model: string) => Trainer | null;
  readonly requestOf: (job: WorkedJob, signal: AbortSignal) => TrainingRequest;
  readonly read: (jobId: string, part: TrainerPart | 'truth' | 'predictions') => AsyncIterable<Buffer>;
  readonly hasPredictions: (jobId: string) => Promise<boolean>;
  readonly registry: { place(job: WorkedJob, stage: RegistryStage, nowMs: number): Promise<void> };
  readonly now: () => number;
  readonly realNow: () => number;
}

const POLL_MS = 15_000;

/** The candidate's answers to the holdout, scored by us. */
export async function validate(job: WorkedJob, signal: AbortSignal, deps: ValidateDependencies): Promise<Step> {
  const found = await predictions(job, signal, deps);
  if (found === 'wait') return { kind: 'stay', afterMs: POLL_MS };
  const gate = typeof found === 'string' ? selfReported(found) : await judge(job, found, deps);
  const detail = { verdict: gate.verdict, reasons: gate.reasons, rows: gate.rows };
  if (gate.verdict === 'reject' || (gate.verdict === 'inconclusive' && !needsPerson(job, gate, deps))) {
    await deps.registry.place(job, 'rejected', deps.now());
    return { kind: 'move', to: 'rejected', facts: { gate }, detail };
  }
  return { kind: 'move', to: 'awaiting_approval', facts: { gate }, detail };
}

/** Without a person nobody could decide what the figures do not; what the trainer says of itself always waits for one. */
function needsPerson(job: WorkedJob, gate: GateFacts, deps: ValidateDependencies): boolean {
  return gate.selfReported || deps.settingsOf(job.model).retraining.approval === 'manual';
}

/** The answers; `wait`; or in words why there are none. */
async function predictions(
  job: WorkedJob,
  signal: AbortSignal,
  deps: ValidateDependencies,
): Promise<readonly HoldoutPrediction[] | string> {
  if (await deps.hasPredictions(job.id)) {
    const rows: HoldoutPrediction[] = [];
    for await (const line of readLines(deps.read(job.id, 'predictions'))) rows.push(line as HoldoutPrediction);
    return rows;
  }
  const trainer = deps.trainerOf(job.model);
  if (trainer === null) return 'its trainer is no longer configured';
  const outcome = await trainer.predict(deps.requestOf(job, signal), job.facts.training!);
  if (outcome.kind === 'predicted') return outcome.rows;
  if (outcome.kind === 'none') return outcome.reason;
  return deps.realNow() < (job.facts.holdoutDeadlineMs ?? 0) ? 'wait' : 'no predictions of the holdout came in time';
}

async function judge(
  job: WorkedJob,
  answers: readonly HoldoutPrediction[],
  deps: ValidateDependencies,
): Promise<GateFacts> {
  const dataset = job.facts.dataset!;
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  const rows = [];
  for await (const line of readLines(deps.read(job.id, 'truth'))) {
    const { id, y, p, s, l } = line as TruthLine;
    const answer = byId.get(id);
    if (answer === undefined || (answer.prediction === null && answer.score === null) || p === null) continue;
    const { prediction, score, scores } = answer;
    // A class that it does not name has no chance.
    const likelihood = scores === null ? null : (scores[String(y)] ?? 0);
    rows.push({
      y,
      champion: { prediction: p, score: s, likelihood: l },
      candidate: { prediction, score: score ?? highest(scores), likelihood },
    });
  }
  const settings = deps.settingsOf(job.model);
  return judgeCandidate({
    task: dataset.task,
    positiveClass: dataset.positiveClass,
    rows,
    holdoutRows: dataset.parts.holdout.rows,
    champion: job.champion,
    settings: settings.retraining.gate,
    accuracyDrop: settings.thresholds.accuracyDrop,
  });
}

/** What the class that is answered got. */
function highest(scores: HoldoutPrediction['scores']): number | null {
  return scores === null ? null : Math.max(0, ...Object.values(scores));
}
