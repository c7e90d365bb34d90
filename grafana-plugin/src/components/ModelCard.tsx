import React, { memo } from 'react';
import { cx } from '@emotion/css';
import { GrafanaTheme2 } from '@grafana/data';
import { Icon, IconButton, useTheme2 } from '@grafana/ui';
import { checkName, inAlert, reasonsOf } from '../data/arrange';
import { formatAge } from '../data/duration';
import { ModelHealth } from '../data/models';
import { Change } from './Change';
import { CheckBars } from './CheckBars';
import { DriftList } from './DriftList';
import { ModelName } from './ModelName';
import { Spark } from './Spark';
import { StatusMark } from './StatusMark';
import { checkColor, describeModel, View } from './view';
import { ellipsis, middle, sheet, tint } from './mixins';

interface Props {
  model: ModelHealth;
  view: View;
  width: number;
  height: number;
}

/** From the top: who, how well, why not, where, since when. */
export const ModelCard = memo(function ModelCard({ model, view, width, height }: Props) {
  const s = useStyles();
  const { options } = view;
  const theme = useTheme2();
  const { text, color } = view.paint(model);
  return (
    <article
      className={cx(s.card, model.status === 'stale' && s.stale)}
      style={{ width, height, borderLeftColor: edgeColor(model, color, theme) }}
      aria-label={describeModel(model, text)}
      data-testid="model-card"
    >
      <Head model={model} view={view} />
      <div className={s.scoreRow}>
        <span className={cx(s.score, model.status === 'stale' && s.dim)}>{text}</span>
        <span className={s.level}>
          <StatusMark status={model.status} color={color} />
          <AlertCount model={model} />
        </span>
        {options.showSparkline && (
          <span className={s.spark}>
            <Spark points={model.trend} width={Math.min(160, width - 172)} height={36} color={color} label="Score" />
          </span>
        )}
      </div>
      {options.showChecks && model.checks.length > 0 && (
        <CheckBars checks={model.checks} faded={model.status === 'stale'} />
      )}
      {options.showDrift && (
        <DriftList model={model} most={options.maxDriftFeatures} onOpen={(feature) => view.open(model, feature)} />
      )}
      <footer className={s.foot}>
        <span>
          {model.updatedAt === null ? 'never updated' : `updated ${formatAge(view.now - model.updatedAt)} ago`}
        </span>
        <Change change={model.change} />
      </footer>
    </article>
  );
});

/** Name, level, score and what is wrong, in two lines. */
export const CompactCard = memo(function CompactCard({ model, view, width, height }: Props) {
  const s = useStyles();
  const theme = useTheme2();
  const { text, color } = view.paint(model);
  const reasons = reasonsOf(model).map(({ name }) => checkName(name));
  return (
    <article
      className={cx(s.card, s.compact, model.status === 'stale' && s.stale)}
      style={{ width, height, borderLeftColor: edgeColor(model, color, theme) }}
      aria-label={describeModel(model, text)}
      data-testid="model-card"
    >
      <div className={s.head}>
        <StatusMark status={model.status} color={color} word={false} />
        <ModelName model={model} view={view} />
        {model.version !== null && width >= 170 && <span className={s.version}>{model.version}</span>}
        <span className={s.grow} />
        {width >= 230 && <Change change={model.change} />}
        <span className={cx(s.smallScore, model.status === 'stale' && s.dim)}>{text}</span>
      </div>
      <div className={s.reason} title={reasons.join(', ')}>
        {reasons.length > 0 && model.status !== 'stale' ? (
          <Reasons model={model} />
        ) : (
          <StatusWord model={model} now={view.now} />
        )}
      </div>
    </article>
  );
});

/** A fault is to be seen from afar, also beside a good score. */
const edgeColor = (model: ModelHealth, color: string, theme: GrafanaTheme2) =>
  inAlert(model) ? tint(theme, 'red') : color;

function Reasons({ model }: { model: ModelHealth }) {
  const theme = useTheme2();
  const reasons = reasonsOf(model);
  return (
    <>
      <Icon name="exclamation-triangle" size="xs" style={{ color: checkColor(reasons[0], theme) }} aria-hidden />{' '}
      {reasons.map(({ name }) => checkName(name)).join(', ')}
    </>
  );
}

/** A good score can hide a check in alert: it is said beside the score. */
function AlertCount({ model }: { model: ModelHealth }) {
  const s = useStyles();
  const alerts = model.checks.filter(({ state }) => state === 'alert').length;
  return alerts === 0 || model.status === 'stale' ? null : <span className={s.alert}>{alerts} in alert</span>;
}

function StatusWord({ model, now }: { model: ModelHealth; now: number }) {
  if (model.status === 'stale' && model.updatedAt !== null) {
    return <>Stale for {formatAge(now - model.updatedAt)}</>;
  }
  return <>{model.status === 'unknown' ? 'No score' : model.status[0].toUpperCase() + model.status.slice(1)}</>;
}

function Head({ model, view }: Pick<Props, 'model' | 'view'>) {
  const s = useStyles();
  return (
    <header className={s.head}>
      <ModelName model={model} view={view} />
      {model.version !== null && <span className={s.version}>{model.version}</span>}
      <span className={s.grow} />
      {view.linksOf(model).length > 0 && (
        <IconButton
          name="search-plus"
          size="sm"
          tooltip={`Details of ${model.name}`}
          onClick={() => view.open(model)}
        />
      )}
      {view.retrain !== undefined && (
        <IconButton name="sync" size="sm" tooltip={`Retrain ${model.name}`} onClick={() => view.retrain!(model)} />
      )}
    </header>
  );
}

const useStyles = sheet((theme, mix) => ({
  card: {
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1),
    overflow: 'hidden',
    boxSizing: 'border-box',
    padding: theme.spacing(1, 1.25, 0.75, 1.25),
    background: theme.colors.background.secondary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderLeft: '4px solid transparent',
    borderRadius: theme.shape.radius.default,
  },
  compact: { gap: theme.spacing(0.25), padding: theme.spacing(0.5, 1), justifyContent: 'center' },
  stale: { borderStyle: 'dashed', background: 'none' },
  head: { ...middle, gap: theme.spacing(0.75), minWidth: 0, minHeight: 20 },
  version: {
    flex: 'none',
    maxWidth: '40%',
    ...ellipsis,
    ...mix.dim,
    ...mix.small,
  },
  grow: { flex: 1 },
  scoreRow: { ...middle, gap: theme.spacing(1), height: 38, flex: 'none' },
  score: {
    fontSize: 32,
    lineHeight: 1,
    ...mix.medium,
  },
  smallScore: {
    fontSize: theme.typography.h4.fontSize,
    lineHeight: 1.2,
    ...mix.medium,
  },
  alert: {
    ...mix.small,
    ...mix.medium,
    lineHeight: 1.3,
    padding: theme.spacing(0, 0.5),
    borderRadius: 2,
    whiteSpace: 'nowrap',
    color: theme.colors.getContrastText(tint(theme, 'red'), 4.5),
    background: tint(theme, 'red'),
  },
  dim: { ...mix.dim },
  level: { display: 'flex', flexDirection: 'column', justifyContent: 'center', alignItems: 'flex-start' },
  spark: { marginLeft: 'auto', display: 'flex' },
  reason: {
    ...mix.dim,
    ...mix.small,
    ...ellipsis,
  },
  foot: {
    display: 'flex',
    justifyContent: 'space-between',
    alignItems: 'center',
    height: 18,
    marginTop: 'auto',
    ...mix.dim,
    ...mix.small,
  },
}));
