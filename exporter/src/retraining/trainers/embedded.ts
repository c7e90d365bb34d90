import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { EmbeddedAnswer, EmbeddedWork } from './embedded-worker.ts';
import type { Trainer, TrainingOutcome, TrainingRequest } from './trainer.ts';

export interface EmbeddedOptions {
  /** The compiled worker. */
  readonly workerFile: string;
  /** Flags of Node.js for the worker. */
  readonly execArgv?: readonly string[];
  /** The artefact of a version of this job. */
  readonly artefact: (model: string, version: string) => Promise<Buffer | null>;
}

/** Gradient boosting in a thread of this process: nothing to install, and nothing outside to look up after a crash. */
export function embeddedTrainer(options: EmbeddedOptions): Trainer {
  return {
    train: async (request) => {
      const { dataset, hints, model, candidateVersion } = request;
      const [train, test] = await Promise.all([collect(request.read('train')), collect(request.read('test'))]);
      const answer = await run(options, request, {
        kind: 'train',
        train,
        test,
        options: {
          task: dataset.task,
          positiveClass: dataset.positiveClass,
          classes: dataset.classes,
          features: dataset.features.map(({ name, kind }) => ({ name, kind })),
          seed: hints.seed,
          cvFolds: hints.cvFolds,
          tuningBudget: hints.tuningBudget,
        },
      });
      if (answer.kind === 'failed') return answer;
      if (answer.kind !== 'trained') throw new Error('the worker answered another question');
      const artefact = Buffer.from(answer.artefact);
      return {
        kind: 'completed',
        result: {
          candidate: {
            version: candidateVersion,
            uri: `/api/ml/models/${encodeURIComponent(model)}/registry/${encodeURIComponent(candidateVersion)}/artefact`,
            sha256: createHash('sha256').update(artefact).digest('hex'),
            framework: 'model-health-tabular/1',
          },
          metrics: answer.metrics,
        },
        artefact,
        output: answer.output,
      };
    },
    predict: async (request, { candidate }) => {
      const artefact = await options.artefact(request.model, candidate.version);
      if (artefact === null) return { kind: 'none', reason: 'the artefact is gone' };
      const answer = await run(options, request, {
        kind: 'predict',
        artefact,
        holdout: await collect(request.read('holdout')),
      });
      return answer.kind === 'predicted'
        ? { kind: 'predicted', rows: answer.rows }
        : { kind: 'none', reason: 'the candidate could not predict' };
    },
  };
}

type Failed = Extract<TrainingOutcome, { readonly kind: 'failed' }>;

function run(
  { workerFile, execArgv = [] }: EmbeddedOptions,
  { signal, deadlineMs }: TrainingRequest,
  work: EmbeddedWork,
): Promise<EmbeddedAnswer | Failed> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerFile, { workerData: work, execArgv: [...execArgv] });
    const deadline = setTimeout(() => {
      end();
      resolve(failed('deadline', `not done after ${deadlineMs / 1000} s`, false));
    }, deadlineMs);
    const abort = (): void => {
      end();
      reject(new Error('the training was cut short', { cause: signal.reason }));
    };
    const end = (): void => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', abort);
      void worker.terminate();
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    worker.once('message', (answer: EmbeddedAnswer) => {
      end();
      resolve(answer);
    });
    worker.once('error', (error) => {
      end();
      resolve(failed('training_failed', error instanceof Error ? error.message : String(error), false));
    });
  });
}

function failed(code: string, message: string, retryable: boolean): Failed {
  return { kind: 'failed', error: { code, message, retryable }, output: '' };
}

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}
