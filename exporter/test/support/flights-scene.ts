import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { uploadBaseline } from '../../demo/exporter.ts';
import type { Flights } from '../../demo/flights/dataset.ts';
import {
  askedAtMs,
  byKnownTime,
  calendarFeatures,
  FIRST_DAY_MS,
  HOUR_MS,
  isLate,
  knownAtMs,
  WEEK_MS,
  weekOf,
} from '../../demo/flights/features.ts';
import type { FeatureSet } from '../../demo/flights/features.ts';
import { className } from '../../demo/flights/replay.ts';
import { Router } from '../../demo/flights/router.ts';
import { VirtualClock } from '../../demo/flights/virtual-clock.ts';
import { predictTabular, trainTabular } from '../../src/retraining/trainers/tabular-model.ts';
import type { TabularModel } from '../../src/retraining/trainers/tabular-model.ts';
import { SECRET } from './churn-scene.ts';
import type { JobJson } from './churn-scene.ts';
import { eventually, jsonOf, startExporter } from './exporter-process.ts';
import type { ExporterProcess } from './exporter-process.ts';
import { temporaryFolder } from './test-server.ts';

/** Tuesday evening of week 18: since week 16 the calendar model has foretold too many late flights. */
const START_MS = FIRST_DAY_MS + 18 * WEEK_MS + 44 * HOUR_MS;
/** An hour in four seconds: a machine that is four times slower is still within the week. */
const SPEED = 900;
const VERSION = '1';
const ROWS_A_REQUEST = 5_000;
const LATENCY_MS = 4;
const FEATURES = [
  { name: 'hour', kind: 'numeric' },
  { name: 'weekday', kind: 'categorical' },
  { name: 'distance', kind: 'numeric' },
  { name: 'origin', kind: 'categorical' },
  { name: 'destination', kind: 'categorical' },
] as const;

/** One of the models that foretell the same flights; what differs is what is wrong with its second version. */
export interface FlightsModel {
  readonly name: string;
  /** YAML of retraining.trainer; BASE_URL in it becomes the exporter's own address. */
  readonly trainer: string;
  readonly approval: 'automatic' | 'manual';
  /** Of the second version over the first one's. */
  readonly latencyRatio: number;
}

/** Flights of the winter of 2001 that the models learnt from, and of the spring in which they are no longer right; see fixtures/README.md. */
export class FlightsScene {
  readonly dataPath = temporaryFolder();
  readonly secretFile = path.join(this.dataPath, 'secret');
  private readonly flights = readFlights();
  private readonly calendar: FeatureSet;
  private readonly champion: TabularModel;
  private readonly baseline: readonly number[];
  private readonly asked: readonly number[];
  private readonly known: readonly number[];
  private readonly answered = new Map<string, readonly string[]>();
  private exporter: ExporterProcess | undefined;
  private clock: VirtualClock | undefined;
  private routers: { readonly model: FlightsModel; readonly router: Router }[] = [];
  private nextAsked = 0;
  private nextKnown = 0;

  constructor() {
    mkdirSync(this.dataPath, { recursive: true });
    writeFileSync(this.secretFile, `${SECRET}\n`);
    const all = Array.from(this.flights.departureMs, (_, flight) => flight);
    const winter = all.filter((flight) => weekOf(this.flights, flight) < 8);
    const training = winter.filter((flight) => flight % 3 !== 0);
    this.baseline = winter.filter((flight) => flight % 3 === 0);
    this.asked = all.filter((flight) => weekOf(this.flights, flight) >= 16);
    const isAsked = new Set(this.asked);
    this.known = [...byKnownTime(this.flights)].filter((flight) => isAsked.has(flight));
    this.calendar = calendarFeatures(this.flights, training);
    const rows = training.map((flight) => ({ features: this.calendar.row(flight), label: this.truth(flight) }));
    this.champion = trainTabular(rows, {
      task: 'binary',
      positiveClass: className(true),
      classes: [className(false), className(true)],
      features: FEATURES,
      seed: 42,
      cvFolds: 5,
      tuningBudget: 1,
    }).model;
  }

  async start(models: readonly FlightsModel[]): Promise<void> {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const file = path.join(this.dataPath, 'config.yml');
    writeFileSync(file, configOf(models).replaceAll('BASE_URL', `http://127.0.0.1:${port}`));
    this.exporter = await startExporter({
      dataPath: this.dataPath,
      flags: [
        `--config.file=${file}`,
        `--web.listen-address=127.0.0.1:${port}`,
        `--clock.start=${new Date(START_MS).toISOString()}`,
        `--clock.speed=${SPEED}`,
      ],
    });
    const url = this.exporter.baseUrl;
    this.clock = new VirtualClock(SPEED, START_MS);
    for (const { name } of models) await uploadBaseline(url, name, VERSION, this.baselineRows());
    this.routers = models.map((model) => ({
      model,
      router: new Router({ url, model: model.name, version: VERSION, champion: this.champion }),
    }));
  }

  async close(): Promise<void> {
    await this.exporter?.kill('SIGTERM');
    rmSync(this.dataPath, { recursive: true, force: true });
  }

  call(method: 'GET' | 'POST', url: string, body?: unknown): Promise<Response> {
    return fetch(`${this.exporter!.baseUrl}${url}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  }

  /** Lets time pass, flights be asked for and labels come in, until `done` no longer throws. */
  async flyUntil<T>(done: () => Promise<T>): Promise<T> {
    return eventually(async () => {
      await this.fly();
      return done();
    }, 240_000);
  }

  /** The newest job of a model. */
  async job(model: string): Promise<JobJson & { readonly id: string; readonly trigger: string }> {
    const { jobs } = await jsonOf<{ jobs: { id: string }[] }>(
      await this.call('GET', `/api/ml/retrain/jobs?model=${model}`),
    );
    if (jobs[0] === undefined) throw new Error(`there is no job of ${model} yet`);
    return jsonOf(await this.call('GET', `/api/ml/retrain/jobs/${jobs[0].id}`));
  }

  private async fly(): Promise<void> {
    const now = this.clock!.now();
    const asked: number[] = [];
    const known: number[] = [];
    for (; this.nextAsked < this.asked.length && askedAtMs(this.flights, this.asked[this.nextAsked]!) <= now;)
      asked.push(this.asked[this.nextAsked++]!);
    for (; this.nextKnown < this.known.length && knownAtMs(this.flights, this.known[this.nextKnown]!) <= now;)
      known.push(this.known[this.nextKnown++]!);
    for (const { model, router } of this.routers) {
      await router.refresh();
      await this.post(
        '/api/ml/predictions',
        asked.flatMap((flight) => this.answers(model, router, flight)),
      );
      await this.post(
        '/api/ml/ground-truth',
        known.flatMap((flight) =>
          (this.answered.get(`${model.name} ${flight}`) ?? []).map((id) => ({
            model: model.name,
            prediction_id: id,
            label: this.truth(flight),
            timestamp: knownAtMs(this.flights, flight),
          })),
        ),
      );
    }
  }

  private answers({ name, latencyRatio }: FlightsModel, router: Router, flight: number): object[] {
    const features = this.calendar.row(flight);
    const events = router.answer(flight, features).map(({ version, shadow, prediction, score }) => ({
      model: name,
      version,
      prediction_id: `flight-${flight}${shadow ? '-shadow' : ''}`,
      timestamp: askedAtMs(this.flights, flight),
      features,
      prediction,
      score,
      latency_ms: LATENCY_MS * (1 + (flight % 97) / 97) * (version === VERSION ? 1 : latencyRatio),
    }));
    this.answered.set(
      `${name} ${flight}`,
      events.map((event) => event.prediction_id),
    );
    return events;
  }

  private async post(url: string, rows: readonly object[]): Promise<void> {
    for (let from = 0; from < rows.length; from += ROWS_A_REQUEST) {
      const reply = await this.call('POST', url, rows.slice(from, from + ROWS_A_REQUEST));
      const answer = await jsonOf<{ rejected: number }>(reply);
      if (reply.status !== 200 || answer.rejected > 0) throw new Error(`${url}: ${JSON.stringify(answer)}`);
    }
  }

  private baselineRows(): Readonly<Record<string, unknown>>[] {
    const rows = this.baseline.map((flight) => this.calendar.row(flight));
    const answers = predictTabular(this.champion, rows);
    return rows.map((row, i) => ({ ...row, ...answers[i]!, label: this.truth(this.baseline[i]!) }));
  }

  private truth(flight: number): string {
    return className(isLate(this.flights, flight));
  }
}

function configOf(models: readonly FlightsModel[]): string {
  return `
evaluation: { interval: 250ms }
windows: { performance: 7d, data_drift: 7d, prediction_drift: 7d, data_quality: 7d, latency: 24h, error_rate: 24h }
retention: { raw: 365d }
retraining:
  enabled: true
  check_interval: 3h
  triggers: { min_new_data_points: 50 }
  allowed_hosts: [127.0.0.1]
  allow_private_addresses: true
  hints: { tuning_budget: 1 }
  data: { window: 21d }
  rollout:
    soak: 1h
    max_score_drift: 1
    stages:
      - { percent: 0, min_time: 10m, min_predictions: 60 }
      - { percent: 50, min_time: 10m, min_predictions: 60, min_labels: 20 }
models:
${models
  .map(
    ({ name, trainer, approval }) =>
      `  ${name}: { task: binary, positive_class: late, retraining: { trainer: ${trainer}, approval: ${approval} } }`,
  )
  .join('\n')}
`;
}

function readFlights(): Flights {
  const file = path.join(__dirname, '..', 'fixtures', 'flights-weeks.csv.gz');
  const rows = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n').slice(1);
  const codes = new Map<string, number>();
  const codeOf = (airport: string): number => {
    if (!codes.has(airport)) codes.set(airport, codes.size);
    return codes.get(airport)!;
  };
  const cells = rows.map((row) => row.split(',') as [string, string, string, string, string]);
  return {
    departureMs: Float64Array.from(cells, ([minute]) => Number(minute) * 60_000),
    delayMinutes: Float64Array.from(cells, ([, delay]) => Number(delay)),
    distanceMiles: Float64Array.from(cells, ([, , distance]) => Number(distance)),
    origin: Uint16Array.from(cells, ([, , , origin]) => codeOf(origin)),
    destination: Uint16Array.from(cells, ([, , , , destination]) => codeOf(destination)),
    airports: [...codes.keys()],
  };
}
