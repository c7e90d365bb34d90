/** 100 at 0 or below, 50 at the threshold, 0 at twice the threshold and beyond. NaN for NaN. */
export function ramp(observed: number, threshold: number): number {
  return 100 * Math.min(1, Math.max(0, 1 - observed / (2 * threshold)));
}

/** The lower of two scores, where NaN means "does not apply". */
export function worse(a: number, b: number): number {
  return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b);
}
