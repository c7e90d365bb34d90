import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { Settings } from '../domain/settings.ts';
import { DAY_MS, MINUTE_MS } from '../histogram/time-bucket.ts';
import type { DayPartitions } from '../storage/day-partitions.ts';
import type { GroundTruthStore } from '../storage/ground-truth-store.ts';
import type { ModelStore } from '../storage/model-store.ts';
import type { StatisticsStore } from '../storage/statistics-store.ts';

/** What retention is made of; a part of the composition root. */
export interface RetentionParts {
  readonly settings: () => Settings;
  readonly clock: Clock;
  readonly log: Log;
  /** Only one of several replicas keeps house. */
  readonly isLeader: () => boolean;
  readonly predictions: DayPartitions;
  readonly evaluations: DayPartitions;
  readonly groundTruth: Pick<GroundTruthStore, 'deleteBefore'>;
  readonly statistics: Pick<StatisticsStore, 'deleteBefore'>;
  readonly models: Pick<ModelStore, 'finishRemovals'>;
}

/**
 * Days ahead are made before they are needed, what is past its retention is deleted, and so are the oldest predictions beyond their
 * size. Apart from the tick, because a drop waits for whoever reads.
 */
export function retentionWork(parts: RetentionParts): () => Promise<void> {
  const { predictions, evaluations, groundTruth, statistics, models, clock, log, settings } = parts;
  return async () => {
    await predictions.load();
    if (!parts.isLeader()) return;
    const now = clock.now();
    const today = Math.floor(now / DAY_MS) * DAY_MS;
    const { rawMs, rawBytes, statisticsMs } = settings().retention;
    await predictions.ensure([today, today + DAY_MS]);
    await evaluations.ensure([today, today + DAY_MS]);
    await predictions.dropBefore(now - rawMs);
    await evaluations.dropBefore(now - statisticsMs);
    const dropped = await predictions.dropBeyond(rawBytes, now);
    if (dropped !== null)
      log.warn(
        {
          days: dropped.days.map((day) => new Date(day).toISOString().slice(0, 10)),
          bytesBefore: dropped.bytesBefore,
          bytesAfter: dropped.bytesAfter,
          budget: rawBytes,
        },
        'the oldest predictions were deleted to keep within retention.raw_bytes; their statistics stay',
      );
    const oldestRaw = (await predictions.oldestMs()) ?? now;
    await groundTruth.deleteBefore(oldestRaw, now - rawMs);
    await models.finishRemovals();
    // As long as raw rows are there their statistics can change.
    await statistics.deleteBefore(Math.min(now - statisticsMs, oldestRaw) / MINUTE_MS);
  };
}
