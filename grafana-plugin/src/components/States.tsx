import React from 'react';
import { keyframes } from '@emotion/css';
import { Alert } from '@grafana/ui';
import { columnsOf } from '../data/layout';
import { sheet } from './mixins';

const HEIGHT = 120;

/** Shapes of cards, before the first answer. */
export function Skeleton({ width, height, minCardWidth }: { width: number; height: number; minCardWidth: number }) {
  const s = useStyles();
  const { columns, cellWidth } = columnsOf(8, width, {
    minWidth: Math.min(minCardWidth, width),
    maxWidth: 480,
    gap: 8,
  });
  const rows = Math.max(1, Math.min(2, Math.floor(height / (HEIGHT + 8))));
  return (
    <div role="status" aria-label="Loading models" className={s.skeleton} style={{ width, height }}>
      {Array.from({ length: columns * rows }, (_, i) => (
        <span key={i} className={s.bone} style={{ width: cellWidth, height: Math.min(HEIGHT, height) }} />
      ))}
    </div>
  );
}

export function Failure({ message }: { message: string }) {
  return (
    <Alert title="The query failed" severity="error">
      {message}
    </Alert>
  );
}

const pulse = keyframes({ '0%, 100%': { opacity: 0.6 }, '50%': { opacity: 1 } });

const useStyles = sheet((theme) => ({
  skeleton: { display: 'flex', flexWrap: 'wrap', alignContent: 'flex-start', gap: 8, overflow: 'hidden' },
  bone: {
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.secondary,
    border: `1px solid ${theme.colors.border.medium}`,
    boxSizing: 'border-box',
    '@media (prefers-reduced-motion: no-preference)': { animation: `${pulse} 1.6s ease-in-out infinite` },
  },
}));
