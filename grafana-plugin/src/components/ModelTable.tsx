import React, { useMemo } from 'react';
import { cx } from '@emotion/css';
import { Icon, IconButton, useTheme2 } from '@grafana/ui';
import { checkName, checkNames } from '../data/arrange';
import { formatAge } from '../data/duration';
import { ModelHealth } from '../data/models';
import { SortBy } from '../options';
import { Change } from './Change';
import { describeCheck } from './CheckBars';
import { driftText } from './DriftList';
import { ModelName } from './ModelName';
import { Spark } from './Spark';
import { StatusMark } from './StatusMark';
import { useRows } from './useRows';
import { checkColor, View } from './view';
import { bare, sheet } from './mixins';

const ROW = 34;
const HEAD = 30;

interface Props {
  models: readonly ModelHealth[];
  view: View;
  width: number;
  height: number;
  sortBy: SortBy;
  onSort: (sortBy: SortBy) => void;
}

/** A row a model; narrow panels lose the columns of the least use first. */
export function ModelTable({ models, view, width, height, sortBy, onSort }: Props) {
  const s = useStyles();
  const { from, to, before, after, onScroll } = useRows(
    models.map(() => ROW),
    height - HEAD
  );
  const checks = useMemo(
    () => (view.options.showChecks && width >= 720 ? checkNames(models) : []),
    [view, width, models]
  );
  const columns = {
    trend: view.options.showSparkline && width >= 1240,
    drift: view.options.showDrift && width >= 1100,
    updated: width >= 520,
  };
  const heading = (word: string, sort: SortBy) => (
    <th scope="col" aria-sort={sortBy === sort ? 'ascending' : 'none'}>
      <button type="button" className={s.sort} onClick={() => onSort(sort)}>
        {word} {sortBy === sort && <Icon name="arrow-down" size="sm" aria-hidden />}
      </button>
    </th>
  );
  return (
    <div
      className={s.scroll}
      style={{ height }}
      onScroll={onScroll}
      tabIndex={0}
      role="region"
      aria-label={`${models.length} models`}
    >
      <table className={s.table} aria-rowcount={models.length + 1}>
        <thead>
          <tr style={{ height: HEAD }}>
            {heading('Model', 'name')}
            {heading('Score', 'worst')}
            {width >= 360 && heading('Change', 'drop')}
            {columns.trend && <th scope="col">Trend</th>}
            {checks.map((check) => (
              <th scope="col" key={check} className={s.number}>
                {checkName(check)}
              </th>
            ))}
            {columns.drift && <th scope="col">Most drifted</th>}
            {columns.updated && <th scope="col">Updated</th>}
            {view.retrain && <th scope="col" aria-label="Actions" />}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <tr aria-hidden style={{ height: before }} />}
          {models.slice(from, to).map((model, i) => (
            <Row key={from + i} index={from + i} {...{ model, view, width, columns, checks }} />
          ))}
          {after > 0 && <tr aria-hidden style={{ height: after }} />}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: {
  model: ModelHealth;
  view: View;
  width: number;
  index: number;
  checks: readonly string[];
  columns: { trend: boolean; drift: boolean; updated: boolean };
}) {
  const { model, view, width, index, checks, columns } = props;
  const s = useStyles();
  const { text, color } = view.paint(model);
  const worst = model.features.at(0);
  return (
    <tr className={cx(s.row, model.status === 'stale' && s.stale)} style={{ height: ROW }} aria-rowindex={index + 2}>
      <th scope="row" className={s.name}>
        <span className={s.nameBox}>
          <ModelName model={model} view={view} />
          {model.version !== null && <span className={s.dim}>{model.version}</span>}
        </span>
      </th>
      <td>
        <span className={s.score}>
          <b>{text}</b> <StatusMark status={model.status} color={color} word={width >= 420} />
        </span>
      </td>
      {width >= 360 && (
        <td>
          <Change change={model.change} />
        </td>
      )}
      {columns.trend && (
        <td>
          <Spark points={model.trend} width={90} height={22} color={color} label="Score" />
        </td>
      )}
      {checks.map((name) => (
        <CheckCell key={name} check={model.checks.find((check) => check.name === name)} />
      ))}
      {columns.drift && (
        <td className={s.drift}>
          {worst !== undefined && (
            <span
              className={cx(!worst.drifted && s.dim)}
              title={`${worst.name}: ${worst.statistic.name} ${worst.value}, threshold ${worst.threshold}`}
            >
              {worst.name} {worst.statistic.name} {driftText(worst.value)}
            </span>
          )}
        </td>
      )}
      {columns.updated && (
        <td className={s.dim}>{model.updatedAt === null ? 'never' : `${formatAge(view.now - model.updatedAt)} ago`}</td>
      )}
      {view.retrain && (
        <td>
          <IconButton name="sync" size="sm" tooltip={`Retrain ${model.name}`} onClick={() => view.retrain!(model)} />
        </td>
      )}
    </tr>
  );
}

function CheckCell({ check }: { check: ModelHealth['checks'][number] | undefined }) {
  const s = useStyles();
  const theme = useTheme2();
  if (check === undefined) {
    return <td className={s.number} />;
  }
  const color = checkColor(check, theme);
  return (
    <td className={s.number} title={describeCheck(check)}>
      <span className={cx(check.state === 'alert' && s.alert)}>
        {check.score === null ? '–' : Math.round(check.score)}
      </span>
      <span className={s.dot} style={{ background: color }} />
    </td>
  );
}

const useStyles = sheet((theme, mix) => ({
  scroll: {
    overflow: 'auto',
    overflowAnchor: 'none',
  },
  table: {
    width: '100%',
    borderCollapse: 'separate',
    borderSpacing: 0,
    ...mix.small,
    '& th, & td': {
      padding: theme.spacing(0, 1),
      textAlign: 'left',
      whiteSpace: 'nowrap',
      borderBottom: `1px solid ${theme.colors.border.weak}`,
    },
    '& thead th': {
      position: 'sticky',
      top: 0,
      zIndex: 1,
      background: theme.colors.background.primary,
      ...mix.dim,
      ...mix.medium,
    },
    '& td > *': { verticalAlign: 'middle' },
    '& tr[aria-hidden]': { padding: 0 },
  },
  sort: {
    ...bare,
    display: 'inline-flex',
    alignItems: 'center',
    '&:hover': { color: theme.colors.text.primary },
  },
  row: { '&:hover': { background: theme.colors.action.hover } },
  stale: { '& td, & th': { borderBottomStyle: 'dashed', ...mix.dim } },
  name: { maxWidth: 240, fontWeight: theme.typography.fontWeightRegular },
  nameBox: { display: 'flex', gap: theme.spacing(0.75), alignItems: 'baseline', minWidth: 0 },
  score: {
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    '& b': { minWidth: '1.6em', textAlign: 'right', fontSize: theme.typography.body.fontSize },
  },
  number: { '&&': { textAlign: 'right' } },
  alert: { fontWeight: theme.typography.fontWeightBold },
  dot: { display: 'inline-block', width: 8, height: 8, borderRadius: 4, marginLeft: theme.spacing(0.75) },
  drift: { maxWidth: 200, overflow: 'hidden', textOverflow: 'ellipsis' },
  dim: { ...mix.dim },
}));
