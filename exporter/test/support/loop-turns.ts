/** How often the event loop came round so far: whatever else was due had its turn as often. */
export function countTurns(): { readonly turns: () => number; readonly stop: () => void } {
  let count = 0;
  const turn = () => {
    count++;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  return { turns: () => count, stop: () => clearImmediate(next) };
}
