import { setTimeout as sleep } from 'node:timers/promises';
import { makeEvents } from '../support/load.ts';
import type { SentEvent } from '../support/load.ts';
import type { Issued, Ledger } from './ledger.ts';

/** Why requests were not acknowledged, and how often. */
export type Refusals = Map<string, number>;
const MODELS = 5;

/**
 * Careful clients at a given rate: a batch that was not acknowledged is sent again with the same ids, to another replica, until it is.
 * What was missed while everything was down is made up for, but never more than one batch a sender at once.
 */
export class PacedLoad {
  /** Predictions that were acknowledged. */
  count = 0;
  readonly refusals: Refusals = new Map();
  /** Milliseconds of acknowledged requests. */
  readonly latenciesMs: number[] = [];
  private readonly targets: () => readonly string[];
  private readonly batch: number;
  private readonly perSecond: number;
  private readonly ledger: Ledger;
  private readonly began = performance.now();
  private running = true;
  private given = 0;
  private turn = 0;
  private readonly senders: Promise<void>[];

  constructor(options: {
    readonly targets: () => readonly string[];
    readonly senders: number;
    readonly batch: number;
    /** Events; Infinity: as fast as they are acknowledged. */
    readonly perSecond: number;
    readonly ledger: Ledger;
  }) {
    this.targets = options.targets;
    this.batch = options.batch;
    this.perSecond = options.perSecond;
    this.ledger = options.ledger;
    this.senders = Array.from({ length: options.senders }, () => this.send());
  }

  async finish(): Promise<void> {
    this.running = false;
    await Promise.all(this.senders);
  }

  private async send(): Promise<void> {
    while (this.running) {
      const due = this.began + (this.given / this.perSecond) * 1000 - performance.now();
      if (due > 0) {
        await sleep(Math.min(due, 200));
        continue;
      }
      this.given += this.batch;
      const issued = this.ledger.issue(this.batch);
      const events = makeEvents(this.batch, MODELS, (i) => issued.ids[i]!);
      await this.untilAcknowledged('/api/ml/predictions', events);
      this.count += events.length;
      this.ledger.acknowledge(issued);
      if (Math.random() < 0.3) await this.label(events, issued);
    }
  }

  private async label(events: readonly SentEvent[], issued: Issued): Promise<void> {
    const labels = events.map(({ model, prediction_id }) => ({
      model,
      prediction_id,
      label: Math.random() < 0.5 ? 'yes' : 'no',
    }));
    await this.untilAcknowledged('/api/ml/ground-truth', labels);
    this.ledger.acknowledgeLabels(issued);
  }

  private async untilAcknowledged(path: string, rows: unknown): Promise<void> {
    const body = JSON.stringify(rows);
    for (;;) {
      const targets = this.targets();
      const base = targets[this.turn++ % Math.max(1, targets.length)];
      if (base !== undefined && (await this.post(`${base}${path}`, body))) return;
      await sleep(100);
    }
  }

  private async post(url: string, body: string): Promise<boolean> {
    const began = performance.now();
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(10_000),
      });
      await response.arrayBuffer();
      if (response.ok) this.latenciesMs.push(performance.now() - began);
      else this.refused(`${response.status}`);
      return response.ok;
    } catch (error) {
      this.refused(error instanceof Error && error.name === 'TimeoutError' ? 'no answer in 10 s' : 'connection');
      return false;
    }
  }

  private refused(reason: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  }
}
