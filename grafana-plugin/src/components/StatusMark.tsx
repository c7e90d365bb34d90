import React from 'react';
import { css } from '@emotion/css';
import { GrafanaTheme2 } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';
import { Status } from '../data/levels';
import { STATUS_ICONS, STATUS_WORDS } from './view';

/** Icon in colour, word in the text's colour: colours of thresholds as text are too faint in the light theme. */
export function StatusMark({ status, color, word = true }: { status: Status; color: string; word?: boolean }) {
  const s = useStyles2(getStyles);
  return (
    <span className={s.mark}>
      <Icon name={STATUS_ICONS[status]} size="sm" style={{ color }} aria-hidden />
      {word && STATUS_WORDS[status]}
    </span>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  mark: css({
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    whiteSpace: 'nowrap',
    lineHeight: 1.3,
  }),
});
