import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { captureBaseline } from '../../src/baseline/make-baseline.ts';
import type { BaselineDependencies } from '../../src/baseline/make-baseline.ts';
import type { DecodedRows, RawGroundTruth, RawPrediction } from '../../src/domain/prediction.ts';
import { DEFAULT_SETTINGS, windowsOf } from '../../src/domain/settings.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { Evaluator } from '../../src/evaluation/evaluator.ts';
import { reachMs } from '../../src/evaluation/moving-baseline.ts';
import { DAY_MS } from '../../src/histogram/time-bucket.ts';
import { separate } from '../../src/intake/formats/json-events.ts';
import { toGroundTruth } from '../../src/intake/formats/labels.ts';
import { toPrediction } from '../../src/intake/formats/prediction-event.ts';
import { onGroundTruth, onPredictions } from '../../src/pipeline.ts';
import type { IntakeDependencies } from '../../src/pipeline.ts';
import { BaselineStore } from '../../src/storage/baseline-store.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { DayPartitions, PREDICTION_INDEXES } from '../../src/storage/day-partitions.ts';
import { GroundTruthStore } from '../../src/storage/ground-truth-store.ts';
import { takeLease } from '../../src/storage/leases.ts';
import { createPool } from '../../src/storage/pool.ts';
import { PredictionStore } from '../../src/storage/prediction-store.ts';
import { EVALUATOR_LEASE, StatisticsStore } from '../../src/storage/statistics-store.ts';
import { silentLog } from './silent-log.ts';

/** Intake, statistics and baselines on a real database, without HTTP: one replica of the exporter's inside. */
export async function openCore(
  url: string,
  options: { readonly now: () => number; readonly settings?: Settings | (() => Settings) },
) {
  const given = options.settings ?? DEFAULT_SETTINGS;
  const settings = typeof given === 'function' ? given : () => given;
  const clock = { now: options.now };
  const pool: Pool = createPool(url, { max: 8, applicationName: 'test', log: silentLog });
  const catalog = new Catalog(pool, settings, clock);
  await catalog.load();
  const days = new DayPartitions(pool, 'predictions', PREDICTION_INDEXES);
  await days.load();
  const longest = Math.max(...windowsOf(settings().defaults));
  const predictions = new PredictionStore({
    pool,
    schemes: catalog,
    ensureDays: days.ensure,
    connections: 3,
    capacityRows: 1_000_000,
  });
  const groundTruth = new GroundTruthStore(pool, catalog);
  const reach = Math.max(longest, reachMs(settings().defaults, options.now()));
  const baselines = new BaselineStore(pool, catalog, () => () => clock.now() - reach - DAY_MS);
  const statistics = new StatisticsStore(pool);
  const holder = randomUUID();
  const evaluator = new Evaluator({
    source: statistics,
    schemes: catalog,
    takeLease: () => takeLease(pool, EVALUATOR_LEASE, holder, 5_000),
    holder,
    leaseTtlMs: 5_000,
    clock,
    longestWindowMs: () => longest,
    log: silentLog,
  });
  const intake: IntakeDependencies = {
    clock,
    meter: { accepted: () => undefined, duplicates: () => undefined, rejected: () => undefined },
    catalog,
    predictions,
    groundTruth,
    limits: () => settings().limits,
    retentionMs: () => Math.min(settings().retention.rawMs, clock.now() - days.floorMs),
  };
  const baselineDeps: BaselineDependencies = {
    find: (model, version) => catalog.find(model, version),
    findAny: (model) => catalog.versionsOf(model)[0]?.target,
    ensure: (wants) => catalog.ensure(wants),
    learntByOthers: (model, version) => catalog.learntByOthers(model, version),
    settingsOf: (model) => catalog.settingsOfModel(model),
    activate: (activation) => baselines.activate(activation),
    stored: (target, from, to, limit, onBatch) => baselines.stored(target, from, to, limit, onBatch),
    now: clock.now,
    maxCategories: () => settings().limits.categories,
    maxFeatures: () => settings().limits.features,
    maxSpoolBytes: () => Infinity,
  };
  return {
    pool,
    catalog,
    evaluator,
    statistics,
    days,
    baselines,
    baselineDeps,
    groundTruth,
    predict: (events: readonly Partial<Record<string, unknown>>[]) => onPredictions(decodeEvents(events), intake),
    label: (labels: readonly Partial<Record<string, unknown>>[]) => onGroundTruth(decodeLabels(labels), intake),
    capture: (model: string, version: string, range: { fromMs: number; toMs: number; limit: number }) =>
      captureBaseline(model, version, range, baselineDeps),
    close: () => pool.end(),
  };
}

export type Core = Awaited<ReturnType<typeof openCore>>;

export function decodeEvents(events: readonly unknown[]): DecodedRows<RawPrediction> {
  return separate(events.map(toPrediction));
}

function decodeLabels(labels: readonly unknown[]): DecodedRows<RawGroundTruth> {
  return separate(labels.map(toGroundTruth));
}
