import React, { useMemo } from 'react';
import { useTheme2 } from '@grafana/ui';
import { ModelHealth } from '../data/models';
import { checkCell, checkColumns, featureCell, featureColumns, HeatCell } from './heat-cells';
import { ModelName } from './ModelName';
import { useRows } from './useRows';
import { View } from './view';
import { ellipsis, sheet } from './mixins';

const ROW = 30;

interface Props {
  models: readonly ModelHealth[];
  across: 'checks' | 'features';
  view: View;
  width: number;
  height: number;
}

/** Models down, checks or features across. Heads stay in sight; only rows on screen are drawn. */
export function HeatMap({ models, across, view, width, height }: Props) {
  const s = useStyles();
  const theme = useTheme2();
  const columns = useMemo(
    () => (across === 'checks' ? checkColumns(models) : featureColumns(models)),
    [across, models]
  );
  const cell = across === 'checks' ? checkCell(theme, view) : featureCell(theme, view);
  const nameWidth = Math.min(220, Math.max(80, width * 0.25));
  const cellWidth = Math.max(40, Math.min(160, (width - nameWidth - 24) / Math.max(1, columns.length)));
  // Long names stand on their heads where their column is narrow.
  const slanted = columns.some(({ word }) => word.length * 6.6 + 8 > cellWidth);
  const head = slanted ? 112 : 28;
  const { from, to, before, after, onScroll } = useRows(
    models.map(() => ROW),
    height - head
  );
  return (
    <div
      className={s.scroll}
      style={{ height }}
      onScroll={onScroll}
      tabIndex={0}
      role="region"
      aria-label={across === 'checks' ? 'Check scores by model' : 'Drift of features by model'}
    >
      <table className={s.table} aria-rowcount={models.length + 1}>
        <thead>
          <tr style={{ height: head }}>
            <th scope="col" className={s.corner} style={{ width: nameWidth, minWidth: nameWidth }}>
              Model
            </th>
            {columns.map(({ key, word }) => (
              <th scope="col" key={key} style={{ width: cellWidth, minWidth: cellWidth }} title={word}>
                <span className={slanted ? s.upright : s.flat} style={slanted ? undefined : { maxWidth: cellWidth }}>
                  {word}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <tr aria-hidden style={{ height: before }} />}
          {models.slice(from, to).map((model, i) => (
            <tr key={from + i} style={{ height: ROW }} aria-rowindex={from + i + 2}>
              <th scope="row" className={s.name} style={{ maxWidth: nameWidth }}>
                <span className={s.nameBox}>
                  <ModelName model={model} view={view} />
                  {model.version !== null && <span className={s.dim}>{model.version}</span>}
                </span>
              </th>
              {columns.map(({ key }) => {
                const found = cell(model, key);
                return found === null ? (
                  <td key={key} className={s.none} />
                ) : (
                  <td key={key} className={s.cell}>
                    <HeatBox
                      {...found}
                      ink={
                        found.color === undefined
                          ? theme.colors.text.secondary
                          : theme.colors.getContrastText(found.color, 4.5)
                      }
                    />
                  </td>
                );
              })}
            </tr>
          ))}
          {after > 0 && <tr aria-hidden style={{ height: after }} />}
        </tbody>
      </table>
    </div>
  );
}

function HeatBox({ text, title, color, open, ink }: HeatCell & { ink: string }) {
  const s = useStyles();
  const style = { background: color, color: ink };
  return open === undefined ? (
    <span className={s.box} style={style} title={title}>
      {text}
    </span>
  ) : (
    <button
      type="button"
      className={s.box}
      style={{ ...style, cursor: 'pointer' }}
      title={title}
      aria-label={title}
      onClick={open}
    >
      {text}
    </button>
  );
}

const useStyles = sheet((theme, mix) => ({
  scroll: {
    overflow: 'auto',
    overflowAnchor: 'none',
  },
  table: {
    borderCollapse: 'separate',
    borderSpacing: 0,
    ...mix.small,
    '& th, & td': { padding: 1 },
    '& thead th': {
      position: 'sticky',
      top: 0,
      zIndex: 1,
      verticalAlign: 'bottom',
      textAlign: 'center',
      background: theme.colors.background.primary,
      ...mix.dim,
      ...mix.medium,
    },
  },
  corner: { '&&': { left: 0, zIndex: 2, textAlign: 'left' } },
  flat: {
    display: 'block',
    ...ellipsis,
    textAlign: 'center',
  },
  upright: {
    display: 'inline-block',
    writingMode: 'vertical-rl',
    transform: 'rotate(180deg)',
    maxHeight: 108,
    ...ellipsis,
  },
  name: {
    position: 'sticky',
    left: 0,
    background: theme.colors.background.primary,
    textAlign: 'left',
    fontWeight: theme.typography.fontWeightRegular,
  },
  nameBox: {
    display: 'flex',
    gap: theme.spacing(0.75),
    alignItems: 'baseline',
    minWidth: 0,
    paddingRight: theme.spacing(1),
  },
  dim: { ...mix.dim },
  cell: { height: ROW },
  none: { height: ROW },
  box: {
    all: 'unset',
    boxSizing: 'border-box',
    display: 'flex',
    width: '100%',
    height: ROW - 4,
    alignItems: 'center',
    justifyContent: 'center',
    borderRadius: 2,
    '&:focus-visible': { outline: `2px solid ${theme.colors.text.primary}`, outlineOffset: -2 },
  },
}));
