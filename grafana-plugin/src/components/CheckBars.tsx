import React from 'react';
import { cx } from '@emotion/css';
import { useTheme2 } from '@grafana/ui';
import { checkName } from '../data/arrange';
import { Check } from '../data/models';
import { checkColor } from './view';
import { ellipsis, noList, sheet } from './mixins';

const STATE_WORDS = { ok: 'ok', warning: 'warning', alert: 'alert', insufficient_data: 'insufficient data' };

export function describeCheck({ name, score, weight, state }: Check): string {
  const value = score === null ? 'no data' : `${Math.round(score)} of 100`;
  const share = weight === null ? '' : `, weight ${Math.round(weight * 100)} %`;
  return `${checkName(name)}: ${value}${state === null ? '' : `, ${STATE_WORDS[state]}`}${share}`;
}

/** `faded`: the figures are old, and neither good nor bad news. */
export function CheckBars({ checks, faded }: { checks: readonly Check[]; faded: boolean }) {
  const s = useStyles();
  const theme = useTheme2();
  return (
    <ul className={s.list} aria-label="Checks">
      {checks.map((check) => (
        <li key={check.name} className={s.row} data-state={check.state} title={describeCheck(check)}>
          <span className={cx(s.name, check.state === 'alert' && s.alert)}>{checkName(check.name)}</span>
          <span className={cx(s.track, check.score === null && s.noData)}>
            <span
              className={s.bar}
              style={{
                width: `${Math.max(check.score === null ? 0 : 2, check.score ?? 0)}%`,
                background: faded ? theme.colors.border.strong : checkColor(check, theme),
              }}
            />
          </span>
          <span className={cx(s.value, check.state === 'alert' && s.alert)}>
            {check.score === null ? '–' : Math.round(check.score)}
          </span>
        </li>
      ))}
    </ul>
  );
}

const useStyles = sheet((theme, mix) => ({
  list: { ...noList },
  row: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 7.6em) 1fr 2em',
    alignItems: 'center',
    gap: theme.spacing(0.75),
    height: 18,
    ...mix.small,
    lineHeight: 1.2,
  },
  name: { ...mix.dim, ...ellipsis },
  alert: { color: theme.colors.text.primary, ...mix.medium },
  track: { height: 6, borderRadius: 3, background: theme.colors.border.weak, overflow: 'hidden' },
  noData: { background: 'none', border: `1px dashed ${theme.colors.border.medium}` },
  bar: { display: 'block', height: '100%', borderRadius: 3 },
  value: { textAlign: 'right' },
}));
