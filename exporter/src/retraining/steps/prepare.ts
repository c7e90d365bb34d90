import type { KnownOrUnknownTask } from '../../domain/task.ts';
import type { ModelSettings } from '../../domain/settings.ts';
import type { Step } from '../advance.ts';
import { prepareData } from '../prepare-data.ts';
import type { PreparedPart, SnapshotSource } from '../prepare-data.ts';
import type { WorkedJob } from '../worked-job.ts';

export interface PrepareDependencies {
  readonly settingsOf: (model: string) => ModelSettings;
  readonly taskOf: (model: string) => { readonly task: KnownOrUnknownTask; readonly positiveClass: string | null };
  readonly data: SnapshotSource & {
    clear(job: WorkedJob, part: null): Promise<void>;
    append(job: WorkedJob, part: PreparedPart, piece: number, bytes: Buffer): Promise<void>;
  };
  readonly now: () => number;
}

/** Takes the snapshot. Again after a crash: from the beginning, what was stored is dropped. */
export async function prepare(job: WorkedJob, signal: AbortSignal, deps: PrepareDependencies): Promise<Step> {
  const { task, positiveClass } = deps.taskOf(job.model);
  if (task === 'unknown') return failed('task_unknown', 'It is not known yet what the model predicts.');
  await deps.data.clear(job, null);
  const prepared = await prepareData(
    {
      modelId: job.modelId,
      champion: job.champion.version,
      task,
      positiveClass,
      settings: deps.settingsOf(job.model).retraining.data,
      nowMs: deps.now(),
      store: (part, piece, bytes) => deps.data.append(job, part, piece, bytes),
      signal,
    },
    deps.data,
  );
  if (prepared.kind === 'refused') return failed(prepared.code, prepared.message);
  const { rows, parts, warnings } = prepared.dataset;
  const counts = { rows, train: parts.train.rows, test: parts.test.rows, holdout: parts.holdout.rows, warnings };
  return { kind: 'move', to: 'training', facts: { dataset: prepared.dataset }, detail: counts };
}

function failed(code: string, message: string): Step {
  return { kind: 'move', to: 'failed', facts: { error: { code, message } }, detail: { code, message } };
}
