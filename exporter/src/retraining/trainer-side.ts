import { gzipSync } from 'node:zlib';
import type { Job } from '../domain/retraining.ts';
import { ServiceError } from '../domain/service-error.ts';
import { receiveCallback } from './receive-callback.ts';
import type { CallbackDependencies } from './receive-callback.ts';
import { isSigned, isToken } from './trainers/job-access.ts';
import { readPrediction } from './trainers/read-result.ts';
import type { TrainerPart } from './trainers/trainer.ts';

export interface TrainerSideDependencies extends CallbackDependencies {
  readonly jobs: { get(id: string): Promise<Job> };
  readonly toldEnd: (jobId: string, attempt: number) => Promise<object | null>;
  readonly read: (jobId: string, part: TrainerPart) => AsyncIterable<Buffer>;
  readonly upload: (jobId: string, bytes: Buffer) => Promise<boolean>;
  /** Signed address of a part, and where predictions go; null: the model has no webhook trainer. */
  readonly urls: (model: string, jobId: string) => { readonly holdout: string; readonly predictions: string } | null;
}

export type TrainerAnswer =
  | { readonly status: 200; readonly body: Readonly<Record<string, unknown>> }
  | { readonly status: 401 | 409; readonly detail: string };

/** Everything that trainers call. */
export function trainerSide(deps: TrainerSideDependencies) {
  return {
    callback: async (
      jobId: string,
      headers: Readonly<Record<string, string | readonly string[] | undefined>>,
      body: Buffer,
    ): Promise<TrainerAnswer> => {
      const answer = await receiveCallback(jobId, headers, body, deps);
      if (answer.status !== 200) return answer;
      const cancel = answer.cancel ? { cancel: true } : {};
      return {
        status: 200,
        body: answer.kind === 'retrain.completed' ? { ...cancel, ...(await holdoutOf(jobId, deps)) } : cancel,
      };
    },
    /** null: not signed, expired, or not to be had. */
    data: async (
      jobId: string,
      part: TrainerPart,
      query: { readonly expires: number; readonly signature: string },
    ): Promise<AsyncIterable<Buffer> | null> => {
      const known = await deps.job(jobId);
      const secrets = known === null ? null : deps.secretsOf(known.model);
      if (known === null || secrets === null || !isSigned(secrets, jobId, part, query, deps.nowSeconds())) return null;
      const job = await deps.jobs.get(jobId);
      if (!Number.isNaN(job.finishedAtMs)) return null;
      // Only when the candidate is fixed: nobody trains on the features of the trial.
      const isReleased = job.state === 'validating' || (await deps.toldEnd(jobId, job.attempt)) !== null;
      return part === 'holdout' && !isReleased ? null : deps.read(jobId, part);
    },
    mayUpload: async (jobId: string, authorization: string | undefined): Promise<boolean> =>
      isToken(authorization, (await deps.job(jobId))?.tokenHash ?? null),
    /** @returns how many rows there are. ServiceError invalid names the first bad line, conflict: there are predictions already. */
    predictions: async (jobId: string, body: Buffer): Promise<number> => {
      const lines = body
        .toString('utf8')
        .split('\n')
        .filter((line) => line.trim() !== '');
      lines.forEach((line, i) => {
        const prediction = readPrediction(parseOrNull(line));
        if (typeof prediction === 'string') throw new ServiceError('invalid', `Line ${i + 1}: ${prediction}.`);
      });
      const rows = lines.map((line) => JSON.stringify(readPrediction(parseOrNull(line))));
      if (!(await deps.upload(jobId, gzipSync(rows.join('\n')))))
        throw new ServiceError('conflict', 'There are predictions of the holdout already, or the job wants none now.');
      return rows.length;
    },
  };
}

async function holdoutOf(jobId: string, deps: TrainerSideDependencies): Promise<Readonly<Record<string, unknown>>> {
  const job = await deps.jobs.get(jobId);
  const urls = deps.urls(job.model, jobId);
  const part = job.facts.dataset?.parts.holdout;
  if (urls === null || part === undefined) return {};
  return { holdout: { rows: part.rows, sha256: part.sha256, url: urls.holdout, predictions_url: urls.predictions } };
}

function parseOrNull(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}
