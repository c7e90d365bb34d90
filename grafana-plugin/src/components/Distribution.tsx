import React from 'react';
import { useTheme2 } from '@grafana/ui';
import { Bin } from '../data/models';
import { middle, sheet, tint } from './mixins';

interface Props {
  feature: string;
  bins: readonly Bin[];
  width: number;
  height: number;
}

const AXIS = 20;
const LEGEND = 22;
const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** Baseline and current distribution of a feature, bin by bin, as shares: wide pale bars behind narrow strong ones. */
export function Distribution({ feature, bins, width, height }: Props) {
  const s = useStyles();
  const theme = useTheme2();
  const plot = height - AXIS - LEGEND;
  const most = bins.reduce((max, { baseline, current }) => Math.max(max, baseline, current), 0.01);
  const slot = width / bins.length;
  const every = Math.ceil(46 / slot);
  const moved = [...bins].sort((a, b) => Math.abs(b.current - b.baseline) - Math.abs(a.current - a.baseline)).at(0);
  const colors = { baseline: theme.colors.border.strong, current: tint(theme, 'blue') };
  const numeric = bins.some(({ name }) => name === '+Inf');
  const label =
    moved === undefined
      ? `${feature}: no values`
      : `Distribution of ${feature}. Most moved: ${nameOf(moved, numeric)}, from ${percent(moved.baseline)} to ${percent(moved.current)}`;
  return (
    <figure className={s.figure}>
      <figcaption className={s.legend}>
        <i style={{ background: colors.baseline }} /> Baseline <i style={{ background: colors.current }} /> Now
        {moved !== undefined && (
          <span className={s.moved}>
            {nameOf(moved, numeric)}: {percent(moved.baseline)} → {percent(moved.current)}
          </span>
        )}
      </figcaption>
      <svg width={width} height={plot + AXIS} role="img" aria-label={label}>
        <line x1={0} x2={width} y1={plot + 0.5} y2={plot + 0.5} stroke={theme.colors.border.medium} />
        {bins.map((bin, i) => {
          const heightOf = (share: number) => (share / most) * (plot - 4);
          return (
            <g key={bin.name}>
              <title>{`${nameOf(bin, numeric)}: baseline ${percent(bin.baseline)}, now ${percent(bin.current)}`}</title>
              <rect x={i * slot} y={0} width={slot} height={plot} fill="transparent" />
              <rect
                x={i * slot + slot * 0.1}
                width={slot * 0.8}
                y={plot - heightOf(bin.baseline)}
                height={heightOf(bin.baseline)}
                fill={colors.baseline}
                rx={1}
              />
              <rect
                x={i * slot + slot * 0.3}
                width={slot * 0.4}
                y={plot - heightOf(bin.current)}
                height={heightOf(bin.current)}
                fill={colors.current}
                rx={1}
              />
              {i % every === 0 && (
                <text x={i * slot + slot / 2} y={plot + 14} textAnchor="middle" className={s.tick}>
                  {tick(bin.name, slot * every)}
                </text>
              )}
            </g>
          );
        })}
      </svg>
    </figure>
  );
}

const nameOf = ({ name }: Bin, numeric: boolean) =>
  numeric ? (name === '+Inf' ? 'the highest' : `up to ${short(name)}`) : name;

function tick(name: string, room: number): string {
  const text = name === '+Inf' ? '∞' : short(name);
  const letters = Math.max(3, Math.floor(room / 7));
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

/** Three digits of a number; other names as they are. */
function short(name: string): string {
  const value = Number(name);
  if (name === '' || Number.isNaN(value)) {
    return name;
  }
  return new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
}

const useStyles = sheet((theme, mix) => ({
  figure: { margin: 0 },
  legend: {
    height: LEGEND,
    ...middle,
    gap: theme.spacing(0.75),
    ...mix.small,
    ...mix.dim,
    whiteSpace: 'nowrap',
    overflow: 'hidden',
    '& i': { width: 10, height: 10, borderRadius: 2, flex: 'none' },
    '& i:not(:first-of-type)': { marginLeft: theme.spacing(1) },
  },
  moved: { marginLeft: 'auto', color: theme.colors.text.primary, overflow: 'hidden', textOverflow: 'ellipsis' },
  tick: { fontSize: 11, fill: theme.colors.text.secondary },
}));
