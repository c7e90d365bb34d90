import React, { memo } from 'react';
import { ModelHealth } from '../data/models';

interface Props {
  points: ModelHealth['trend'];
  width: number;
  height: number;
  color: string;
  label: string;
}

/** Noise is not to look like a fall: the scale spans at least this many points of the score. */
const LEAST_SPAN = 12;

/** A line with its gaps left open, and a dot where it ends. Nothing without two values. */
export const Spark = memo(function Spark({ points, width, height, color, label }: Props) {
  const values = points.flatMap(([, value]) => (value === null ? [] : [value]));
  if (values.length < 2 || width < 24) {
    return null;
  }
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const middle = (low + high) / 2;
  const span = Math.max(high - low, LEAST_SPAN);
  const [start, end] = [points[0][0], points[points.length - 1][0]];
  const x = (time: number) => 2 + ((time - start) / (end - start || 1)) * (width - 6);
  const y = (value: number) => height / 2 - ((value - middle) / span) * (height - 6);
  let path = '';
  let drawing = false;
  for (const [time, value] of points) {
    if (value !== null) {
      path += `${drawing ? 'L' : 'M'}${x(time).toFixed(1)},${y(value).toFixed(1)}`;
    }
    drawing = value !== null;
  }
  const [time, value] = points.findLast((point) => point[1] !== null)!;
  return (
    <svg
      width={width}
      height={height}
      role="img"
      aria-label={`${label}: from ${Math.round(low)} to ${Math.round(high)}`}
    >
      <path d={path} fill="none" stroke={color} strokeWidth={1.5} strokeLinejoin="round" strokeLinecap="round" />
      <circle cx={x(time)} cy={y(value!)} r={2.5} fill={color} />
    </svg>
  );
});
