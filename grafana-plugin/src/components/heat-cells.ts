import { colorManipulator, GrafanaTheme2 } from '@grafana/data';
import { checkName, checkNames } from '../data/arrange';
import { ModelHealth } from '../data/models';
import { describeCheck } from './CheckBars';
import { driftText } from './DriftList';
import { checkColor, View } from './view';
import { tint } from './mixins';

export interface HeatCell {
  readonly text: string;
  readonly title: string;
  /** Undefined: nothing to say, drawn without a colour. */
  readonly color: string | undefined;
  readonly open: () => void;
}

/** So many columns still fit a panel; the features that drifted most are kept. */
const MOST_FEATURES = 30;

export function checkColumns(models: readonly ModelHealth[]): Array<{ key: string; word: string }> {
  return checkNames(models).map((key) => ({ key, word: checkName(key) }));
}

/** The most drifted feature of all models first. */
export function featureColumns(models: readonly ModelHealth[]): Array<{ key: string; word: string }> {
  const worst = new Map<string, number>();
  for (const { features } of models) {
    for (const { name, value } of features) {
      worst.set(name, Math.max(worst.get(name) ?? 0, value));
    }
  }
  return [...worst]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MOST_FEATURES)
    .map(([key]) => ({ key, word: key }));
}

/** Null: the model has no such check. What is well is pale, so that the rest stands out. */
export function checkCell(theme: GrafanaTheme2, view: View) {
  const soft = (color: string) => mix(color, theme.colors.background.primary, 0.28);
  return (model: ModelHealth, name: string): HeatCell | null => {
    const check = model.checks.find((one) => one.name === name);
    if (check === undefined) {
      return null;
    }
    const color = checkColor(check, theme);
    return {
      text: check.score === null ? '–' : String(Math.round(check.score)),
      title: `${model.name}: ${describeCheck(check)}`,
      color: check.score === null ? undefined : check.state === 'ok' ? soft(color) : color,
      open: () => view.open(model),
    };
  };
}

/** Null: the model has no such feature. Orange from a third of the threshold, where the exporter calls drift moderate; red above it. */
export function featureCell(theme: GrafanaTheme2, view: View) {
  const ground = theme.colors.background.secondary;
  const [orange, red] = ['orange', 'red'].map((name) => tint(theme, name));
  return (model: ModelHealth, name: string): HeatCell | null => {
    const feature = model.features.find((one) => one.name === name);
    if (feature === undefined) {
      return null;
    }
    const { value, threshold, statistic, drifted } = feature;
    return {
      text: driftText(value),
      title: `${model.name}, ${name}: ${statistic.name} ${driftText(value)}, threshold ${threshold}${drifted ? ', drifted' : ''}`,
      color: drifted ? red : value > threshold / 3 ? orange : ground,
      open: () => view.open(model, name),
    };
  };
}

/** A solid colour, so that the contrast of the text on it is known. */
function mix(color: string, ground: string, share: number): string {
  const [a, b] = [color, ground].map(
    (one) => colorManipulator.decomposeColor(colorManipulator.asHexString(one)).values as number[]
  );
  return `rgb(${[0, 1, 2].map((i) => Math.round(a[i] * share + b[i] * (1 - share))).join(', ')})`;
}
