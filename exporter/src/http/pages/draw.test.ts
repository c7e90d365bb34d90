import { describe, expect, test } from '@jest/globals';
import type { FeatureDistribution } from '../../domain/feature-distribution.ts';
import { distributionPicture, sparkline } from './draw.ts';

const HOUR = 3_600_000;
const totals = (values: number) => ({ values, missing: 0, typeErrors: 0, notFinite: 0 });
const bin = (lower: number, upper: number, baseline: number, current: number) => ({
  name: String(upper),
  lower,
  upper,
  baseline,
  current,
});
const numeric: FeatureDistribution = {
  model: 'm',
  version: '1',
  feature: '<age>',
  kind: 'numeric',
  windowMs: HOUR,
  windowEndMs: 0,
  schemeId: 1,
  baselineKind: 'reference',
  baseline: totals(100),
  current: totals(50),
  cells: [bin(-Infinity, 10, 100, 50)],
  bins: [bin(-Infinity, 0, 0, 0), bin(0, 10, 60, 5), bin(10, 20, 40, 45), bin(20, Infinity, 0, 0)],
};
const heights = (svg: string, kind: string) =>
  [...svg.matchAll(new RegExp(`class="${kind}"[^>]* height="([\\d.]+)"`, 'g'))].map((match) => Number(match[1]));

describe('distributionPicture', () => {
  test('bins of a number become equal intervals: shares are kept, the tallest fills the picture', () => {
    const svg = distributionPicture(numeric);
    expect(svg).toContain('aria-label="Distribution of &lt;age&gt;: baseline median 8.33, now 14.4');
    const [was, is] = [heights(svg, 'was'), heights(svg, 'is')];
    expect([was.length, is.length]).toEqual([24, 24]);
    expect(Math.max(...is)).toBe(54);
    // 0.6 of the baseline against 0.9 of now, over as many intervals each.
    expect(was[0]! / is.at(-1)!).toBeCloseTo(0.6 / 0.9, 1);
    expect(svg).toContain('<span>0</span><span>20</span>');
  });

  test.each<readonly [string, Partial<FeatureDistribution>]>([
    ['no values now', { current: totals(0) }],
    ['no baseline', { baseline: totals(0) }],
    ['nothing in any bin', { bins: numeric.bins.map((one) => ({ ...one, baseline: 0, current: 0 })) }],
  ])('%s', (_name, change) => expect(distributionPicture({ ...numeric, ...change })).toContain('no values'));

  test('one value alone, and categories', () => {
    const constant = { ...numeric, bins: [bin(-Infinity, 5, 0, 0), bin(5, 5, 100, 50), bin(5, Infinity, 0, 0)] };
    expect(heights(distributionPicture(constant), 'was')).toEqual([54]);
    const cells = [
      { ...bin(NaN, NaN, 75, 25), name: 'north & south' },
      { ...bin(NaN, NaN, 25, 25), name: 'east' },
    ];
    const svg = distributionPicture({ ...numeric, kind: 'categorical', cells, bins: [] });
    expect(heights(svg, 'was')).toEqual([54, 18]);
    expect(svg).toContain('north &amp; south'.slice(0, 12));
  });
});

describe('sparkline', () => {
  const at = (hour: number, score: number) => ({ atMs: hour * HOUR, score });

  test('a line over its range, broken where there was no score', () => {
    const svg = sparkline([at(0, 100), at(1, 50), at(2, NaN), at(3, 0)], 0, 4 * HOUR, { width: 100, height: 23 });
    expect(/d="([^"]*)"/.exec(svg)?.[1]).toBe('M0.0 1.5L25.0 11.5M75.0 21.5');
    expect(svg).toContain('aria-label="Health score from 100 to 0, lowest 0"');
  });

  test('nothing to draw', () => {
    expect(sparkline([], 0, 1)).toContain('no history yet');
    expect(sparkline([at(0, NaN)], 0, HOUR)).toContain('no history yet');
  });
});
