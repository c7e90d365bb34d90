import type { Family } from './families.ts';

/**
 * A sample value: shortest text that reads back as the same double, `+Inf`, `-Inf` or `NaN`.
 * Both text formats take JavaScript's exponents (`1e+21`).
 */
export function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/**
 * A bucket bound as OpenMetrics and Prometheus 3 write it: `1.0`, `0.25`, `3.93216e+06`. Prometheus 3 rewrites other spellings,
 * and a bound that is spelt differently is another series, so both formats use this one.
 * Reference: Go's strconv.FormatFloat(x, 'g', -1, 64), with `.0` after a bare integer.
 */
export function boundText(bound: number): string {
  if (!Number.isFinite(bound)) return valueText(bound);
  const [mantissa = '', exponent = '0'] = bound.toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 6)
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  const text = String(bound);
  return text.includes('.') ? text : `${text}.0`;
}

/** `model="a",version=""`: labels in the family's order, values escaped; '' for a family without labels. */
export function labelText(names: Family['labels'], values: readonly string[]): string {
  let text = '';
  for (let i = 0; i < names.length; i++) text += `${i === 0 ? '' : ','}${names[i]!}="${escapeLabelValue(values[i]!)}"`;
  return text;
}

const SPECIAL = /[\\"\n]/;

/** Backslash, quote and newline are all that either format escapes; every other character stands for itself. */
export function escapeLabelValue(value: string): string {
  if (!SPECIAL.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** `name{labels} ` without the value, which is what stays the same from scrape to scrape. */
export function samplePrefix(name: string, labels: string): string {
  return labels === '' ? `${name} ` : `${name}{${labels}} `;
}
