import { normalQuantile } from './normal-distribution.ts';

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * Wilson score interval of a proportion: holds its coverage for few trials and for shares near 0 and 1, where the Wald interval
 * collapses. Reference: Wilson (1927), JASA 22.
 *
 * @param successes 0..trials
 * @param trials 0: both ends NaN
 * @param confidence 0..1, two-sided
 *
 * Example: wilsonInterval(8, 10) -> .4902 to .9433.
 */
export function wilsonInterval(successes: number, trials: number, confidence: number = 0.95): Interval {
  if (!(trials > 0)) return { lower: NaN, upper: NaN };
  const z = confidence === 0.95 ? Z_95 : normalQuantile((1 + confidence) / 2);
  const share = successes / trials;
  const scale = 1 + (z * z) / trials;
  const centre = (share + (z * z) / (2 * trials)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  return {
    lower: successes === 0 ? 0 : Math.max(0, centre - half),
    upper: successes === trials ? 1 : Math.min(1, centre + half),
  };
}

const Z_95 = normalQuantile(0.975);
