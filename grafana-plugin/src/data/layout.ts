import { Layout } from '../options';

export const CARD_HEIGHT = 280;
export const COMPACT_HEIGHT = 60;
export const COMPACT_WIDTH = 216;
/** More than this many panels' worth of scrolling, and a denser layout says more. */
const SCREENS = 4;

/** By room and count: whole cards while they can be read without much scrolling, then their heads, then a mosaic of scores. */
export function chooseLayout(models: number, width: number, height: number, minCardWidth: number): Layout {
  const fits = (cellWidth: number, cellHeight: number) =>
    Math.ceil(models / Math.max(1, Math.floor(width / cellWidth))) * cellHeight <= SCREENS * height;
  if (width >= 200 && height >= 180 && fits(minCardWidth, CARD_HEIGHT)) {
    return 'cards';
  }
  return width >= 120 && height >= COMPACT_HEIGHT - 8 && fits(COMPACT_WIDTH, COMPACT_HEIGHT) ? 'compact' : 'grid';
}

/** Equal columns of at least `minWidth`; a few models do not grow wider than `maxWidth`. */
export function columnsOf(
  models: number,
  width: number,
  cell: { minWidth: number; maxWidth: number; gap: number }
): { columns: number; cellWidth: number } {
  const fit = Math.max(1, Math.floor((width + cell.gap) / (cell.minWidth + cell.gap)));
  const columns = Math.max(1, Math.min(fit, models));
  return { columns, cellWidth: Math.min(cell.maxWidth, Math.floor((width + cell.gap) / columns - cell.gap)) };
}
