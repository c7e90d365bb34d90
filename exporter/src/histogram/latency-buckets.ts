import type { SortedCounts } from './sorted-counts.ts';

/**
 * Log-linear latency buckets: Prometheus native histograms' schema 5, 32 to the octave, upper-inclusive. Code c is native bucket
 * index c - 512: (2^((c-1)/32 - 16), 2^(c/32 - 16)] seconds. They cover 2^-16 s (15 us) to 2^16 s (18 h); code 0 takes all that is
 * at or below the lowest bound, code 1023 all that is above the bound of 1022.
 * Reference: Prometheus native histograms specification, https://prometheus.io/docs/specs/native_histograms/
 */
export const LATENCY_CODES = 1024;

const PER_OCTAVE = 32;
const LOWEST_EXPONENT = -16;
const LOWEST_SECONDS = 2 ** LOWEST_EXPONENT;
const OVERFLOW = LATENCY_CODES - 1;

/** 2^(k/32), correctly rounded: a table because Math.pow and Math.log are off by an ulp at some bounds, and differently by platform. */
// prettier-ignore
const MANTISSAS = Float64Array.of(
  1, 1.0218971486541166, 1.0442737824274138, 1.0671404006768237, 1.0905077326652577, 1.1143867425958924, 1.1387886347566916,
  1.1637248587775775, 1.189207115002721, 1.215247359980469, 1.241857812073484, 1.2690509571917332, 1.2968395546510096,
  1.3252366431597413, 1.3542555469368927, 1.383909881963832, 1.4142135623730951, 1.4451808069770467, 1.4768261459394993,
  1.5091644275934228, 1.5422108254079407, 1.5759808451078865, 1.6104903319492543, 1.645755478153965, 1.681792830507429,
  1.718619298122478, 1.7562521603732995, 1.7947090750031072, 1.8340080864093424, 1.8741676341103, 1.9152065613971474,
  1.9571441241754002,
);

/** By octave, the power of two that brings its values into [1, 2), exactly. */
const TO_MANTISSA = Float64Array.from({ length: 32 }, (_, octave) => 2 ** -(octave + LOWEST_EXPONENT));

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** Which of the two words of a double holds its exponent. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** Code 0..1023 of a latency. Zero, negative and NaN count as 0: callers refuse them before. */
export function latencyCode(seconds: number): number {
  if (!(seconds > LOWEST_SECONDS)) return 0;
  if (seconds >= 2 ** 16) return OVERFLOW;
  double[0] = seconds;
  const octave = (words[HIGH]! >>> 20) - 1023 - LOWEST_EXPONENT;
  const code = octave * PER_OCTAVE + mantissasBelow(seconds * TO_MANTISSA[octave]!);
  return code < OVERFLOW ? code : OVERFLOW;
}

/** Number of mantissas below m in [1, 2): 0 only for m = 1, else 1..32. Without branches, as in binner.ts. */
function mantissasBelow(m: number): number {
  let below = Number(MANTISSAS[15]! < m) << 4;
  below += Number(MANTISSAS[below + 7]! < m) << 3;
  below += Number(MANTISSAS[below + 3]! < m) << 2;
  below += Number(MANTISSAS[below + 1]! < m) << 1;
  below += Number(MANTISSAS[below]! < m);
  return below + Number(MANTISSAS[below]! < m);
}

/** Upper bound of a code's bucket, in seconds and inclusive; Infinity for the last. */
export function latencyBucketUpperSeconds(code: number): number {
  if (code >= OVERFLOW) return Infinity;
  return MANTISSAS[code % PER_OCTAVE]! * 2 ** (LOWEST_EXPONENT + Math.floor(code / PER_OCTAVE));
}

/**
 * Quantile (inverted_cdf) of counts by code, in seconds: the geometric middle of the bucket that holds it, so within a factor of
 * 2^(1/64) (1.09 %) of the exact sample quantile between 2^-16 s and the overflow bucket. Below, the lowest bound is returned.
 *
 * @param q 0..1
 * @param maxSeconds the exact maximum where it is known: no quantile exceeds it, and it stands for the overflow bucket and for q = 1
 * @returns NaN without counts
 */
export function latencyQuantile(counts: SortedCounts, q: number, maxSeconds: number = Infinity): number {
  const { total } = counts;
  if (total === 0) return NaN;
  if (q >= 1 && maxSeconds !== Infinity) return maxSeconds;
  const code = counts.codeOfRank(Math.max(1, Math.ceil(q * total)));
  return Math.min(bucketMiddle(code, maxSeconds), maxSeconds);
}

function bucketMiddle(code: number, maxSeconds: number): number {
  if (code === 0) return LOWEST_SECONDS;
  const lower = latencyBucketUpperSeconds(code - 1);
  if (code >= OVERFLOW) return maxSeconds === Infinity ? lower : maxSeconds;
  return Math.sqrt(lower * latencyBucketUpperSeconds(code));
}

/** `le` bounds of the classic histogram: powers of two from 1 ms to 16 s are bounds of ours too, so its counts are exact. */
export const CLASSIC_BOUNDS_SECONDS: readonly number[] = Array.from({ length: 15 }, (_, k) => 2 ** (k - 10));

export const CLASSIC_BOUND_CODES: readonly number[] = CLASSIC_BOUNDS_SECONDS.map(latencyCode);

/**
 * Rows up to and with each of the given codes.
 *
 * @param counts by code, in any order
 * @param bounds rising codes
 */
export function cumulativeCounts(counts: Iterable<readonly [number, number]>, bounds: readonly number[]): number[] {
  const cumulative = new Array<number>(bounds.length).fill(0);
  for (const [code, count] of counts) {
    const first = bounds.findIndex((bound) => code <= bound);
    if (first >= 0) cumulative[first]! += count;
  }
  for (let i = 1; i < cumulative.length; i++) cumulative[i]! += cumulative[i - 1]!;
  return cumulative;
}
