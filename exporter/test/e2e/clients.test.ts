import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { MLDashboardService } from '../../client/ml-dashboard-service.ts';
import { ModelMonitor } from '../../client/model-monitor.ts';
import { eventually, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { hasPython, runPython } from '../support/python.ts';
import { temporaryFolder } from '../support/test-server.ts';

const FAST = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'clients.yml')}`];
const EXAMPLES = path.resolve(__dirname, '..', '..', 'client', 'python');

const withPython = hasPython ? test : test.skip;

describe('clients against the running exporter', () => {
  const dataPath = temporaryFolder();
  let exporter: ExporterProcess;
  let dashboard: MLDashboardService;
  beforeAll(async () => {
    exporter = await startExporter({ dataPath, flags: FAST });
    dashboard = new MLDashboardService({ url: exporter.baseUrl });
  });
  afterAll(async () => {
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });
  const windowOf = (model: string) =>
    eventually(async () => {
      const { checks } = (await dashboard.getModelHealthScores())[model]!;
      return checks;
    });

  test('TypeScript: predictions and ground truth in, health and dashboard out, retraining asked for', async () => {
    const monitor = new ModelMonitor({ url: exporter.baseUrl, model: 'typescript', version: '1' });
    for (let i = 0; i < 600; i++) {
      const predictionId = monitor.logPrediction({ features: { i }, prediction: i % 2 === 0 ? 'a' : 'b', score: 0.75 });
      monitor.logGroundTruth({ predictionId, label: 'a' });
    }
    await monitor.flush();
    monitor.logBusinessMetric({ name: 'revenue', value: 120 });
    await monitor.close();
    expect(monitor.dropped).toBe(0);
    await eventually(async () => {
      const { checks } = await monitor.checkModelHealth();
      expect(checks.error_rate).toMatchObject({ state: 'ok', samples: 600 });
    });
    const { activeAlerts, models, range } = await dashboard.getDashboardMetrics('24h');
    expect([range, Object.keys(models)]).toEqual(['24h', ['typescript']]);
    expect(Array.isArray(activeAlerts)).toBe(true);
    await expect(dashboard.getDashboardMetrics('always')).rejects.toThrow(/400 Bad request: range must be a span/);
    // Counts are stored once a minute.
    await eventually(async () => {
      const report = await dashboard.getWeeklyReport('typescript', new Date().toISOString().slice(0, 10));
      expect(report).toMatchObject({ complete: false, version: '1', predictions: 600, label_coverage: 1 });
      expect(report.business).toMatchObject([
        { name: 'revenue', mean: 120, values: 1, correlations: [{ coefficient: null }, {}, {}] },
      ]);
    }, 150_000);
    await expect(dashboard.getWeeklyReport('typescript', '2026-W99')).rejects.toThrow(/400 Bad request: week must be/);
    await expect(dashboard.getWeeklyReport('nobody')).rejects.toThrow(/404/);
    const { jobId, created } = await dashboard.triggerRetraining('typescript', 'a test');
    expect([created, jobId]).toEqual([true, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    expect(await (await fetch(`${exporter.baseUrl}/admin/ml/dashboard`)).text()).toContain(jobId);
    expect(await dashboard.retrainingNeeded('typescript')).toMatchObject({ model: 'typescript', needed: false });
    expect(await dashboard.getRetrainingHistory(5, 'typescript')).toMatchObject([{ id: jobId, model: 'typescript' }]);
    expect(await dashboard.retrainingJob(jobId)).toMatchObject({ id: jobId, model: 'typescript' });
  }, 240_000);

  withPython('Python with the standard library alone: batches, what is wrong, and what is dropped', async () => {
    const lines = readFileSync(path.join(EXAMPLES, 'model_monitor.py'), 'utf8').split('\n').length - 1;
    expect(lines).toBeLessThanOrEqual(80);
    const program = `
from model_monitor import ModelMonitor
monitor = ModelMonitor("${exporter.baseUrl}", "python", "1", flush_seconds=0.05)
ids = [monitor.log_prediction({"tenure": i, "region": "north"}, prediction="1", score=0.8, latency_ms=5) for i in range(1200)]
for i, one in enumerate(ids):
    monitor.log_ground_truth(one, "1" if i % 4 else "0")
monitor._add("predictions", {"score": "not a number"})
assert monitor.flush(60)
full = ModelMonitor("http://127.0.0.1:9", "away", limit=5)
for i in range(10):
    full.log_prediction({})
print(monitor.dropped, monitor.rejected, full.dropped)
`;
    expect(await runPython(['-c', program], EXAMPLES)).toBe('0 1 5\n');
    await eventually(async () => {
      const checks = await windowOf('python');
      expect(checks.error_rate).toMatchObject({ samples: 1200 });
      expect(checks.performance).toMatchObject({ samples: 1200, recent_accuracy: 0.75 });
    });
  });

  withPython('Python with pandas: a baseline, rows under one header, ground truth; the drift is found', async () => {
    const printed = await runPython([path.join(EXAMPLES, 'with_pandas.py'), exporter.baseUrl]);
    expect(printed.split('\n')[0]).toBe('5000');
    expect(printed).toContain("'accepted': 3000");
    expect(printed).toContain("'joined': 3000");
    await eventually(async () => {
      const { data_drift: drift } = await windowOf('pandas_churn');
      expect(drift).toMatchObject({ state: 'alert', drifted_features: [{ feature: 'tenure_months' }] });
    });
  });
});
