/**
 * Benjamini-Hochberg adjusted p-values: rejecting where the adjusted value is below q keeps the expected share of false rejections
 * below q, for independent or positively dependent tests. Reference: Benjamini, Hochberg (1995), J. R. Stat. Soc. B 57.
 *
 * @param pValues any order; a NaN (a test that could not be made) stays NaN and does not count as a test
 * @returns in the order given, 0..1
 *
 * Example: [.01, .04, .03] -> [.03, .04, .04].
 */
export function benjaminiHochberg(pValues: ArrayLike<number>): number[] {
  const adjusted = new Array<number>(pValues.length).fill(NaN);
  const order: number[] = [];
  for (let i = 0; i < pValues.length; i++) if (!Number.isNaN(pValues[i]!)) order.push(i);
  order.sort((a, b) => pValues[a]! - pValues[b]!);
  let smallest = 1;
  for (let rank = order.length; rank > 0; rank--) {
    const at = order[rank - 1]!;
    smallest = Math.min(smallest, pValues[at]! * (order.length / rank));
    adjusted[at] = smallest;
  }
  return adjusted;
}
