import { setTimeout as sleep } from 'node:timers/promises';
import { ModelMonitor } from '../../client/model-monitor.ts';
import type { ModelHealth } from '../../client/model-monitor.ts';
import type { Flights } from './dataset.ts';
import { askedAtMs, byKnownTime, FIRST_DAY_MS, HOUR_MS, isLate, knownAtMs, WEEK_MS, weekOf } from './features.ts';
import { LAST_TRAINING_WEEK } from './models.ts';
import type { Trained, TrainedModel } from './models.ts';
import { VirtualClock } from './virtual-clock.ts';

export const VERSION = '1';
/** What the models' own computation would take: drawn from the flight's number, so that a replay is repeatable. */
const LATENCY_MS = 4;
const PAUSE_MS = 40;
/** Rows of a turn: between turns the clock is looked at. */
const ROWS_A_TURN = 10_000;
/** After a week's end, until the labels of its last flights are in. */
const LABELS_MS = 4 * HOUR_MS;

export const className = (late: boolean) => (late ? 'late' : 'on time');

/** The reports of both models at the end of one week of flights, as the monitor gave them. */
export interface WeekFound {
  readonly week: number;
  readonly reports: readonly ModelHealth[];
}

export interface ReplayOptions {
  readonly url: string;
  readonly speed: number;
  /** Virtual time at which the exporter's clock was started. */
  readonly startMs: number;
  readonly onProgress: (share: number, note: string) => void;
  readonly onWeek: (found: WeekFound) => void;
  readonly stopped: () => boolean;
}

/** Sends each prediction and each label when its time has come on the exporter's clock, and reads the reports at the end of each week. */
export async function replay(flights: Flights, trained: Trained, options: ReplayOptions): Promise<void> {
  const { models, replayed } = trained;
  const isReplayed = new Set(replayed);
  const labels = [...byKnownTime(flights)].filter((flight) => isReplayed.has(flight));
  const senders = models.map((model) => new Sender(model, flights, options.url));
  const clock = new VirtualClock(options.speed, options.startMs);
  const lastWeek = weekOf(flights, replayed.at(-1)!);
  const endMs = knownAtMs(flights, labels.at(-1)!);
  let asked = 0;
  let known = 0;
  let week = LAST_TRAINING_WEEK + 1;
  /** Virtual time from which on a report has seen all of the week. */
  let completeFromMs = NaN;
  while (week <= lastWeek && !options.stopped()) {
    const untilMs = clock.now();
    const firstAsked = asked;
    while (
      asked < replayed.length &&
      asked < firstAsked + ROWS_A_TURN &&
      askedAtMs(flights, replayed[asked]!) <= untilMs
    )
      asked++;
    const reachedMs = asked < replayed.length ? Math.min(untilMs, askedAtMs(flights, replayed[asked]!)) : untilMs;
    const firstKnown = known;
    while (known < labels.length && knownAtMs(flights, labels[known]!) <= reachedMs) known++;
    for (const sender of senders) await sender.send(replayed.slice(firstAsked, asked), labels.slice(firstKnown, known));

    const weekEndMs = FIRST_DAY_MS + (week + 1) * WEEK_MS;
    if (Number.isNaN(completeFromMs) && reachedMs >= Math.min(weekEndMs + LABELS_MS, endMs))
      completeFromMs = clock.now();
    const reports = await Promise.all(senders.map((sender) => sender.report()));
    for (const report of reports) if (report !== null) clock.observe(Date.parse(report.evaluated_at));
    if (reports.every((report) => report !== null && Date.parse(report.evaluated_at) >= completeFromMs)) {
      options.onWeek({ week, reports: reports as ModelHealth[] });
      completeFromMs = NaN;
      week++;
    }
    const day = new Date(reachedMs).toISOString().slice(0, 10);
    options.onProgress((asked + known) / (replayed.length + labels.length), `${day}  ${noteOf(models, reports)}`);
    await sleep(PAUSE_MS);
  }
  if (!options.stopped()) await Promise.all(senders.map((sender) => sender.monitor.close()));
}

function noteOf(models: readonly TrainedModel[], reports: readonly (ModelHealth | null)[]): string {
  const score = (report: ModelHealth | null) => report?.overall_health?.toFixed(0) ?? '-';
  return models.map(({ features }, m) => `${features.name} ${score(reports[m]!)}`).join('  ');
}

/** Tells the exporter of one model's flights. */
export class Sender {
  readonly monitor: ModelMonitor;
  private readonly model: TrainedModel;
  private readonly flights: Flights;

  constructor(model: TrainedModel, flights: Flights, url: string) {
    this.model = model;
    this.flights = flights;
    const refuse = (what: string) => {
      throw new Error(`the exporter refused ${what}`);
    };
    this.monitor = new ModelMonitor({
      url,
      model: model.features.name,
      version: VERSION,
      flushIntervalMs: 3_600_000,
      onRejected: ([first]) => refuse(`a row: ${first?.pointer} ${first?.detail}`),
      onError: ({ message }) => refuse(message),
    });
  }

  async send(asked: readonly number[], known: readonly number[]): Promise<void> {
    const { features, scores } = this.model;
    for (const flight of asked)
      this.monitor.logPrediction({
        predictionId: `flight-${flight}`,
        timestamp: new Date(askedAtMs(this.flights, flight)),
        features: features.row(flight),
        prediction: className(scores[flight]! > 0.5),
        score: scores[flight]!,
        latencyMs: LATENCY_MS * (1 + (flight % 97) / 97),
      });
    await this.monitor.flush();
    for (const flight of known)
      this.monitor.logGroundTruth({
        predictionId: `flight-${flight}`,
        label: className(isLate(this.flights, flight)),
        timestamp: new Date(knownAtMs(this.flights, flight)),
      });
    await this.monitor.flush();
  }

  /** null until there is one. */
  report(): Promise<ModelHealth | null> {
    return this.monitor.checkModelHealth().catch(() => null);
  }
}
