import React from 'react';
import { css } from '@emotion/css';
import { GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';
import { dim, small } from './mixins';

/** Points over the shown range; less than half a point is no change. */
export function Change({ change }: { change: number | null }) {
  const s = useStyles2(getStyles);
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

const getStyles = (theme: GrafanaTheme2) => ({
  change: css({
    display: 'inline-flex',
    alignItems: 'center',
    whiteSpace: 'nowrap',
    ...dim(theme),
    ...small(theme),
  }),
});
