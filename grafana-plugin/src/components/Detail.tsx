import React from 'react';
import { cx } from '@emotion/css';
import { Button, useTheme2 } from '@grafana/ui';
import { CARD_HEIGHT } from '../data/layout';
import { ModelHealth } from '../data/models';
import { Distribution } from './Distribution';
import { driftText } from './DriftList';
import { ModelCard } from './ModelCard';
import { Choice } from './Toolbar';
import { View } from './view';
import { bare, ellipsis, noList, sheet, tint } from './mixins';

interface Props {
  model: ModelHealth;
  /** Those to choose from. */
  models: readonly ModelHealth[];
  /** Null: the most drifted. */
  feature: string | null;
  view: View;
  width: number;
  height: number;
  /** Undefined: there is nothing to go back to. */
  onBack: (() => void) | undefined;
}

const MOST_CHOICES = 200;
const BAR = 32;

/** One model: its card, how far each feature is from its threshold, and the two distributions of one of them. */
export function Detail({ model, models, feature, view, width, height, onBack }: Props) {
  const s = useStyles();
  const wide = width >= 640;
  const cardWidth = wide ? Math.min(320, Math.round(width * 0.4)) : width - 10;
  const sideWidth = wide ? width - cardWidth - 28 : width - 10;
  const chosen = model.features.find(({ name }) => name === feature) ?? model.features.at(0);
  const bins = chosen === undefined ? undefined : model.distributions.get(chosen.name);
  const words = Object.fromEntries(
    models
      .slice(0, MOST_CHOICES)
      .map((one) => [one.key, one.version === null ? one.name : `${one.name} ${one.version}`])
  );
  return (
    <div className={s.root} style={{ height }}>
      {(onBack || models.length > 1) && (
        <div className={s.bar}>
          {onBack && (
            <Button size="sm" variant="secondary" fill="text" icon="arrow-left" onClick={onBack}>
              All models
            </Button>
          )}
          {models.length > 1 && (
            <Choice
              label="Model"
              value={model.key}
              words={words}
              onChange={(key) => view.open(models.find((one) => one.key === key) ?? model)}
            />
          )}
        </div>
      )}
      <div className={cx(s.body, !wide && s.narrow)}>
        <ModelCard
          model={model}
          view={view}
          width={cardWidth}
          height={wide ? Math.max(CARD_HEIGHT, Math.min(height - BAR, 340)) : CARD_HEIGHT}
        />
        <div style={{ width: sideWidth }}>
          {model.features.length === 0 && (
            <p className={s.dim}>No drift figures: add ml_feature_drift_kl_divergence_nats as a query.</p>
          )}
          <FeatureBars model={model} chosen={chosen?.name} onChoose={(name) => view.open(model, name)} />
          {chosen !== undefined && bins !== undefined && bins.length > 0 && (
            <Distribution
              feature={chosen.name}
              bins={bins}
              width={sideWidth}
              height={Math.max(150, Math.min(400, height - BAR - 16 - 24 * Math.min(8, model.features.length)))}
            />
          )}
          {chosen !== undefined && bins === undefined && (
            <p className={s.dim}>
              The distributions need the bins of {model.name}: set exposition.bins for it, and add
              ml_feature_baseline_bin_ratio and increase(ml_feature_bin_total) as queries “baseline” and “current”.
            </p>
          )}
        </div>
      </div>
    </div>
  );
}

/** Bars run to twice the threshold, whose place is marked. */
function FeatureBars({
  model,
  chosen,
  onChoose,
}: {
  model: ModelHealth;
  chosen: string | undefined;
  onChoose: (name: string) => void;
}) {
  const s = useStyles();
  const theme = useTheme2();
  const color = (drifted: boolean) => tint(theme, drifted ? 'red' : 'green');
  return (
    <ul className={s.list} aria-label={`Features of ${model.name}`}>
      {model.features.map(({ name, value, threshold, statistic, drifted }) => (
        <li key={name}>
          <button
            type="button"
            className={cx(s.feature, name === chosen && s.chosen)}
            aria-pressed={name === chosen}
            title={`threshold ${threshold}${drifted ? ', drifted' : ''}`}
            onClick={() => onChoose(name)}
          >
            <span className={s.name}>{name}</span>
            <span className={s.track}>
              <span
                className={s.barFill}
                style={{
                  width: `${Math.min(100, Math.max(1, (value / threshold) * 50))}%`,
                  background: color(drifted),
                }}
              />
              <span className={s.mark} />
            </span>
            <span className={s.value}>
              {statistic.name} {driftText(value)}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

const useStyles = sheet((theme, mix) => ({
  root: { display: 'flex', flexDirection: 'column' },
  bar: { height: BAR, flex: 'none', display: 'flex', gap: theme.spacing(1), alignItems: 'flex-start' },
  body: { flex: 1, minHeight: 0, display: 'flex', gap: theme.spacing(2), overflow: 'auto' },
  narrow: { flexDirection: 'column', gap: theme.spacing(1) },
  dim: { ...mix.dim, ...mix.small },
  list: { ...noList, marginBottom: theme.spacing(1) },
  feature: {
    ...bare,
    display: 'grid',
    gridTemplateColumns: 'minmax(60px, 34%) 1fr 6em',
    gap: theme.spacing(1),
    alignItems: 'center',
    width: '100%',
    height: 24,
    padding: theme.spacing(0, 0.75),
    borderRadius: 3,
    ...mix.small,
    '&:hover': { background: theme.colors.action.hover },
  },
  chosen: { background: theme.colors.action.selected },
  name: { ...ellipsis },
  track: { position: 'relative', height: 6, borderRadius: 3, background: theme.colors.border.weak },
  barFill: { position: 'absolute', left: 0, top: 0, bottom: 0, borderRadius: 3 },
  mark: {
    position: 'absolute',
    left: '50%',
    top: -3,
    bottom: -3,
    width: 2,
    background: theme.colors.text.secondary,
  },
  value: { textAlign: 'right', whiteSpace: 'nowrap' },
}));
