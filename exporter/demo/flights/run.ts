import path from 'node:path';
import { ProgressBar, styled } from '../console.ts';
import { startDemoExporter, uploadBaseline } from '../exporter.ts';
import { installDataset, readFlights } from './dataset.ts';
import type { Flights } from './dataset.ts';
import { FIRST_DAY_MS, isLate, WEEK_MS } from './features.ts';
import { describeFindings } from './findings.ts';
import { LAST_TRAINING_WEEK, trainModels } from './models.ts';
import type { Trained } from './models.ts';
import { className, replay, VERSION } from './replay.ts';
import type { WeekFound } from './replay.ts';

export interface FlightsOptions {
  readonly packageFolder: string;
  readonly listenAddress: string;
  /** Every so many flights are replayed. */
  readonly sample: number;
  /** Virtual seconds a second. */
  readonly speed: number;
  readonly stopped: () => boolean;
}

/** Trains on the winter of 2001, replays its spring, and says what the monitor found beside what is true. */
export async function runFlights(options: FlightsOptions): Promise<void> {
  const { packageFolder, listenAddress, sample, speed, stopped } = options;
  const file = installDataset(packageFolder);
  const reading = new ProgressBar('Reading flights');
  const flights = await readFlights(file, (share) => reading.show(share));
  reading.end(`${flights.departureMs.length.toLocaleString('en')} flights`);
  const training = new ProgressBar('Training on weeks 0-7');
  const trained = await trainModels(packageFolder, flights, sample, (share) =>
    training.show(share, 'calendar, lagged'),
  );
  training.end('calendar, lagged');

  const startMs = FIRST_DAY_MS + (LAST_TRAINING_WEEK + 1) * WEEK_MS;
  const exporter = await startDemoExporter(packageFolder, [
    `--config.file=${path.join(packageFolder, 'demo', 'flights.yml')}`,
    `--web.listen-address=${listenAddress}`,
    `--clock.start=${new Date(startMs).toISOString()}`,
    `--clock.speed=${speed}`,
  ]);
  try {
    for (const model of trained.models)
      await uploadBaseline(exporter.url, model.features.name, VERSION, baselineRows(flights, trained, model));
    console.log(
      `Watch it at ${styled('bold', `${exporter.url}/`)}: a week passes in ${(WEEK_MS / 1_000 / speed).toFixed(0)} s.`,
    );
    const replaying = new ProgressBar('Replaying weeks 8-25');
    const found: WeekFound[] = [];
    await Promise.race([
      exporter.ended,
      replay(flights, trained, {
        url: exporter.url,
        speed,
        startMs,
        stopped,
        onProgress: (share, note) => replaying.show(share, note),
        onWeek: (week) => found.push(week),
      }),
    ]);
    replaying.end();
    console.log(describeFindings(flights, trained, found));
  } finally {
    await exporter.stop();
  }
}

/** Flights of the training weeks that a model has not seen, as its reference. */
export function baselineRows(flights: Flights, { baseline }: Trained, { features, scores }: Trained['models'][number]) {
  return baseline.map((flight) => ({
    ...features.row(flight),
    prediction: className(scores[flight]! > 0.5),
    score: scores[flight]!,
    label: className(isLate(flights, flight)),
  }));
}
