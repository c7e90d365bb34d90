import { describe, expect, test } from '@jest/globals';
import { openMetricsFormat } from './openmetrics.ts';
import { createSelfMetrics } from './self-metrics.ts';
import { textFormat } from './text-format.ts';

const BUILD = { version: '1.2.3', revision: 'abc' };

function create() {
  return createSelfMetrics(BUILD, ['prediction', 'ground_truth']);
}

/** Samples of the exporter's own families: Node's own figures change from call to call. */
async function samples(self: ReturnType<typeof create>, format = textFormat): Promise<string[]> {
  const text = await self.render(format);
  return text.split('\n').filter((line) => line.startsWith('ml_exporter_'));
}

describe('self metrics', () => {
  test('begin with what is known and with nothing else', async () => {
    expect(await samples(create())).toEqual([
      'ml_exporter_ingest_records_total{kind="prediction"} 0',
      'ml_exporter_ingest_records_total{kind="ground_truth"} 0',
      'ml_exporter_ingest_duplicates_total{kind="prediction"} 0',
      'ml_exporter_ingest_duplicates_total{kind="ground_truth"} 0',
      'ml_exporter_build_info{version="1.2.3",revision="abc"} 1',
    ]);
  });

  test('show what was set', async () => {
    const self = create();
    self.databaseUp(true);
    self.configReloaded(true, 1_700_000_000_500);
    self.configReloaded(false, 1_700_000_009_000);
    self.checkEvaluated('latency', true);
    self.checkEvaluated('data_drift', false);
    self.evaluated(0.25, true, 1_700_000_100_000);
    self.evaluated(0.5, false, 1_700_000_200_000);
    self.ingestQueue(3, 64);
    self.ingest.accepted('prediction', 10);
    self.ingest.accepted('prediction', 5);
    self.ingest.duplicates('ground_truth', 2);
    self.ingest.rejected('prediction', 'timestamp', 1);
    expect((await samples(self)).sort()).toEqual([
      'ml_exporter_build_info{version="1.2.3",revision="abc"} 1',
      'ml_exporter_config_last_reload_success_timestamp_seconds 1700000000.5',
      'ml_exporter_config_last_reload_successful 0',
      'ml_exporter_database_up 1',
      'ml_exporter_evaluation_duration_seconds 0.5',
      'ml_exporter_evaluation_last_success_timestamp_seconds 1700000100',
      'ml_exporter_evaluation_success{check="data_drift"} 0',
      'ml_exporter_evaluation_success{check="latency"} 1',
      'ml_exporter_ingest_duplicates_total{kind="ground_truth"} 2',
      'ml_exporter_ingest_duplicates_total{kind="prediction"} 0',
      'ml_exporter_ingest_queue_capacity 64',
      'ml_exporter_ingest_queue_length 3',
      'ml_exporter_ingest_records_total{kind="ground_truth"} 0',
      'ml_exporter_ingest_records_total{kind="prediction"} 15',
      'ml_exporter_ingest_rejected_total{kind="prediction",reason="timestamp"} 1',
    ]);
  });

  test('include the process and Node, without gauges that are called totals', async () => {
    const text = await create().render(textFormat);
    expect(text).toContain('# TYPE process_cpu_seconds_total counter');
    expect(text).toContain('# TYPE process_resident_memory_bytes gauge');
    expect(text).toContain('nodejs_version_info{');
    expect(text).not.toMatch(/# TYPE \S+_total gauge/);
  });

  // prom-client renames its counters for good when it renders OpenMetrics once: https://github.com/siimon/prom-client/issues/794
  test('are the same however often and in whichever format they were rendered before', async () => {
    const self = create();
    self.ingest.accepted('prediction', 7);
    const text = await samples(self);
    const open = await samples(self, openMetricsFormat);
    for (let i = 0; i < 3; i++) {
      expect(await samples(self, openMetricsFormat)).toEqual(open);
      expect(await samples(self)).toEqual(text);
    }
    expect(open).toEqual(text);
    expect(await self.render(textFormat)).toContain('# TYPE ml_exporter_ingest_records_total counter\n');
    expect(await self.render(openMetricsFormat)).toContain('# TYPE ml_exporter_ingest_records counter\n');
  });
});
