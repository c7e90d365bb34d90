import type { HistogramTotals } from '../domain/model-report.ts';
import type { Family } from './families.ts';
import { boundText, labelText, samplePrefix, valueText } from './sample-text.ts';

/** What one set of label values of a family shows: one line, or the lines of a histogram. */
export interface Series<Value> {
  /** Names the series within its block: `name{labels} `. */
  readonly key: string;
  readonly labelValues: readonly string[];
  /** Number of the block's update that last wrote it. */
  writtenIn: number;
  /** Lines. */
  readonly samples: number;
  /** Whether the text changed. */
  assign(value: Value): boolean;
  render(): string;
}

/** How a block makes the series of its family. */
export type SeriesMaker<Value> = (family: Family, key: string, labelValues: readonly string[]) => Series<Value>;

export const scalarSeries: SeriesMaker<number> = (_family, key, labelValues) => new ScalarSeries(key, labelValues);
export const histogramSeries: SeriesMaker<HistogramTotals> = (family, key, labelValues) =>
  new HistogramSeries(family, key, labelValues);

export function seriesKey({ name, labels }: Family, labelValues: readonly string[]): string {
  return samplePrefix(name, labelText(labels, labelValues));
}

class ScalarSeries implements Series<number> {
  readonly key: string;
  readonly labelValues: readonly string[];
  readonly samples = 1;
  writtenIn = 0;
  private value = NaN;

  constructor(key: string, labelValues: readonly string[]) {
    this.key = key;
    this.labelValues = labelValues;
  }

  assign(value: number): boolean {
    if (this.value === value) return false;
    this.value = value;
    return true;
  }

  render(): string {
    return `${this.key}${valueText(this.value)}\n`;
  }
}

/** Lines of a histogram beside its buckets: `+Inf`, sum and count. */
const EXTRA_LINES = 3;

export function histogramSamples(totals: HistogramTotals): number {
  return totals.upperBoundsSeconds.length + EXTRA_LINES;
}

class HistogramSeries implements Series<HistogramTotals> {
  readonly key: string;
  readonly labelValues: readonly string[];
  writtenIn = 0;
  private readonly family: Family;
  private bounds: readonly number[] = [];
  private prefixes: readonly string[] = [];
  private values: readonly number[] = [];

  constructor(family: Family, key: string, labelValues: readonly string[]) {
    this.family = family;
    this.key = key;
    this.labelValues = labelValues;
  }

  get samples(): number {
    return this.prefixes.length;
  }

  assign(totals: HistogramTotals): boolean {
    const { upperBoundsSeconds, cumulative, count, sumSeconds } = totals;
    const sameBounds = this.prefixes.length > 0 && sameItems(this.bounds, upperBoundsSeconds);
    if (!sameBounds) this.setBounds(upperBoundsSeconds);
    const values = [...cumulative, count, sumSeconds, count];
    if (sameBounds && sameItems(this.values, values)) return false;
    this.values = values;
    return true;
  }

  private setBounds(bounds: readonly number[]): void {
    const { name } = this.family;
    const labels = labelText(this.family.labels, this.labelValues);
    const separator = labels === '' ? '' : ',';
    this.bounds = bounds;
    this.prefixes = [
      ...[...bounds, Infinity].map((bound) => `${name}_bucket{${labels}${separator}le="${boundText(bound)}"} `),
      samplePrefix(`${name}_sum`, labels),
      samplePrefix(`${name}_count`, labels),
    ];
  }

  render(): string {
    let text = '';
    for (let i = 0; i < this.prefixes.length; i++) text += `${this.prefixes[i]!}${valueText(this.values[i]!)}\n`;
    return text;
  }
}

export function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
