import React from 'react';
import { Icon } from '@grafana/ui';
import { sheet } from './mixins';

/** Points over the shown range; less than half a point is no change. */
export function Change({ change }: { change: number | null }) {
  const s = useStyles();
  if (change === null || Math.abs(change) < 0.5) {
    return null;
  }
  const word = change < 0 ? 'down' : 'up';
  return (
    <span className={s.change} title={`${word} ${Math.abs(change).toFixed(1)} points over the shown time`}>
      <Icon name={change < 0 ? 'arrow-down' : 'arrow-up'} size="sm" aria-label={word} />
      {Math.abs(change).toFixed(Math.abs(change) < 10 ? 1 : 0)}
    </span>
  );
}

const useStyles = sheet((theme, mix) => ({
  change: {
    display: 'inline-flex',
    alignItems: 'center',
    whiteSpace: 'nowrap',
    ...mix.dim,
    ...mix.small,
  },
}));
