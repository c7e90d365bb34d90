import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { CHECK_NAMES, windowsOf } from '../domain/settings.ts';
import type { Settings } from '../domain/settings.ts';
import { CheckFailed } from '../evaluation/evaluate-model.ts';
import { evaluationRecord } from '../evaluation/evaluation-record.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';
import type { ModelHealth, ReportedVersion } from '../evaluation/model-health.ts';
import { reachMs } from '../evaluation/moving-baseline.ts';
import { Turns } from '../evaluation/turns.ts';
import { publishModel } from '../exposition/publish-model.ts';
import type { SelfMetrics } from '../exposition/self-metrics.ts';
import type { SeriesStore } from '../exposition/series-store.ts';
import { HOUR_MS, MINUTE_MS } from '../histogram/time-bucket.ts';
import type { TickDependencies } from '../pipeline.ts';
import type { BaselineStore } from '../storage/baseline-store.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { DayPartitions } from '../storage/day-partitions.ts';
import type { EvaluationStore } from '../storage/evaluation-store.ts';
import type { GroundTruthStore } from '../storage/ground-truth-store.ts';

/** What a tick is made of; a part of the composition root, apart only for its length. */
export interface PeriodicParts {
  readonly settings: () => Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly evaluator: Evaluator;
  readonly health: ModelHealth;
  readonly catalog: Catalog;
  readonly baselines: BaselineStore;
  /** Those that nobody has to ask for. */
  readonly makeBaselines: () => Promise<void>;
  readonly groundTruth: GroundTruthStore;
  readonly evaluations: EvaluationStore;
  readonly predictions: Pick<DayPartitions, 'oldestMs'>;
  /** Lets later labels judge alerts. */
  readonly judgeAlerts: () => Promise<void>;
  readonly series: SeriesStore;
  readonly self: SelfMetrics;
}

/** Of real time: what it does is bounded by what came in. */
const FOLD_EVERY_MS = MINUTE_MS;
/** Of the models' clock, which may be fast: history, verdicts and back-tests are read by it. At the most once a tick. */
const STORE_EVERY_MS = MINUTE_MS;
const SAVED_AT_ONCE = 500;
/** Labels that crossed their prediction in concurrent transactions are joined within a tick; older ones once a minute. */
const RECENT_LABELS_MS = 10 * MINUTE_MS;

/** The longest window of any model, and an hour for the bucket that it begins in. */
export function longestWindowMs(settings: Settings, catalog: Catalog): number {
  let longest = Math.max(...windowsOf(settings.defaults));
  for (const { model } of catalog.versions()) longest = Math.max(longest, ...windowsOf(model.settings));
  return longest + HOUR_MS;
}

export function tickDependencies(parts: PeriodicParts): TickDependencies {
  const { evaluator, health, catalog, series, self, clock, log } = parts;
  /** Evaluated since evaluations were last stored, and since baselines were last refreshed. */
  const unsaved = new Set<number>();
  const unrefreshed = new Set<number>();
  let storedAtMs = -Infinity;
  let maintainedAt = -Infinity;
  let lastTickMs = clock.now();
  return {
    catchUp: async () => {
      // Once is enough, however many replicas there are. Who has just taken over shows first; `maintain` of that tick looks at all labels.
      if (evaluator.isLeader) {
        await parts.groundTruth.sweep(lastTickMs - RECENT_LABELS_MS, clock.now());
        lastTickMs = clock.now();
      }
      return evaluator.catchUp();
    },
    standBy: async () => {
      health.clear();
      series.clear();
      await catalog.discover();
    },
    captureBaselines: async () => {
      await parts.baselines.resumeRecounts();
      await parts.baselines.applySettings();
      await parts.makeBaselines();
      // What a new baseline counted again is evaluated in this very tick.
      return evaluator.catchUp();
    },
    evaluate: async () => {
      const began = performance.now();
      const failed = new Set<string>();
      const { evaluated, gone } = await health.evaluate(clock.now(), (versionId, error) => {
        failed.add(error instanceof CheckFailed ? error.check : 'other');
        log.error({ err: error, versionId }, 'a model could not be evaluated; its last report stands');
      });
      // Before: a new one may have the names of one that is gone.
      dropGone(gone, health, series);
      const turns = new Turns();
      for (const { versionId, report, totals } of evaluated) {
        await turns.due();
        publishModel(series, report, totals);
        unsaved.add(versionId);
        unrefreshed.add(versionId);
      }
      evaluator.published();
      for (const check of CHECK_NAMES) self.checkEvaluated(check, !failed.has(check));
      self.evaluated((performance.now() - began) / 1000, failed.size === 0, clock.now());
    },
    store: async () => {
      // A clock that was set back must not stop it.
      if (Math.abs(clock.now() - storedAtMs) < STORE_EVERY_MS) return;
      storedAtMs = clock.now();
      await saveEvaluations(parts, unsaved);
      await parts.judgeAlerts();
    },
    maintain: async () => {
      if (performance.now() - maintainedAt < FOLD_EVERY_MS) return;
      maintainedAt = performance.now();
      await parts.groundTruth.sweep(0, clock.now());
      await catalog.discover();
      await evaluator.fold();
      await refreshBaselines(parts, unrefreshed);
      unrefreshed.clear();
      await mergeOldHours(parts);
    },
  };
}

/** Of a model without any version left also what is of none of them, as its retraining. */
function dropGone(gone: readonly ReportedVersion[], health: ModelHealth, series: SeriesStore): void {
  if (gone.length === 0) return;
  const alive = new Set([...health.reports.values()].map(({ report }) => report.model));
  for (const { model, version } of gone)
    if (alive.has(model)) series.drop({ model, version });
    else series.dropModel(model);
}

/** Labels of a captured baseline come in after it was made. */
async function refreshBaselines(
  { catalog, baselines, health }: PeriodicParts,
  versionIds: ReadonlySet<number>,
): Promise<void> {
  for (const versionId of versionIds) {
    const baselineId = catalog.version(versionId)?.baselineId ?? null;
    if (health.awaitsLabels(baselineId) && (await baselines.refreshLabels(versionId)))
      health.forgetBaseline(baselineId!);
  }
}

/** Some at a time: the text of ten thousand reports in one statement would hold everything up while it is made. */
async function saveEvaluations({ health, evaluations, catalog }: PeriodicParts, unsaved: Set<number>): Promise<void> {
  while (unsaved.size > 0) {
    const versionIds = [...unsaved].slice(0, SAVED_AT_ONCE);
    const records = versionIds.flatMap((versionId) => {
      const evaluated = health.reports.get(versionId);
      const modelId = catalog.version(versionId)?.model.id;
      if (evaluated === undefined || modelId === undefined) return [];
      const { report } = evaluated;
      return [
        {
          modelId,
          versionId,
          evaluatedAtMs: report.evaluatedAtMs,
          healthScore: report.health.score,
          severity: report.severity,
          report: evaluationRecord(report),
        },
      ];
    });
    await evaluations.append(records);
    for (const versionId of versionIds) unsaved.delete(versionId);
  }
}

/** Statistics of days whose raw rows are gone can change no more; beyond what moving baselines read they are kept by the day. */
async function mergeOldHours({ evaluator, predictions, catalog, clock }: PeriodicParts): Promise<void> {
  const now = clock.now();
  const oldestRaw = (await predictions.oldestMs()) ?? now;
  const reach = catalog.versions().reduce((most, { model }) => Math.max(most, reachMs(model.settings, now)), 0);
  await evaluator.mergeOldest(Math.min(oldestRaw, now - reach - HOUR_MS));
}
