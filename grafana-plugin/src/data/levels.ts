import { Threshold, ThresholdsConfig } from '@grafana/data';

/** Best first, then what is not known. */
export const LEVELS = ['excellent', 'good', 'fair', 'poor', 'unknown'] as const;
export type Level = (typeof LEVELS)[number];

/** What a model counts as: its level, unless its figures are old. */
export const STATUSES = ['poor', 'fair', 'stale', 'unknown', 'good', 'excellent'] as const;
export type Status = (typeof STATUSES)[number];

/** The exporter's own bounds, and the panel's default thresholds. */
export const DEFAULT_STEPS: Threshold[] = [
  { value: -Infinity, color: 'red' },
  { value: 50, color: 'orange' },
  { value: 70, color: 'light-green' },
  { value: 90, color: 'green' },
];

export const isLevel = (text: string): text is Level => (LEVELS as readonly string[]).includes(text);

/** The lowest step is poor, the highest excellent; those between are counted from the top. */
function levelOfStep(index: number, steps: number): Level {
  return index === 0 ? 'poor' : (LEVELS[Math.min(steps - 1 - index, 3)] ?? 'poor');
}

/** Half-open on the real number: 89.99 is good. NaN and null are unknown. */
export function levelOf(score: number | null, thresholds: ThresholdsConfig | undefined): Level {
  if (score === null || Number.isNaN(score)) {
    return 'unknown';
  }
  const steps = stepsOf(thresholds);
  return levelOfStep(
    Math.max(
      0,
      steps.findLastIndex(({ value }) => score >= (value ?? -Infinity))
    ),
    steps.length
  );
}

/** The colour's name; null for a level that the thresholds do not have. */
export function colorOf(level: Level, thresholds: ThresholdsConfig | undefined): string | null {
  const steps = stepsOf(thresholds);
  return steps.find((_, index) => levelOfStep(index, steps.length) === level)?.color ?? null;
}

function stepsOf(thresholds: ThresholdsConfig | undefined): Threshold[] {
  return thresholds && thresholds.steps.length > 1 ? thresholds.steps : DEFAULT_STEPS;
}
