import type { ModelReport } from '../domain/model-report.ts';
import { CHECK_NAMES } from '../domain/settings.ts';
import { modelFamilies as families } from './families.ts';
import type { SeriesWriter } from './owner-series.ts';

/** Health by segment, in families of their own: a sum over the models must not count anything twice. */
export function publishSegments(w: SeriesWriter, { model, version, segments }: ModelReport): void {
  for (const { segment, value, health, checks, windowPredictions } of segments) {
    w.set(families.segmentHealth, [model, version, segment, value], health.score);
    for (const check of CHECK_NAMES)
      w.set(families.segmentCheckScore, [model, version, segment, value, check], checks[check].score);
    w.set(families.segmentSamples, [model, version, segment, value], windowPredictions);
  }
}
