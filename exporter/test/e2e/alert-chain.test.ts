import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { uploadBaseline } from '../../demo/exporter.ts';
import { createRealEstateLoad, FAULTS } from '../../demo/real-estate/load.ts';
import type { Fault, SimulatedLabel, SimulatedPrediction } from '../../demo/real-estate/load.ts';
import { startAlertReceivers } from '../fakes/alert-receivers.ts';
import type { AlertReceivers, Message } from '../fakes/alert-receivers.ts';
import { startAlertmanager } from '../support/alert-chain.ts';
import type { AlertChain } from '../support/alert-chain.ts';
import { eventually, jsonOf, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { freePort } from '../support/free-port.ts';
import { describeWith } from '../support/prometheus.ts';
import { temporaryFolder } from '../support/test-server.ts';

const CONFIG = path.resolve(__dirname, '..', '..', 'demo', 'real-estate.yml');
const KEPT = path.resolve(__dirname, '..', '..', 'testdata', 'alert-messages');
const VERSION = '1';
const RATE = 5;
const FAULTY_MS = 2 * 60_000;
/** So much healthy traffic follows that a window of both is healthy. */
const RECOVERY = 20;
/** Twice the interval of groups: the messages that are expected have all come by then, and another would be one too many. */
const QUIET_MS = 6_000;

/** A fault is switched on in one model of its own; one model has none. */
const CASES: Readonly<Record<Fault | 'none', string>> = {
  none: 'move_probability',
  data_drift: 'move_probability',
  shifted_predictions: 'contact_timing',
  latency_spike: 'contact_timing',
  errors: 'transaction_type',
  missing_values: 'property_value',
  degraded_accuracy: 'move_probability',
};
/** Whose alerts ask for retraining: one is free to, the other one's cool-down has begun. */
const RETRAINED: readonly Fault[] = ['degraded_accuracy', 'errors'];
const modelOf = (fault: string) => `${CASES[fault as Fault]}_${fault}`;

/** Who hears what of each fault: the alerts in each message, and what inhibition keeps from everybody. */
const HEARD: Readonly<
  Record<
    Fault,
    { readonly [channel in Message['channel']]?: readonly (readonly string[])[] } & {
      readonly muted: readonly string[];
    }
  >
> = JSON.parse(readFileSync(path.join(KEPT, 'heard.json'), 'utf8'));

const withChain = describeWith('prometheus', 'prometheus-alertmanager');

interface HistoryAlert {
  readonly alertname: string;
  readonly model: string;
  readonly severity: string;
  readonly status: string;
  readonly suppressed: string | null;
  readonly description: string;
}

withChain('from a fault to the people who must know of it, and back into history', () => {
  const folder = temporaryFolder();
  let receivers: AlertReceivers;
  let chain: AlertChain;
  let exporter: ExporterProcess;
  const firing: Message[] = [];
  const ended: Message[] = [];

  beforeAll(async () => {
    for (const name of ['data', 'chain']) mkdirSync(path.join(folder, name));
    receivers = await startAlertReceivers();
    opened.push(receivers.close);
    const port = await freePort();
    const configFile = path.join(folder, 'exporter.yml');
    writeFileSync(configFile, exporterConfig(`http://127.0.0.1:${port}`));
    exporter = await startExporter({
      dataPath: path.join(folder, 'data'),
      flags: [`--config.file=${configFile}`, '--log.format=json'],
    });
    opened.push(() => exporter.kill('SIGTERM'));
    chain = await startAlertmanager(
      path.join(folder, 'chain'),
      port,
      receivers,
      `${exporter.baseUrl}/api/ml/alerts/webhook`,
    );
    opened.push(chain.stop);
    const loads = new Map(Object.keys(CASES).map((fault) => [fault, loadOf(fault)]));
    for (const [fault, load] of loads)
      await uploadBaseline(exporter.baseUrl, modelOf(fault), VERSION, load.baseline(CASES[fault as Fault], 3_000));
    const now = Date.now();
    for (const [fault, load] of loads) await send(fault, load.between(now - FAULTY_MS, now));
    await eventually(async () => {
      for (const fault of FAULTS) expect(await checksInAlert(modelOf(fault))).not.toEqual([]);
    });
    await endJob(modelOf('errors'));
    await chain.startPrometheus(exporter.baseUrl);
  });
  // Also when the start failed halfway: what is left open would keep the run from ending.
  const opened: (() => unknown)[] = [];
  afterAll(async () => {
    for (const close of opened.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function post(route: string, rows: readonly object[]): Promise<void> {
    if (rows.length === 0) return;
    const response = await fetch(`${exporter.baseUrl}/api/ml/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(rows),
    });
    expect(await jsonOf(response)).toMatchObject({ rejected: 0 });
  }

  async function send(
    fault: string,
    {
      predictions,
      labels,
    }: { readonly predictions: readonly SimulatedPrediction[]; readonly labels: readonly SimulatedLabel[] },
  ): Promise<void> {
    const mine = <T extends { readonly model: string }>(rows: readonly T[]) =>
      rows.filter(({ model }) => model === CASES[fault as Fault]);
    await post(
      'predictions',
      mine(predictions).map(({ predictionId, timeMs, features, answer, error, latencyMs }) => ({
        model: modelOf(fault),
        version: VERSION,
        prediction_id: predictionId,
        timestamp: timeMs,
        features,
        latency_ms: latencyMs,
        ...(answer ?? {}),
        error,
      })),
    );
    await post(
      'ground-truth',
      mine(labels).map(({ predictionId, label, timeMs }) => ({
        model: modelOf(fault),
        prediction_id: predictionId,
        label,
        timestamp: timeMs,
      })),
    );
  }

  async function checksInAlert(model: string): Promise<string[]> {
    const response = await fetch(`${exporter.baseUrl}/api/ml/health/${model}`);
    const { checks } = await jsonOf<{ checks: Record<string, { alert: boolean }> }>(response);
    return Object.keys(checks).filter((check) => checks[check]!.alert);
  }

  /** A job that a person asked for and thought better of: the cool-down begins. */
  async function endJob(model: string): Promise<void> {
    const jobId = await eventually(async () => {
      const reply = await fetch(`${exporter.baseUrl}/api/ml/retrain/${model}`, { method: 'POST' });
      if (reply.status !== 202) throw new Error(`${reply.status} ${await reply.text()}`);
      return (await jsonOf<{ jobId: string }>(reply)).jobId;
    });
    const cancelled = await fetch(`${exporter.baseUrl}/api/ml/retrain/jobs/${jobId}/cancel`, { method: 'POST' });
    expect(cancelled.status).toBe(202);
    await eventually(async () => expect(await jobsOf(model)).toMatchObject([{ state: 'cancelled' }]));
  }

  const jobsOf = async (model: string) =>
    (
      await jsonOf<{ jobs: { trigger: string; state: string; reasons: { code: string; note: string }[] }[] }>(
        await fetch(`${exporter.baseUrl}/api/ml/retrain/jobs?model=${model}`),
      )
    ).jobs;

  /** What became of the looks at the triggers of a model, as the log says it. */
  const checksOf = (model: string) =>
    exporter
      .log()
      .split('\n')
      .filter((line) => line.includes('the triggers of a model were checked'))
      .map((line) => JSON.parse(line) as { model: string; result: string; blockedBy: string[] })
      .filter((check) => check.model === model);

  const history = async () =>
    (await jsonOf<{ alerts: HistoryAlert[] }>(await fetch(`${exporter.baseUrl}/api/ml/alerts?limit=500`))).alerts;

  /** Waits for at least so many messages, and then until none has come for longer than a group interval. */
  async function settled(least: number): Promise<void> {
    await eventually(() => {
      expect(receivers.messages.length).toBeGreaterThanOrEqual(least);
      return Promise.resolve();
    });
    for (let seen = -1; seen !== receivers.messages.length;) {
      seen = receivers.messages.length;
      await sleep(QUIET_MS);
    }
  }

  test('each fault is heard where it belongs, once, with its figures', async () => {
    await settled(Math.max(1, expectedMessages()));
    firing.push(...receivers.messages);
    const found = Object.fromEntries(FAULTS.map((fault) => [fault, heardOf(firing, fault)]));
    for (const fault of FAULTS) keep(fault, 'firing', firing);
    if (process.env.UPDATE_GOLDEN === '1') return;
    expect(found).toEqual(Object.fromEntries(FAULTS.map((fault) => [fault, withoutMuted(HEARD[fault])])));
    expect(firing.filter((message) => subjectOf(message).includes(modelOf('none')))).toEqual([]);
    expect(firing).toHaveLength(expectedMessages());
  });

  test('what inhibition muted reached nobody, and is known to have been muted', async () => {
    await eventually(async () => {
      const muted = (await history()).filter(({ suppressed }) => suppressed === 'inhibited');
      const found = Object.fromEntries(
        FAULTS.map((fault) => [
          fault,
          muted
            .filter(({ model }) => model === modelOf(fault))
            .map(nameOf)
            .sort(),
        ]),
      );
      if (process.env.UPDATE_GOLDEN === '1') {
        writeHeard(firing, found);
        return;
      }
      expect(found).toEqual(Object.fromEntries(FAULTS.map((fault) => [fault, [...HEARD[fault].muted].sort()])));
    });
  });

  test('an alert whose rule says so starts one job, however often it is told, and none within the cool-down', async () => {
    await eventually(() => {
      for (const fault of RETRAINED) expect([fault, checksOf(modelOf(fault))]).not.toEqual([fault, []]);
      return Promise.resolve();
    });
    const looks = checksOf(modelOf('degraded_accuracy'));
    expect(looks[0]).toMatchObject({ result: 'started', blockedBy: [] });
    expect(looks.filter(({ result }) => result === 'started')).toHaveLength(1);
    await eventually(async () =>
      expect(await jobsOf(modelOf('degraded_accuracy'))).toMatchObject([{ trigger: 'alert', state: 'training' }]),
    );
    const [job] = await jobsOf(modelOf('degraded_accuracy'));
    expect(job!.reasons[0]).toMatchObject({ code: 'alert', note: expect.stringMatching(/^ML(Accuracy|Calibration)/) });
    for (const check of checksOf(modelOf('errors')))
      expect(check).toMatchObject({ result: 'not_started', blockedBy: ['cooldown'] });
    expect(await jobsOf(modelOf('errors'))).toMatchObject([{ trigger: 'manual', state: 'cancelled' }]);
  });

  test('when the faults are over, the same people are told so, once', async () => {
    const now = Date.now();
    for (const fault of FAULTS) {
      const load = createRealEstateLoad({ seed: 11, ratePerSecond: RATE * RECOVERY, run: `healthy-${fault}` });
      await send(fault, load.between(now - FAULTY_MS, now));
    }
    await eventually(async () => {
      for (const fault of FAULTS) expect(await checksInAlert(modelOf(fault))).toEqual([]);
    });
    await settled(2 * firing.length);
    ended.push(...receivers.messages.slice(firing.length));
    for (const fault of FAULTS) {
      keep(fault, 'resolved', ended);
      expect(heardOf(ended, fault)).toEqual(heardOf(firing, fault));
    }
    expect(ended.every(isResolved)).toBe(true);
    expect(firing.some(isResolved)).toBe(false);
  });

  test('history has each incident once, from its beginning to its end', async () => {
    await eventually(async () => {
      const alerts = await history();
      const told = alerts.filter(({ suppressed, model }) => suppressed === null && model !== '');
      expect(new Set(told.map((alert) => `${alert.model} ${nameOf(alert)}`)).size).toBe(told.length);
      expect(told.map(({ status }) => status)).toEqual(told.map(() => 'resolved'));
      for (const fault of FAULTS)
        expect(
          [...new Set(told.filter(({ model }) => model === modelOf(fault)).map(({ alertname }) => alertname))].sort(),
        ).toEqual([...new Set(Object.values(heardOf(firing, fault)).flat(2))].sort());
      const begun = await metric(exporter.baseUrl, 'ml_alert_notifications_total');
      expect(begun).toBeGreaterThanOrEqual(2 * told.length);
    });
    for (const fault of RETRAINED) expect(await jobsOf(modelOf(fault))).toHaveLength(1);
  });
});

/** Windows as in the demo; each case a model with the settings of the one that it is made of. */
function exporterConfig(alertmanagerUrl: string): string {
  const config = parse(readFileSync(CONFIG, 'utf8')) as { models: Record<string, object> };
  // Its trainer takes longer than the test; no check is due by the schedule.
  const retraining = {
    enabled: true,
    check_interval: '30d',
    trainer: { type: 'command', command: ['sleep', '3600'] },
    // The predictions are made of before the baseline, which counts as the training.
    triggers: { min_new_data_points: 0 },
    data: { min_rows: 100 },
  };
  const models = Object.fromEntries(
    Object.keys(CASES).map((fault) => [
      modelOf(fault),
      { ...config.models[CASES[fault as Fault]], ...((RETRAINED as string[]).includes(fault) ? { retraining } : {}) },
    ]),
  );
  return stringify({
    ...config,
    evaluation: { interval: '1s' },
    alerts: { alertmanager_url: alertmanagerUrl },
    models,
  });
}

function loadOf(fault: string) {
  const load = createRealEstateLoad({ seed: 7, ratePerSecond: RATE, run: fault });
  if (fault !== 'none') load.setFault(CASES[fault as Fault], fault as Fault, true);
  return load;
}

const nameOf = ({ alertname, severity }: HistoryAlert) => `${alertname} ${severity}`;

/** All of a message in one text, to look for a model in. */
function subjectOf({ body }: Message): string {
  return typeof body === 'string' ? body.replaceAll('=\r\n', '').replaceAll('=3D', '=') : JSON.stringify(body);
}

function isResolved({ channel, body }: Message): boolean {
  if (channel === 'pagerduty') return (body as { event_action: string }).event_action === 'resolve';
  return /"title":"Resolved|Subject: .*\(resolved\)/.test(subjectOf({ channel, body }));
}

/** By channel, the alerts that each message about a fault's model is of: runbooks name them. */
function heardOf(messages: readonly Message[], fault: Fault): Record<string, string[][]> {
  const heard: Record<string, string[][]> = {};
  for (const message of messages) {
    const text = subjectOf(message);
    if (!new RegExp(`\\b${modelOf(fault)}\\b`).test(text)) continue;
    const names = [...text.matchAll(/runbooks\/(ML\w+)\.md/g)].map(([, name]) => name!);
    (heard[message.channel] ??= []).push([...new Set(names)].sort());
  }
  for (const channel of Object.values(heard)) channel.sort((a, b) => (String(a) < String(b) ? -1 : 1));
  return heard;
}

function withoutMuted({ muted: _muted, ...heard }: (typeof HEARD)[Fault]): object {
  return heard;
}

function expectedMessages(): number {
  return Object.values(HEARD)
    .flatMap((heard) => Object.values(withoutMuted(heard)) as unknown[][])
    .reduce((sum, messages) => sum + messages.length, 0);
}

function writeHeard(messages: readonly Message[], muted: Readonly<Record<string, string[]>>): void {
  const heard = Object.fromEntries(
    FAULTS.map((fault) => [fault, { ...heardOf(messages, fault), muted: muted[fault]! }]),
  );
  writeFileSync(path.join(KEPT, 'heard.json'), `${JSON.stringify(heard, null, 2)}\n`);
}

/** What people get to see, kept to be read; a change of it is a change of the file. */
function keep(fault: Fault, when: string, messages: readonly Message[]): void {
  const mine = messages
    .filter((message) => new RegExp(`\\b${modelOf(fault)}\\b`).test(subjectOf(message)))
    .map(({ channel, body }) => ({ channel, body: typeof body === 'string' ? mailText(body) : body }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const text = `${steady(JSON.stringify(mine, null, 2))}\n`;
  const file = path.join(KEPT, `${fault}.${when}.json`);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, text);
  else expect(text).toBe(readFileSync(file, 'utf8'));
}

/** Subject and plain text of a mail. */
function mailText(mail: string): object {
  const decoded = mail
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_code, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  const text = /Content-Type: text\/plain[^]*?\r\n\r\n([^]*?)\r\n--/.exec(decoded)?.[1] ?? '';
  return {
    subject: /^Subject: (.*)\r$/m.exec(mail)?.[1] ?? '',
    to: /^To: (.*)\r$/m.exec(mail)?.[1] ?? '',
    text: text.trim().split(/\r?\n/),
  };
}

/** What differs from run to run. */
function steady(text: string): string {
  return text
    .replaceAll(/http:\/\/[\w.-]+:\d+(?=\/(#|graph))/g, 'http://alertmanager:9093')
    .replaceAll(/"dedup_key": "\w+"/g, '"dedup_key": "..."')
    .replaceAll(/"ts": \d+/g, '"ts": 0')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d(\.\d+)?)?( \+0000 UTC)?/g, '2026-11-26 10:00')
    .replaceAll(/(Source: http:\/\/)[^\\"]*/g, '$1prometheus:9090/graph');
}
