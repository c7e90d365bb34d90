import { DisplayProcessor, FieldConfig, formattedValueToString } from '@grafana/data';
import { levelOf } from './levels';

/**
 * The score as the field's settings say, but never rounded over a threshold: with none of its decimals shown, 69.7 (fair) reads 69, not 70.
 * Without a score it is the field's "no value", or a dash.
 */
export function scoreText(score: number | null, display: DisplayProcessor, config: FieldConfig): string {
  if (score === null) {
    return config.noValue ?? '–';
  }
  const shown = display(score, config.decimals ?? 0);
  const rounded = Number(shown.text);
  if (Number.isNaN(rounded) || levelOf(rounded, config.thresholds) === levelOf(score, config.thresholds)) {
    return formattedValueToString(shown);
  }
  const scale = 10 ** (config.decimals ?? 0);
  return formattedValueToString(display(Math.floor(score * scale) / scale, config.decimals ?? 0));
}
