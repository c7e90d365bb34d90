import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { uploadBaseline } from '../../demo/exporter.ts';
import { installDataset, readFlights } from '../../demo/flights/dataset.ts';
import type { Flights } from '../../demo/flights/dataset.ts';
import { askedAtMs, byKnownTime, FIRST_DAY_MS, knownAtMs, WEEK_MS } from '../../demo/flights/features.ts';
import { trainModels } from '../../demo/flights/models.ts';
import type { Trained } from '../../demo/flights/models.ts';
import { Sender, VERSION } from '../../demo/flights/replay.ts';
import { baselineRows } from '../../demo/flights/run.ts';
import { startAlertReceivers } from '../fakes/alert-receivers.ts';
import { startAlertmanager } from '../support/alert-chain.ts';
import { eventually, jsonOf, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { translateTimes } from '../support/other-time.ts';
import { freePort } from '../support/free-port.ts';
import { describeWith, promQuery } from '../support/prometheus.ts';
import { temporaryFolder } from '../support/test-server.ts';

const PACKAGE = path.resolve(__dirname, '..', '..');
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** The spring of 2001, in which fewer flights were late than a winter's model says: from a week before, until it is over. */
const FROM_MS = FIRST_DAY_MS + 14 * WEEK_MS;
const WATCHED_FROM_MS = FROM_MS + WEEK_MS;
const TO_MS = FIRST_DAY_MS + 20.5 * WEEK_MS;
/** When all has left the windows, and when labels have judged all. */
const EMPTY_MS = TO_MS + WEEK_MS + DAY_MS;
const JUDGED_MS = EMPTY_MS + WEEK_MS + DAY_MS;
const STEP_MS = 2 * DAY_MS;
/** Every so many flights. */
const SAMPLE = 32;
const WAIT_MS = 300_000;
/** What hangs is meant: no machine is asked to be fast. */
const TIMEOUT_MS = 3_600_000;
/** Days pass in seconds, beside which the minutes before and after an alert are nothing. */
const PACE = {
  scrape: '3s',
  evaluation: '200ms',
  groupWait: '0s',
  groupInterval: '200ms',
  for: '0s',
  keepFiringFor: '0s',
  groups: /recording|checks/,
};

const withChain = describeWith('prometheus', 'prometheus-alertmanager');

interface HistoryAlert {
  readonly id: string;
  readonly alertname: string;
  readonly model: string;
  readonly severity: string;
  readonly status: string;
  readonly starts_at: string;
  readonly ends_at: string | null;
  readonly verdict: { readonly verdict: string; readonly source: string; readonly note: string } | null;
}
interface Share {
  readonly value: number | null;
  readonly of: number;
}
interface Effectiveness {
  readonly rules: readonly {
    readonly alertname: string;
    readonly fired: number;
    readonly verdicts: Readonly<Record<string, number>>;
    readonly precision: Share;
    readonly recall: Share | null;
    readonly lead_time_seconds: number | null;
    readonly time_to_acknowledge_seconds: number | null;
  }[];
  readonly losses: number;
  readonly misses: readonly object[];
}

withChain('2001’s flights: what the alerts of two real models were worth', () => {
  const folder = temporaryFolder();
  const opened: (() => unknown)[] = [];
  /** Since when it has been which time on the exporter's clock. */
  const clock: { readonly hereMs: number; readonly thereMs: number }[] = [];
  let exporter: ExporterProcess;
  let prometheus: string;
  let flights: Flights;
  let trained: Trained;
  let senders: readonly Sender[];
  let labels: readonly number[];

  beforeAll(async () => {
    for (const name of ['data', 'chain']) mkdirSync(path.join(folder, name));
    flights = await readFlights(installDataset(PACKAGE), () => undefined);
    trained = await trainModels(PACKAGE, flights, SAMPLE, () => undefined);
    const replayed = new Set(trained.replayed);
    labels = [...byKnownTime(flights)].filter((flight) => replayed.has(flight));
    exporter = await startExporter({
      dataPath: path.join(folder, 'data'),
      flags: [`--config.file=${path.join(PACKAGE, 'demo', 'flights.yml')}`],
      clockStartMs: FROM_MS,
    });
    opened.push(() => exporter.kill('SIGTERM'));
    for (const model of trained.models)
      await uploadBaseline(exporter.baseUrl, model.features.name, VERSION, baselineRows(flights, trained, model));
    senders = trained.models.map((model) => new Sender(model, flights, exporter.baseUrl));
    opened.push(() => Promise.all(senders.map((sender) => sender.monitor.close())));
    const receivers = await startAlertReceivers();
    opened.push(receivers.close);
    const times = await translateTimes(
      () => `${exporter.baseUrl}/api/ml/alerts/webhook`,
      (hereMs) => (clock.findLast((since) => since.hereMs <= hereMs) ?? clock[0]!).thereMs,
    );
    opened.push(times.close);
    const chain = await startAlertmanager(
      path.join(folder, 'chain'),
      await freePort(),
      receivers,
      times.webhookUrl,
      PACE,
    );
    opened.push(chain.stop);
    // Whatever fires on the first days of a week would be about days of the week.
    await send(FROM_MS, WATCHED_FROM_MS);
    prometheus = await chain.startPrometheus(exporter.baseUrl);
    await replay();
  }, TIMEOUT_MS);
  // Also when the start failed halfway: what is left open would keep the run from ending.
  afterAll(async () => {
    for (const close of opened.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });

  function setClock(thereMs: number): void {
    clock.push({ hereMs: Date.now(), thereMs });
    exporter.setClock(thereMs);
  }

  /** It becomes `toMs`, by quarters of a day: what was asked and known since `fromMs` is sent when its time has come. */
  async function send(fromMs: number, toMs: number): Promise<void> {
    for (let untilMs = fromMs + DAY_MS / 4; untilMs <= toMs; untilMs += DAY_MS / 4) {
      const isNew = (ms: number) => ms > untilMs - DAY_MS / 4 && ms <= untilMs;
      const asked = trained.replayed.filter((flight) => isNew(askedAtMs(flights, flight)));
      const known = labels.filter(
        (flight) => isNew(knownAtMs(flights, flight)) && askedAtMs(flights, flight) > FROM_MS,
      );
      setClock(untilMs);
      for (const sender of senders) await sender.send(asked, known);
    }
  }

  /** A moment later: it is evaluated, scraped, and has gone through the rules. */
  async function watch(nowMs: number): Promise<void> {
    setClock(nowMs + MINUTE_MS);
    await eventually(async () => {
      const [evaluated] = await promQuery(prometheus, 'max(ml_exporter_evaluation_last_success_timestamp_seconds)');
      expect(evaluated?.value).toBe((nowMs + MINUTE_MS) / 1_000);
    }, WAIT_MS);
    // Recording rules first, then, at the next turn, the alerts that rest on them.
    for (let turn = 0; turn < 2; turn++) await ruleTurn();
  }

  async function replay(): Promise<void> {
    let seen: readonly HistoryAlert[] = [];
    for (let nowMs = WATCHED_FROM_MS; nowMs <= TO_MS; nowMs += STEP_MS) {
      if (nowMs > WATCHED_FROM_MS) await send(nowMs - STEP_MS, nowMs);
      await watch(nowMs);
      // Somebody looks at every step, and takes on what was new at the one before.
      for (const { id } of seen) await acknowledge(id);
      seen = (await history()).filter(({ status }) => status === 'firing');
    }
    // No more flights: windows run empty, what fires ends, and a window later labels can judge it.
    await watch(EMPTY_MS);
    await eventually(async () => {
      expect((await history()).filter(({ status }) => status === 'firing')).toEqual([]);
    }, WAIT_MS);
    await watch(JUDGED_MS);
  }

  async function acknowledge(id: string): Promise<void> {
    expect((await fetch(`${exporter.baseUrl}/api/ml/alerts/${id}/acknowledge`, { method: 'POST' })).status).toBe(200);
  }

  async function ruleTurn(): Promise<void> {
    const began = Date.now();
    await eventually(async () => {
      const { data } = await jsonOf<{ data: { groups: { lastEvaluation: string }[] } }>(
        await fetch(`${prometheus}/rules`),
      );
      for (const { lastEvaluation } of data.groups) expect(Date.parse(lastEvaluation)).toBeGreaterThan(began);
    }, WAIT_MS);
  }

  const history = async () =>
    (await jsonOf<{ alerts: HistoryAlert[] }>(await fetch(`${exporter.baseUrl}/api/ml/alerts?limit=500`))).alerts;

  async function effectivenessOf(model: string): Promise<Effectiveness> {
    const range = `from=${new Date(FROM_MS).toISOString()}&to=${new Date(JUDGED_MS).toISOString()}`;
    return jsonOf(await fetch(`${exporter.baseUrl}/api/ml/alerts/effectiveness?model=${model}&${range}`));
  }
  const judged = async (model: string, alertname: string) =>
    (await history())
      .filter((alert) => alert.model === model && alert.alertname === alertname)
      .map(({ verdict }) => [verdict?.verdict, verdict?.source]);

  test('the calendar model’s calibration broke: the alert of it was true, as later labels say, and nothing was missed', async () => {
    const { rules, losses, misses } = await effectivenessOf('calendar');
    const rule = rules.find(({ alertname }) => alertname === 'MLCalibrationShifted');
    expect([losses, misses]).toEqual([1, []]);
    expect(rule).toMatchObject({ precision: { value: 1 }, recall: { value: 1, of: 1 } });
    expect(rule!.time_to_acknowledge_seconds).toBeGreaterThan(0);
    for (const verdict of await judged('calendar', 'MLCalibrationShifted')) expect(verdict).toEqual(['true', 'labels']);
  });

  test('the lagged model’s features drifted, and it held: benign', async () => {
    const { rules, losses, misses } = await effectivenessOf('lagged');
    const rule = rules.find(({ alertname }) => alertname === 'MLDataDrift');
    expect([losses, misses]).toEqual([0, []]);
    expect(rule).toMatchObject({ precision: { value: 0 }, recall: { value: null, of: 0 } });
    const verdicts = await judged('lagged', 'MLDataDrift');
    expect(verdicts.length).toBeGreaterThan(0);
    for (const verdict of verdicts) expect(verdict).toEqual(['benign', 'labels']);
  });
});
