import React from 'react';
import { useTheme2 } from '@grafana/ui';
import { ModelHealth } from '../data/models';
import { bare, ellipsis, middle, noList, sheet, tint } from './mixins';

/** Three digits at most: `0.42`, `7.11`, `18`. */
export const driftText = (value: number) => (Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(0));

/** The drifted features, each with its statistic and the threshold that it is over. */
export function DriftList({
  model,
  most,
  onOpen,
}: {
  model: ModelHealth;
  most: number;
  onOpen: (feature: string) => void;
}) {
  const s = useStyles();
  const theme = useTheme2();
  const drifted = model.features.filter((feature) => feature.drifted);
  if (drifted.length === 0) {
    return null;
  }
  const shown = drifted.slice(0, most);
  return (
    <ul className={s.list} aria-label="Drifted features">
      {shown.map(({ name, value, statistic, threshold }, i) => (
        <li key={name} className={s.row}>
          <span className={s.dot} style={{ background: tint(theme, 'red') }} />
          <button type="button" className={s.name} title={name} onClick={() => onOpen(name)}>
            {name}
          </button>
          {i === shown.length - 1 && drifted.length > most && <span className={s.dim}>+{drifted.length - most}</span>}
          <span className={s.value}>
            {statistic.name} {driftText(value)} <span className={s.dim}>&gt; {threshold}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

const useStyles = sheet((theme, mix) => ({
  list: { ...noList },
  row: {
    ...middle,
    gap: theme.spacing(0.75),
    height: 18,
    ...mix.small,
  },
  dot: { width: 6, height: 6, borderRadius: 3, flex: 'none' },
  name: {
    ...bare,
    ...ellipsis,
    '&:hover': { textDecoration: 'underline' },
  },
  value: { marginLeft: 'auto', whiteSpace: 'nowrap' },
  dim: { ...mix.dim, whiteSpace: 'nowrap' },
}));
