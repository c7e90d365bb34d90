// Depends on nothing but fetch: copy this file, or import it, into any program that serves a model (Node.js 18 or newer, Deno, Bun).

export interface Prediction {
  /** Made when absent; ground truth joins by it. */
  readonly predictionId?: string;
  /** Default: now. */
  readonly timestamp?: Date;
  readonly features?: Readonly<Record<string, number | string | boolean | null>>;
  /** A class, or the number of a regression. Absent when the model failed. */
  readonly prediction?: number | string | boolean;
  /** Of the positive class, 0..1. */
  readonly score?: number;
  /** By class, 0..1. */
  readonly scores?: Readonly<Record<string, number>>;
  readonly latencyMs?: number;
  /** Type of the error, when the model failed. */
  readonly error?: string;
  readonly segment?: Readonly<Record<string, string>>;
}

export interface GroundTruth {
  readonly predictionId: string;
  readonly label: number | string | boolean;
  /** When the truth was known. Default: now. */
  readonly timestamp?: Date;
}

/** A figure of the business that the model serves: revenue, conversions, complaints. The weekly report sets it beside the model's health. */
export interface BusinessMetric {
  readonly name: string;
  readonly value: number;
  /** What the value is of; the same name and time again corrects it. Default: now. */
  readonly timestamp?: Date;
}

/** A row that the exporter refused; sending it again would not help. */
export interface Rejection {
  readonly row: Readonly<Record<string, unknown>>;
  /** JSON pointer into the row. */
  readonly pointer: string;
  readonly detail: string;
}

export interface ModelMonitorOptions {
  /** Such as http://127.0.0.1:9477 */
  readonly url: string;
  readonly model: string;
  readonly version?: string;
  /** Bearer token of scope ingest (and read, for checkModelHealth). */
  readonly token?: string;
  /** Rows a request. Default 500. */
  readonly batchSize?: number;
  /** A batch that is not full is sent after this time. Default 1,000. */
  readonly flushIntervalMs?: number;
  /** Rows that wait while the exporter is away; what comes on top is dropped and counted, serving goes on. Default 100,000. */
  readonly queueLimit?: number;
  /** Rows that are lost: the queue was full, or the exporter refused their request as a whole. */
  readonly onDropped?: (
    rows: readonly Readonly<Record<string, unknown>>[],
    reason: 'queue_full' | 'request_refused',
  ) => void;
  readonly onRejected?: (rejections: readonly Rejection[]) => void;
  /** The exporter refuses whole requests, for instance the token. The rows are dropped. */
  readonly onError?: (error: Error) => void;
}

/** The report of GET /api/ml/health/:model; all its fields are described there. */
export interface ModelHealth {
  readonly model: string;
  readonly version: string;
  readonly evaluated_at: string;
  /** 0-100; null when no check has data. */
  readonly overall_health: number | null;
  readonly level: string;
  readonly coverage: number | null;
  readonly severity: string;
  readonly checks: Readonly<Record<string, Readonly<Record<string, unknown>> & { state: string; alert: boolean }>>;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 30_000;
/** A server that takes in no more, or is away for now. */
const RETRIED = [408, 425, 429, 502, 503, 504];

/**
 * Sends predictions, ground truth and business figures of one model in batches. A batch is sent again, with the same ids, until the exporter has
 * acknowledged it: it counts each id once. Logging never blocks and never throws.
 */
export class ModelMonitor {
  private readonly options: ModelMonitorOptions;
  private readonly predictions: Outbox;
  private readonly groundTruth: Outbox;
  private readonly business: Outbox;

  constructor(options: ModelMonitorOptions) {
    this.options = options;
    this.predictions = new Outbox('/api/ml/predictions', options);
    this.groundTruth = new Outbox('/api/ml/ground-truth', options);
    this.business = new Outbox('/api/ml/business-metrics', options);
  }

  /** @returns the prediction's id, for its ground truth */
  logPrediction(prediction: Prediction): string {
    const { predictionId = crypto.randomUUID(), timestamp = new Date(), latencyMs, ...rest } = prediction;
    this.predictions.add({
      model: this.options.model,
      ...(this.options.version === undefined ? {} : { version: this.options.version }),
      prediction_id: predictionId,
      timestamp: timestamp.getTime(),
      ...(latencyMs === undefined ? {} : { latency_ms: latencyMs }),
      ...rest,
    });
    return predictionId;
  }

  logGroundTruth({ predictionId, label, timestamp = new Date() }: GroundTruth): void {
    this.groundTruth.add({
      model: this.options.model,
      prediction_id: predictionId,
      label,
      timestamp: timestamp.getTime(),
    });
  }

  logBusinessMetric({ name, value, timestamp = new Date() }: BusinessMetric): void {
    this.business.add({ model: this.options.model, name, value, timestamp: timestamp.getTime() });
  }

  /** Resolves when everything logged so far is acknowledged, rejected or dropped; predictions first, so that labels find them. */
  async flush(): Promise<void> {
    await this.predictions.flush();
    await this.groundTruth.flush();
    await this.business.flush();
  }

  /** Flushes, and stops. Give it a deadline of your own where the exporter may be away for long. */
  async close(): Promise<void> {
    await this.flush();
    this.predictions.stop();
    this.groundTruth.stop();
    this.business.stop();
  }

  /** Rows that found the queue full, or whose request was refused as a whole. */
  get dropped(): number {
    return this.predictions.dropped + this.groundTruth.dropped + this.business.dropped;
  }

  /** @throws Error when there is no report (yet), with the exporter's own words */
  async checkModelHealth(): Promise<ModelHealth> {
    const { url, model, version } = this.options;
    const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`;
    const response = await fetch(`${baseOf(url)}/api/ml/health/${encodeURIComponent(model)}${query}`, {
      headers: authorization(this.options),
    });
    if (!response.ok) throw new Error(await describe(response));
    return (await response.json()) as ModelHealth;
  }
}

/** Rows on their way to one address, in order. */
class Outbox {
  dropped = 0;
  private readonly path: string;
  private readonly options: ModelMonitorOptions;
  private readonly batchSize: number;
  private queue: Readonly<Record<string, unknown>>[] = [];
  private sending: Promise<void> | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(path: string, options: ModelMonitorOptions) {
    this.path = path;
    this.options = options;
    this.batchSize = options.batchSize ?? 500;
  }

  add(row: Readonly<Record<string, unknown>>): void {
    if (this.queue.length >= (this.options.queueLimit ?? 100_000)) {
      this.drop([row], 'queue_full');
      return;
    }
    this.queue.push(row);
    if (this.queue.length >= this.batchSize) void this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), this.options.flushIntervalMs ?? 1_000);
  }

  flush(): Promise<void> {
    this.stop();
    return (this.sending ??= this.drain().finally(() => (this.sending = null)));
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.slice(0, this.batchSize);
      await this.deliver(batch);
      // Only now: what waits for its acknowledgement still fills the queue.
      this.queue.splice(0, batch.length);
    }
  }

  private async deliver(batch: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    const body = JSON.stringify(batch);
    for (let attempt = 0; ; attempt++) {
      const answer = await this.post(body).catch(() => null);
      if (answer !== null && !RETRIED.includes(answer.status)) {
        await this.settle(answer, batch);
        return;
      }
      await answer?.body?.cancel();
      await sleep(retryDelayMs(attempt, answer));
    }
  }

  private drop(rows: readonly Readonly<Record<string, unknown>>[], reason: 'queue_full' | 'request_refused'): void {
    this.dropped += rows.length;
    this.options.onDropped?.(rows, reason);
  }

  private post(body: string): Promise<Response> {
    const { url } = this.options;
    const headers = { 'content-type': 'application/json', ...authorization(this.options) };
    return fetch(baseOf(url) + this.path, { method: 'POST', headers, body });
  }

  private async settle(answer: Response, batch: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    if (!answer.ok && answer.status !== 422) {
      this.drop(batch, 'request_refused');
      this.options.onError?.(new Error(await describe(answer)));
      return;
    }
    const { errors = [] } = (await answer.json().catch(() => ({}))) as {
      errors?: readonly { index: number; pointer: string; detail: string }[];
    };
    if (errors.length === 0) return;
    this.options.onRejected?.(
      errors.map(({ index, pointer, detail }) => ({ row: batch[index] ?? {}, pointer, detail })),
    );
  }
}

/** Doubles up to half a minute, spread so that many clients do not come back at once; at least what the exporter asks for. */
function retryDelayMs(attempt: number, answer: Response | null): number {
  const asked = Number(answer?.headers.get('retry-after') ?? 0) * 1_000;
  const backOff = Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS);
  return Math.max(Number.isFinite(asked) ? asked : 0, backOff * (0.5 + Math.random() / 2));
}

async function describe(answer: Response): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as { title?: string; detail?: string };
  return `${answer.status} ${problem.title ?? answer.statusText}: ${problem.detail ?? 'no details'}`;
}

function authorization({ token }: ModelMonitorOptions): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function baseOf(url: string): string {
  return url.replace(/\/+$/, '');
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
