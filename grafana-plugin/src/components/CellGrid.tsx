import React, { KeyboardEvent } from 'react';
import { Group } from '../data/arrange';
import { columnsOf } from '../data/layout';
import { ModelHealth } from '../data/models';
import { useRows } from './useRows';
import { middle, sheet } from './mixins';

const HEADING = 28;

export interface Cell {
  minWidth: number;
  maxWidth: number;
  height: number;
  gap: number;
}

interface Props {
  groups: readonly Group[];
  width: number;
  height: number;
  cell: Cell;
  render: (model: ModelHealth, width: number) => React.ReactNode;
}

/** Models as equal cells in rows, under a heading for each group. Only rows on screen are drawn. Arrow keys walk from cell to cell. */
export function CellGrid({ groups, width, height, cell, render }: Props) {
  const s = useStyles();
  const largest = groups.reduce((most, { models }) => Math.max(most, models.length), 0);
  const { columns, cellWidth } = columnsOf(largest, width - 10, cell);
  const rows = rowsOf(groups, columns);
  const heights = rows.map((row) => ('heading' in row ? HEADING : cell.height + cell.gap));
  const { from, to, before, after, offsets, onScroll } = useRows(heights, height);
  const count = groups.reduce((sum, { models }) => sum + models.length, 0);
  const offsetOf = (index: number) =>
    offsets[rows.findIndex((row) => 'first' in row && index >= row.first && index < row.first + row.models.length)];
  return (
    <div
      className={s.scroll}
      style={{ height }}
      onScroll={onScroll}
      onKeyDown={(event) => walk(event, columns, count, offsetOf)}
      role="list"
      aria-label={`${count} models`}
    >
      <div style={{ height: before }} />
      {/* Keys are places, not models: another order draws other texts into the same elements, which is several times faster. */}
      {rows.slice(from, to).map((row, r) =>
        'heading' in row ? (
          <div key={from + r} className={s.heading} role="presentation">
            {row.heading} <span className={s.dim}>{row.count}</span>
          </div>
        ) : (
          <div
            key={from + r}
            className={s.row}
            role="presentation"
            style={{ gap: cell.gap, height: cell.height + cell.gap }}
          >
            {row.models.map((model, i) => (
              <div key={i} role="listitem" data-index={row.first + i} style={{ width: cellWidth }}>
                {render(model, cellWidth)}
              </div>
            ))}
          </div>
        )
      )}
      <div style={{ height: after }} />
    </div>
  );
}

type Row =
  | { readonly heading: string; readonly count: number }
  | { readonly first: number; readonly models: readonly ModelHealth[] };

function rowsOf(groups: readonly Group[], columns: number): Row[] {
  const rows: Row[] = [];
  let start = 0;
  for (const { name, models } of groups) {
    if (name !== '') {
      rows.push({ heading: name, count: models.length });
    }
    for (let offset = 0; offset < models.length; offset += columns) {
      rows.push({ first: start + offset, models: models.slice(offset, offset + columns) });
    }
    start += models.length;
  }
  return rows;
}

/** Arrow keys move the focus between the first controls of the cells, as in a grid of icons. */
function walk(
  event: KeyboardEvent<HTMLDivElement>,
  columns: number,
  count: number,
  offsetOf: (index: number) => number
) {
  const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  const step = steps[event.key];
  const list = event.currentTarget;
  const cell = (event.target as HTMLElement).closest<HTMLElement>('[data-index]');
  if (step === undefined || cell === null) {
    return;
  }
  event.preventDefault();
  const next = Math.min(count - 1, Math.max(0, Number(cell.dataset.index) + step));
  const find = () => list.querySelector<HTMLElement>(`[data-index="${next}"] :is(a, button)`);
  if (!find()) {
    // Not drawn yet: it is, once the list has scrolled there.
    list.scrollTop = offsetOf(next);
  }
  requestAnimationFrame(() => requestAnimationFrame(() => find()?.focus()));
}

const useStyles = sheet((theme, mix) => ({
  scroll: { overflowY: 'auto', overflowX: 'hidden', overflowAnchor: 'none' },
  row: { display: 'flex' },
  heading: {
    height: HEADING,
    ...middle,
    gap: theme.spacing(0.75),
    ...mix.medium,
  },
  dim: { ...mix.dim, fontWeight: theme.typography.fontWeightRegular },
}));
