import React, { memo } from 'react';
import { cx } from '@emotion/css';
import { useTheme2 } from '@grafana/ui';
import { checkName, inAlert, reasonsOf } from '../data/arrange';
import { ModelHealth } from '../data/models';
import { describeModel, View } from './view';
import { bare, middle, sheet, tint } from './mixins';

/** One model as one colour and its score. A corner is cut red when a check is in alert. */
export const Tile = memo(function Tile({ model, view, size }: { model: ModelHealth; view: View; size: number }) {
  const s = useStyles();
  const theme = useTheme2();
  const { text, color } = view.paint(model);
  const unknown = model.status === 'stale' || model.status === 'unknown';
  const reasons = reasonsOf(model).map(({ name }) => checkName(name));
  const title = describeModel(model, text) + (reasons.length > 0 ? `, ${reasons.join(', ')}` : '');
  return (
    <button
      type="button"
      className={cx(s.tile, unknown && s.unknown)}
      style={
        unknown
          ? { height: size }
          : { height: size, background: color, color: theme.colors.getContrastText(color, 4.5) }
      }
      title={title}
      aria-label={title}
      onClick={() => view.open(model)}
    >
      {text}
      {inAlert(model) && <span className={s.corner} />}
    </button>
  );
});

const useStyles = sheet((theme, mix) => ({
  tile: {
    ...bare,
    position: 'relative',
    ...middle,
    justifyContent: 'center',
    width: '100%',
    borderRadius: 3,
    overflow: 'hidden',
    fontSize: 11,
    '&:hover, &:focus-visible': { outline: `2px solid ${theme.colors.text.primary}`, outlineOffset: -2 },
  },
  unknown: { border: `1px dashed ${theme.colors.border.strong}`, ...mix.dim },
  corner: {
    position: 'absolute',
    top: 0,
    right: 0,
    borderStyle: 'solid',
    borderWidth: '0 8px 8px 0',
    borderColor: `transparent ${tint(theme, 'dark-red')} transparent transparent`,
  },
}));
