import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { isOutcome } from '../../src/domain/retraining.ts';
import type { JobState } from '../../src/domain/retraining.ts';
import { eventually, jsonOf, startExporter } from './exporter-process.ts';
import type { ExporterProcess } from './exporter-process.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './test-server.ts';

export interface JobJson {
  readonly state: JobState;
  readonly attempt: number;
  readonly candidate: { readonly version: string } | null;
  readonly gate: {
    readonly verdict: string;
    readonly selfReported: boolean;
    readonly reasons: readonly string[];
  } | null;
  readonly events: readonly { readonly kind: string; readonly to: string | null }[];
  readonly rollout: { readonly history: readonly { readonly stage: string; readonly verdict: string }[] } | null;
  readonly rollback: { readonly reason: string } | null;
  readonly error: { readonly code: string } | null;
  readonly output: string | null;
}

/** Those that the job entered, in their order. */
export function statesOf({ events }: Pick<JobJson, 'events'>): readonly string[] {
  return events.flatMap(({ to }) => (to === null ? [] : [to]));
}

/** Of the Standard Webhooks documents. */
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const CONFIG = `
evaluation: { interval: 200ms }
minimum_samples: { report: 50, alert: 100, labels: 100 }
retraining:
  trainer: TRAINER
  deployer: { type: pull }
  approval: APPROVAL
  hints: { tuning_budget: 1 }
  data: { min_rows: 500 }
  cooldown: 1h
  allowed_hosts: [127.0.0.1]
  allow_private_addresses: true
  rollout:
    soak: 0s
    stages: [{ percent: 0, min_time: 0s, min_predictions: 60 }, { percent: 50, min_time: 0s, min_predictions: 60 }]
models:
  churn: { task: binary, positive_class: left }
`;

/** Predictions and what came true. Who is long with us stays; version 1 no longer knows in every other case. */
export function churnRows(version: string, from: number, count: number, latencyMs = 5) {
  const now = Date.now();
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    const tenure = (n * 37) % 100;
    const left = tenure < 40 && n % 11 !== 0;
    const score = version === '1' && n % 2 === 0 ? 0.5 : left ? 0.9 : 0.1;
    const event = {
      model: 'churn',
      version,
      prediction_id: `p${n}`,
      timestamp: now - (count - i) * 10,
      features: { tenure, region: ['north', 'south'][n % 2] },
      prediction: score > 0.5 ? 'left' : 'stayed',
      score,
      latency_ms: latencyMs,
    };
    return { event, label: { model: 'churn', prediction_id: `p${n}`, label: left ? 'left' : 'stayed' } };
  });
}

/** A model whose version 1 has half unlearnt what it knew, the compiled exporter that retrains it, and a router that asks where to send. */
export class ChurnScene {
  readonly dataPath = temporaryFolder();
  readonly secretFile = path.join(this.dataPath, 'secret');
  private exporter: ExporterProcess | undefined;
  private sent = 0;

  constructor() {
    writeFileSync(this.secretFile, `${SECRET}\n`);
  }

  get baseUrl(): string {
    return this.exporter!.baseUrl;
  }

  /** @param trainer YAML of retraining.trainer; BASE_URL in it becomes the exporter's own address */
  async start(trainer: string, approval: 'automatic' | 'manual', knownPort?: number): Promise<void> {
    const port = knownPort ?? (await freePort());
    const file = path.join(this.dataPath, 'config.yml');
    const own = `http://127.0.0.1:${port}`;
    writeFileSync(file, CONFIG.replace('TRAINER', trainer.replaceAll('BASE_URL', own)).replace('APPROVAL', approval));
    const flags = [`--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`];
    this.exporter = await startExporter({ dataPath: this.dataPath, flags });
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.exporter?.kill(signal);
  }

  async close(): Promise<void> {
    await this.exporter?.kill('SIGTERM');
    rmSync(this.dataPath, { recursive: true, force: true });
  }

  call(method: 'GET' | 'POST', url: string, body?: unknown): Promise<Response> {
    return fetch(`${this.baseUrl}${url}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  }

  async predict(version: string, count: number, latencyMs = 5): Promise<void> {
    const rows = churnRows(version, this.sent, count, latencyMs);
    this.sent += count;
    for (const [url, body] of [
      ['/api/ml/predictions', rows.map(({ event }) => event)],
      ['/api/ml/ground-truth', rows.map(({ label }) => label)],
    ] as const) {
      const reply = await this.call('POST', url, body);
      if (reply.status !== 200) throw new Error(`${url}: ${reply.status} ${await reply.text()}`);
    }
  }

  async job(id: string): Promise<JobJson> {
    return jsonOf<JobJson>(await this.call('GET', `/api/ml/retrain/jobs/${id}`));
  }

  async startJob(): Promise<string> {
    await this.predict('1', 3_000);
    return eventually(async () => {
      const reply = await this.call('POST', '/api/ml/retrain/churn', { reason: 'a test' });
      if (reply.status !== 202) throw new Error(await reply.text());
      return (await jsonOf<{ jobId: string }>(reply)).jobId;
    });
  }

  async untilState(id: string, state: RegExp): Promise<JobJson> {
    return eventually(async () => {
      const now = await this.job(id);
      if (!state.test(now.state)) throw new Error(`the job is ${now.state}`);
      return now;
    });
  }

  /** Sends what a router would, as the routing says, until the job has ended. */
  async routeUntilEnd(id: string, candidateLatencyMs: number): Promise<JobJson> {
    return eventually(async () => {
      const routing = await jsonOf<{ candidate: { version: string } | null }>(
        await this.call('GET', '/api/ml/models/churn/routing'),
      );
      await this.predict('1', 40);
      if (routing.candidate !== null) await this.predict(routing.candidate.version, 40, candidateLatencyMs);
      const now = await this.job(id);
      if (!isOutcome(now.state)) throw new Error(`the job is ${now.state}`);
      return now;
    });
  }
}

/** The example trainer as a process of its own. */
export async function startTrainer(secretFile: string, environment: Readonly<Record<string, string>> = {}) {
  const file = path.resolve(__dirname, '..', '..', 'dist', 'demo', 'trainers', 'webhook-trainer.js');
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '', SECRET_FILE: secretFile, PORT: '0', ...environment },
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    url: `http://127.0.0.1:${/\d+$/.exec(line)![0]}/retrain`,
    stop: async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
  };
}
