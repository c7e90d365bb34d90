import type { ModelContext, ModelCounts, NeededCounts } from '../checks/check.ts';
import type { ModelReport, SegmentReport } from '../domain/model-report.ts';
import { CHECK_NAMES, NO_EXTRA_WINDOWS } from '../domain/settings.ts';
import type { CheckName } from '../domain/settings.ts';
import type { Segment } from '../histogram/segments.ts';
import { evaluateModel } from './evaluate-model.ts';
import type { WindowBaselines } from './moving-baseline.ts';

export interface SegmentInput {
  readonly segment: Segment;
  /** With the baseline of the segment itself: a part differs from the whole without any drift. */
  readonly context: ModelContext;
  readonly baselines: WindowBaselines | null;
  readonly window: (windowMs: number, needs: NeededCounts) => ModelCounts;
}

/** The six checks over a segment; null without predictions in its windows. */
export function evaluateSegment(
  { model, version, evaluatedAtMs }: Pick<ModelReport, 'model' | 'version' | 'evaluatedAtMs'>,
  { segment, context, baselines, window }: SegmentInput,
): SegmentReport | null {
  const settings = { ...context.settings, extraWindows: NO_EXTRA_WINDOWS };
  const report = evaluateModel({
    model,
    version,
    nowMs: evaluatedAtMs,
    context: { ...context, settings },
    baselines,
    // Of a segment nobody is told what to do.
    significantDays: new Map(),
    window,
  });
  if (report.windowPredictions === 0) return null;
  const checks = Object.fromEntries(
    CHECK_NAMES.map((name) => {
      const { state, score, samples, reason } = report.checks[name];
      return [name, { state, score, samples, reason }];
    }),
  ) as Record<CheckName, SegmentReport['checks'][CheckName]>;
  const { health, severity, windowPredictions } = report;
  return { segment: segment.key, value: segment.value, health, severity, checks, windowPredictions };
}
