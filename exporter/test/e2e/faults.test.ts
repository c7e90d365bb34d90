import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { ModelMonitor } from '../../client/model-monitor.ts';
import { uploadBaseline } from '../../demo/exporter.ts';
import { createRealEstateLoad, FAULTS } from '../../demo/real-estate/load.ts';
import type { Fault } from '../../demo/real-estate/load.ts';
import { eventually, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { temporaryFolder } from '../support/test-server.ts';

const CONFIG = path.resolve(__dirname, '..', '..', 'demo', 'real-estate.yml');
const WINDOW_MS = 4 * 60_000;
const MODELS = ['move_probability', 'transaction_type', 'contact_timing', 'property_value'];
/** The check that a fault is for, and those that may rightly notice it too. */
const FOUND_BY: Readonly<Record<Fault, { readonly check: string; readonly also: readonly string[] }>> = {
  data_drift: { check: 'data_drift', also: ['prediction_drift', 'performance', 'data_quality'] },
  shifted_predictions: { check: 'prediction_drift', also: ['performance'] },
  latency_spike: { check: 'latency', also: [] },
  errors: { check: 'error_rate', also: [] },
  missing_values: { check: 'data_quality', also: ['data_drift'] },
  degraded_accuracy: { check: 'performance', also: [] },
};

/** As in the demo, but what was sent is still in the windows when a slow machine comes to look at it. */
function patientConfig(): string {
  const config = parse(readFileSync(CONFIG, 'utf8')) as { windows: Record<string, string> };
  const windows = Object.fromEntries(Object.keys(config.windows).map((check) => [check, '1h']));
  return stringify({ ...config, evaluation: { interval: '1s' }, windows });
}

/** Every fault is a version of its own, so that one window holds them all; version "none" has none. */
describe('each fault of the real-estate load is found within its window, by its check', () => {
  let dataPath: string;
  let exporter: ExporterProcess;
  beforeAll(async () => {
    dataPath = temporaryFolder();
    const file = path.join(dataPath, 'config.yml');
    writeFileSync(file, patientConfig());
    exporter = await startExporter({ dataPath, flags: [`--config.file=${file}`] });
    for (const version of ['none', ...FAULTS]) await sendWindow(version);
  });
  afterAll(async () => {
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });

  const monitorOf = (model: string, version: string) =>
    new ModelMonitor({
      url: exporter.baseUrl,
      model,
      version,
      onRejected: ([first]) => {
        throw new Error(`rejected: ${JSON.stringify(first)}`);
      },
    });

  async function sendWindow(version: string): Promise<void> {
    const load = createRealEstateLoad({ seed: 7, ratePerSecond: 8, run: version });
    for (const model of load.models) {
      await uploadBaseline(exporter.baseUrl, model, version, load.baseline(model, 3_000));
      for (const fault of FAULTS) load.setFault(model, fault, fault === version);
    }
    const now = Date.now();
    const { predictions, labels } = load.between(now - WINDOW_MS, now);
    for (const model of load.models) {
      const monitor = monitorOf(model, version);
      for (const { predictionId, timeMs, features, answer, error, latencyMs } of predictions.filter(
        (one) => one.model === model,
      ))
        monitor.logPrediction({
          predictionId,
          timestamp: new Date(timeMs),
          features,
          latencyMs,
          ...(answer ?? {}),
          ...(error === null ? {} : { error }),
        });
      await monitor.flush();
      for (const { predictionId, timeMs, label } of labels.filter((one) => one.model === model))
        monitor.logGroundTruth({ predictionId, label, timestamp: new Date(timeMs) });
      await monitor.close();
    }
  }

  async function alertsOf(model: string, version: string): Promise<string[]> {
    const { checks } = await monitorOf(model, version).checkModelHealth();
    expect(Object.values(checks).map(({ state }) => state)).not.toContain('insufficient_data');
    return Object.keys(checks).filter((check) => checks[check]!.alert);
  }

  test.each(MODELS)('%s without faults: no check alerts', async (model) => {
    await eventually(async () => expect(await alertsOf(model, 'none')).toEqual([]));
  });

  test.each(FAULTS.flatMap((fault) => MODELS.map((model) => [fault, model] as const)))(
    '%s of %s',
    async (fault, model) => {
      const { check, also } = FOUND_BY[fault];
      await eventually(async () => {
        const alerts = await alertsOf(model, fault);
        expect(alerts).toContain(check);
        expect(alerts.filter((one) => one !== check && !also.includes(one))).toEqual([]);
      });
    },
  );
});
