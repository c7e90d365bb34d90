/** Repeatable numbers of a linear congruential generator (Numerical Recipes): `uniform` in [0, 1), `normal` as the sum of twelve. */
export function deviates(seed: number): { readonly uniform: () => number; readonly normal: () => number } {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const normal = () => {
    let sum = 0;
    for (let k = 0; k < 12; k++) sum += uniform();
    return sum - 6;
  };
  return { uniform, normal };
}
