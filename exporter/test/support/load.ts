import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './exporter-process.ts';

export interface SentEvent {
  readonly model: string;
  readonly version: string;
  readonly prediction_id: string;
  readonly timestamp: string;
  readonly features: Readonly<Record<string, unknown>>;
  readonly prediction: string;
  readonly score: number;
  readonly latency_ms: number;
}

/** Plausible predictions of five models, some with missing and mistyped values. */
export function makeEvents(count: number, models = 5, idOf: (i: number) => string = () => randomUUID()): SentEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const score = Math.random();
    return {
      model: `model_${Math.floor(Math.random() * models)}`,
      version: '1',
      prediction_id: idOf(i),
      timestamp: new Date(Date.now() - Math.random() * 3_600_000).toISOString(),
      features: {
        age: Math.random() < 0.03 ? null : Math.floor(Math.random() * 80),
        income: Math.random() < 0.02 ? 'unknown' : Math.random() * 1e5,
        region: ['north', 'south', 'east'][Math.floor(Math.random() * 3)],
      },
      prediction: score > 0.5 ? 'yes' : 'no',
      score,
      latency_ms: 1 + Math.random() * 20,
    };
  });
}

/** Senders that repeat a request with the same ids until it is acknowledged, as a careful client does. */
export class Load {
  readonly acknowledged: SentEvent[] = [];
  readonly labelled: string[] = [];
  /** Answers other than 200, as "status retry-after content-type". */
  readonly refusals: string[] = [];
  private readonly unacknowledged: SentEvent[][] = [];
  private readonly batchSize: number;
  baseUrl = '';
  private running = true;
  private readonly senders: Promise<void>[];

  constructor(baseUrl: string, senders: number, batchSize: number) {
    this.baseUrl = baseUrl;
    this.batchSize = batchSize;
    this.senders = Array.from({ length: senders }, () => this.send());
  }

  /** Waits until so many more events were acknowledged, however long the machine takes for them. */
  async progress(events: number): Promise<void> {
    const before = this.acknowledged.length;
    await eventually(() => {
      const more = this.acknowledged.length - before;
      if (more >= events) return Promise.resolve();
      return Promise.reject(new Error(`${more} events acknowledged; refused: ${this.refusals.slice(-5).join(', ')}`));
    });
  }

  /** Stops, and sends what was never acknowledged once more. Throws at the first refusal, and can be called again. */
  async finish(): Promise<void> {
    this.running = false;
    await Promise.all(this.senders);
    for (let batch = this.unacknowledged[0]; batch !== undefined; batch = this.unacknowledged[0]) {
      if (!(await this.post(batch))) throw new Error('a retry was refused');
      this.unacknowledged.shift();
    }
  }

  private async send(): Promise<void> {
    while (this.running) {
      const batch = this.unacknowledged.pop() ?? makeEvents(this.batchSize);
      if (!(await this.post(batch))) {
        this.unacknowledged.push(batch);
        await sleep(20);
      } else if (Math.random() < 0.3) await this.label(batch);
    }
  }

  private async post(batch: SentEvent[]): Promise<boolean> {
    const ok = await this.request('/api/ml/predictions', batch);
    if (ok) this.acknowledged.push(...batch);
    return ok;
  }

  private async label(batch: readonly SentEvent[]): Promise<void> {
    const labels = batch.map(({ model, prediction_id }) => ({
      model,
      prediction_id,
      label: Math.random() < 0.5 ? 'yes' : 'no',
    }));
    if (await this.request('/api/ml/ground-truth', labels))
      this.labelled.push(...batch.map((event) => event.prediction_id));
  }

  private async request(path: string, body: unknown): Promise<boolean> {
    try {
      const response = await fetch(this.baseUrl + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      await response.arrayBuffer();
      if (!response.ok)
        this.refusals.push(
          `${response.status} ${response.headers.get('retry-after') ?? 'never'} ${response.headers.get('content-type')?.split(';')[0] ?? ''}`,
        );
      return response.ok;
    } catch {
      // Refused, reset, cut in the middle: not acknowledged.
      return false;
    }
  }
}
