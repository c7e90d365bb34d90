import React from 'react';
import { Icon } from '@grafana/ui';
import { Status } from '../data/levels';
import { STATUS_ICONS, STATUS_WORDS } from './view';
import { sheet } from './mixins';

/** Icon in colour, word in the text's colour: colours of thresholds as text are too faint in the light theme. */
export function StatusMark({ status, color, word = true }: { status: Status; color: string; word?: boolean }) {
  const s = useStyles();
  return (
    <span className={s.mark}>
      <Icon name={STATUS_ICONS[status]} size="sm" style={{ color }} aria-hidden />
      {word && STATUS_WORDS[status]}
    </span>
  );
}

const useStyles = sheet((theme) => ({
  mark: {
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    whiteSpace: 'nowrap',
    lineHeight: 1.3,
  },
}));
