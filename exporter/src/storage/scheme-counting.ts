import { windowsOf } from '../domain/settings.ts';
import type { ModelSettings } from '../domain/settings.ts';
import { defaultPositiveClass } from '../domain/task.ts';
import type { KnownOrUnknownTask } from '../domain/task.ts';
import type { Counting } from '../histogram/counting.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { Segment } from '../histogram/segments.ts';
import { bucketMinutesFor } from '../histogram/time-bucket.ts';
import type { BucketMinutes } from '../histogram/time-bucket.ts';
import { segmentIndex } from './segment-dictionary.ts';

/** bin_schemes.counting. */
export interface StoredCounting {
  readonly task: KnownOrUnknownTask;
  readonly positive_class: string | null;
  readonly bucket_minutes: BucketMinutes;
  readonly segments: readonly string[];
}

export function serialiseCounting(counting: Counting): StoredCounting {
  const { task, positiveClass, bucketMinutes, segments } = counting;
  return { task, positive_class: positiveClass, bucket_minutes: bucketMinutes, segments };
}

export function parseCounting(stored: StoredCounting | null): Counting | null {
  if (stored === null) return null;
  const { task, positive_class: positiveClass, bucket_minutes: bucketMinutes, segments } = stored;
  return { task, positiveClass, bucketMinutes, segments };
}

/** What was learnt of a model from its predictions, or by making a baseline. */
export interface LearntOutcome {
  readonly task: KnownOrUnknownTask;
  readonly positiveClass: string | null;
  readonly classes: readonly string[];
  /** Those of them that only a setting has named. */
  readonly onlyConfigured: readonly string[];
}

/** Classes that predictions, labels or baselines have named: a setting that is gone leaves its class a code, and nothing else. */
export function namedClasses({
  classes,
  onlyConfigured,
}: Pick<LearntOutcome, 'classes' | 'onlyConfigured'>): readonly string[] {
  return onlyConfigured.length === 0 ? classes : classes.filter((name) => !onlyConfigured.includes(name));
}

/** What the settings of a model ask for; where they say nothing, what was learnt. */
export function wantedCounting(settings: ModelSettings, learnt: LearntOutcome): Counting {
  const task = settings.task ?? learnt.task;
  const positiveClass = settings.positiveClass ?? learnt.positiveClass ?? defaultPositiveClass(namedClasses(learnt));
  return {
    task,
    positiveClass: task === 'binary' ? (positiveClass ?? null) : null,
    bucketMinutes: bucketMinutesFor(windowsOf(settings, 'features')),
    segments: settings.segments,
  };
}

/** The part of a target that says how rows are counted. */
export function countedAs(
  { task, positiveClass, bucketMinutes, segments }: Counting,
  model: { readonly classes: readonly string[]; readonly segments: ReadonlyMap<number, Segment> },
): Pick<ModelTarget, 'task' | 'positiveClass' | 'bucketMinutes' | 'segments'> {
  return {
    task,
    positiveClass: positiveClass === null ? -1 : model.classes.indexOf(positiveClass),
    bucketMinutes,
    segments: segmentIndex(segments, model.segments),
  };
}
