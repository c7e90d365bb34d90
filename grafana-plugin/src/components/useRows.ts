import { UIEvent, useCallback, useState } from 'react';

const OVERSCAN_PX = 200;

/** Which rows of given heights are on screen. No library, so nothing to break on a React upgrade. */
export function useRows(heights: readonly number[], viewport: number) {
  const [scrollTop, setScrollTop] = useState(0);
  const offsets = [0];
  for (const height of heights) {
    offsets.push(offsets[offsets.length - 1] + height);
  }
  const total = offsets[offsets.length - 1];
  // The browser clamps its scroll position when the list shrinks; ours is clamped likewise, so that the window is never empty.
  const top = Math.min(scrollTop, Math.max(0, total - viewport));
  const from = Math.max(0, firstAfter(offsets, top - OVERSCAN_PX) - 1);
  const to = Math.min(heights.length, firstAfter(offsets, top + viewport + OVERSCAN_PX));
  const onScroll = useCallback((event: UIEvent<HTMLElement>) => setScrollTop(event.currentTarget.scrollTop), []);
  return { from, to, before: offsets[from], after: total - offsets[to], offsets, onScroll };
}

function firstAfter(offsets: readonly number[], position: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle] > position) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
