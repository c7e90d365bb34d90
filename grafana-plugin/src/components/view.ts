import { GrafanaTheme2, LinkModel } from '@grafana/data';
import { IconName } from '@grafana/ui';
import { colorOf, levelOf, Status } from '../data/levels';
import { Check, ModelHealth } from '../data/models';
import { ScorecardOptions } from '../options';
import { tint } from './mixins';

/** What every layout needs to draw a model; one object, so that a row is drawn again only when it changed. */
export interface View {
  readonly options: ScorecardOptions;
  /** End of the shown range, ms. */
  readonly now: number;
  readonly paint: (model: ModelHealth) => Paint;
  readonly linksOf: (model: ModelHealth) => Array<() => LinkModel>;
  readonly open: (model: ModelHealth, feature?: string) => void;
  /** Undefined: retraining is off. */
  readonly retrain: ((model: ModelHealth) => void) | undefined;
}

export interface Paint {
  readonly text: string;
  readonly color: string;
}

export const STATUS_ICONS: Readonly<Record<Status, IconName>> = {
  excellent: 'check-circle',
  good: 'check',
  fair: 'exclamation-circle',
  poor: 'exclamation-triangle',
  stale: 'clock-nine',
  unknown: 'question-circle',
};

/** The same word everywhere, so that a filter, a badge and a screen reader agree. */
export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  excellent: 'Excellent',
  good: 'Good',
  fair: 'Fair',
  poor: 'Poor',
  stale: 'Stale',
  unknown: 'Unknown',
};

/** Never green for what is not known. */
export function statusColor(status: Status, theme: GrafanaTheme2): string {
  return status === 'stale' || status === 'unknown'
    ? theme.colors.text.secondary
    : tint(theme, colorOf(status, undefined) ?? 'text');
}

export function checkColor({ state, score }: Check, theme: GrafanaTheme2): string {
  const color = (name: string) => tint(theme, name);
  switch (state) {
    case 'alert':
      return color('red');
    case 'warning':
      return color('orange');
    case 'ok':
      return color('green');
    case 'insufficient_data':
      return theme.colors.text.disabled;
    case null:
      return score === null
        ? theme.colors.text.disabled
        : color(colorOf(levelOf(score, undefined), undefined) ?? 'text');
  }
}

/** One sentence that says what a card shows: for screen readers and tooltips. */
export function describeModel(model: ModelHealth, text: string): string {
  const name = model.version === null ? model.name : `${model.name} ${model.version}`;
  const score = model.score === null ? 'no score' : `score ${text}, ${model.level}`;
  return `${name}: ${score}${model.status === 'stale' ? ', stale' : ''}`;
}
