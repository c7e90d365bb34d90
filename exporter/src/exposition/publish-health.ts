import { CHECK_STATES, HEALTH_LEVELS } from '../domain/health.ts';
import type { ModelReport } from '../domain/model-report.ts';
import { CHECK_NAMES } from '../domain/settings.ts';
import { modelFamilies as families } from './families.ts';
import type { SeriesWriter } from './owner-series.ts';

/** What the model is, its score, and what each check says. Levels and states are one-hot: one is 1, the others 0. */
export function publishHealth(w: SeriesWriter, report: ModelReport): void {
  const { model, version, baseline, health, checks, settings } = report;
  w.set(families.info, [model, version, report.task, baseline.kind], 1);
  w.set(families.healthScore, [model, version], health.score);
  w.set(families.healthCoverage, [model, version], health.coverage);
  for (const level of HEALTH_LEVELS)
    w.set(families.healthLevel, [model, version, level], Number(level === health.level));
  for (const check of CHECK_NAMES) {
    const { state, score, samples } = checks[check];
    w.set(families.checkScore, [model, version, check], score);
    w.set(families.checkWeight, [model, version, check], settings.weights[check]);
    w.set(families.checkSamples, [model, version, check], samples);
    for (const each of CHECK_STATES) w.set(families.checkState, [model, version, check, each], Number(each === state));
  }
  w.set(families.baselineTimestamp, [model, version], baseline.madeAtMs / 1000);
}
