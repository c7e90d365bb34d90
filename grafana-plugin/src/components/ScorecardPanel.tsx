import React, { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { FieldType, getDisplayProcessor, GrafanaTheme2, LoadingState, PanelProps } from '@grafana/data';
import { PanelDataErrorView } from '@grafana/runtime';
import { Button, useTheme2 } from '@grafana/ui';
import { Filter, filterModels, groupLabels, groupModels, sortModels } from '../data/arrange';
import { chooseLayout, COMPACT_HEIGHT, COMPACT_WIDTH } from '../data/layout';
import { colorOf, levelOf } from '../data/levels';
import { ModelHealth, readModels } from '../data/models';
import { scoreText } from '../data/score-text';
import { Layout, ScorecardOptions, SortBy } from '../options';
import { cardHeight } from './card-height';
import { Cell, CellGrid } from './CellGrid';
import { CompactCard, ModelCard } from './ModelCard';
import { Failure, Skeleton } from './States';
import { Tile } from './Tile';
import { Toolbar, TOOLBAR_HEIGHT } from './Toolbar';
import { useRetrain } from './useRetrain';
import { View } from './view';
import { sheet, tint } from './mixins';

// Loaded when they are first shown: the first glance is cards or a grid.
const Detail = lazy(() => import('./Detail').then((module) => ({ default: module.Detail })));
const ModelTable = lazy(() => import('./ModelTable').then((module) => ({ default: module.ModelTable })));
const HeatMap = lazy(() => import('./HeatMap').then((module) => ({ default: module.HeatMap })));

const GROUPED: readonly Layout[] = ['cards', 'compact', 'grid'];

type Props = PanelProps<ScorecardOptions>;

/** Reads the data, says what is wrong with it, or shows the models. */
export function ScorecardPanel(props: Props) {
  const { data, options, width, height } = props;
  const now = data.timeRange.to.valueOf();
  const models = useMemo(() => readModels(data.series, { ...options, now }), [data.series, options, now]);
  if (models.length > 0) {
    return <Models {...props} models={models} now={now} />;
  }
  if (data.state === LoadingState.Loading || data.state === LoadingState.NotStarted) {
    return <Skeleton width={width} height={height} minCardWidth={options.minCardWidth} />;
  }
  if (data.state === LoadingState.Error) {
    return <Failure message={data.errors?.[0]?.message ?? 'The data source gave no reason.'} />;
  }
  const message = data.series.some(({ length }) => length > 0)
    ? `No series has the label “${options.modelLabel}”. Keep it in the query (sum by, max by), or name another under Data labels.`
    : undefined;
  return (
    <PanelDataErrorView
      panelId={props.id}
      fieldConfig={props.fieldConfig}
      data={data}
      needsNumberField
      message={message}
    />
  );
}

function Models({
  models,
  now,
  data,
  options,
  width,
  height,
  replaceVariables,
}: Props & { models: ModelHealth[]; now: number }) {
  const s = useStyles();
  const theme = useTheme2();
  const [filter, setFilter] = useState<Filter | null>(null);
  const [search, setSearch] = useState('');
  // What a viewer chose counts until the panel's own option is changed.
  const [sortBy, setSortBy] = useChosen<SortBy>(options.sortBy);
  const [chosenLayout, setLayout] = useChosen<Layout | 'auto'>(options.layout);
  const [groupBy, setGroupBy] = useChosen(options.groupBy.trim());
  const [opened, setOpened] = useState<{ key: string; feature: string | null } | null>(null);
  const retrain = useRetrain(options, replaceVariables);

  const shown = useMemo(
    () => sortModels(filterModels(models, { filter, search }), sortBy),
    [models, filter, search, sortBy]
  );
  const groups = useMemo(() => groupModels(shown, groupBy), [shown, groupBy]);
  const groupable = useMemo(
    () => groupLabels(models, [options.modelLabel, options.versionLabel]),
    [models, options.modelLabel, options.versionLabel]
  );
  const open = useCallback(
    (model: ModelHealth, feature?: string) => setOpened({ key: model.key, feature: feature ?? null }),
    []
  );
  const fieldOf = useCallback(
    ({ place }: ModelHealth) => (place === null ? undefined : data.series[place.frame]?.fields[place.field]),
    [data.series]
  );
  const view = useMemo<View>(() => {
    const plain = getDisplayProcessor({ field: { type: FieldType.number, config: {} }, theme });
    return {
      options,
      now,
      open,
      retrain: retrain.ask,
      paint: (model) => {
        const field = fieldOf(model);
        const config = field?.config ?? {};
        const display = field?.display ?? plain;
        return {
          text: scoreText(model.score, display, config),
          color: scoreColor(model, display(model.score).color, config.thresholds, theme),
        };
      },
      linksOf: (model) => {
        const field = fieldOf(model);
        const row = model.place?.row ?? 0;
        return (field?.config.links ?? []).map((_, i) => () => field!.getLinks!({ valueRowIndex: row })[i]);
      },
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `ask` is new at each render, and depends on the options only
  }, [options, now, open, fieldOf, theme]);

  const toolbar = options.showToolbar && models.length > 1 && height >= 150 && width >= 200;
  const bodyHeight = height - (toolbar ? TOOLBAR_HEIGHT : 0);
  const layout =
    chosenLayout === 'auto' ? chooseLayout(shown.length, width, bodyHeight, options.minCardWidth) : chosenLayout;
  const size = { width, height: bodyHeight };

  const one = opened === null ? undefined : models.find(({ key }) => key === opened.key);
  if (one !== undefined || (layout === 'detail' && shown.length > 0)) {
    return (
      <div className={s.root} style={{ width, height }}>
        <Suspense fallback={null}>
          <Detail
            model={one ?? shown[0]}
            models={shown}
            feature={opened?.feature ?? null}
            view={view}
            width={width}
            height={height}
            onBack={layout === 'detail' ? undefined : () => setOpened(null)}
          />
        </Suspense>
        {retrain.element}
      </div>
    );
  }
  return (
    <div className={s.root} style={{ width, height }} data-testid="model-health" data-layout={layout}>
      {toolbar && (
        <Toolbar
          {...{ models, width, filter, search, sortBy, layout, groupBy }}
          groupLabels={GROUPED.includes(layout) ? groupable : []}
          onGroup={setGroupBy}
          onFilter={setFilter}
          onSearch={setSearch}
          onSort={setSortBy}
          onLayout={setLayout}
        />
      )}
      {shown.length === 0 ? (
        <div className={s.nothing}>
          No model matches.
          <Button size="sm" variant="secondary" onClick={() => (setFilter(null), setSearch(''))}>
            Show all {models.length}
          </Button>
        </div>
      ) : (
        <Suspense fallback={null}>
          <Body {...{ layout, shown, groups, view, sortBy }} {...size} onSort={setSortBy} />
        </Suspense>
      )}
      {retrain.element}
    </div>
  );
}

interface BodyProps {
  layout: Layout;
  shown: ModelHealth[];
  groups: ReturnType<typeof groupModels>;
  view: View;
  sortBy: SortBy;
  width: number;
  height: number;
  onSort: (sortBy: SortBy) => void;
}

function Body({ layout, shown, groups, view, sortBy, width, height, onSort }: BodyProps) {
  const cell = useMemo<Cell>(() => cellOf(layout, shown, view, width), [layout, shown, view, width]);
  const size = { width, height };
  const cells = (render: (model: ModelHealth, cellWidth: number) => React.ReactNode) => (
    <CellGrid {...{ groups, cell, render }} {...size} />
  );
  switch (layout) {
    case 'table':
      return <ModelTable models={shown} {...{ view, sortBy, onSort }} {...size} />;
    case 'checks':
    case 'features':
      return <HeatMap models={shown} across={layout} view={view} {...size} />;
    case 'grid':
      return cells((model) => <Tile model={model} view={view} size={cell.height} />);
    case 'compact':
      return cells((model, cellWidth) => <CompactCard {...{ model, view }} width={cellWidth} height={cell.height} />);
    case 'cards':
    case 'detail':
      return cells((model, cellWidth) => <ModelCard {...{ model, view }} width={cellWidth} height={cell.height} />);
  }
}

function cellOf(layout: Layout, models: readonly ModelHealth[], view: View, width: number): Cell {
  switch (layout) {
    case 'grid':
      return { minWidth: 32, maxWidth: 64, height: 28, gap: 3 };
    case 'compact':
      return { minWidth: Math.min(COMPACT_WIDTH, width - 10), maxWidth: 340, height: COMPACT_HEIGHT - 8, gap: 8 };
    default:
      return {
        minWidth: Math.min(view.options.minCardWidth, width - 10),
        maxWidth: 480,
        height: cardHeight(models, view.options),
        gap: 8,
      };
  }
}

/** By the level, which may be the exporter's own word; a colour scheme or a mapping of the user's counts where the two agree. */
function scoreColor(
  model: ModelHealth,
  shown: string | undefined,
  thresholds: Parameters<typeof levelOf>[1],
  theme: GrafanaTheme2
): string {
  if (model.status === 'stale' || model.status === 'unknown') {
    return theme.colors.border.strong;
  }
  if (shown !== undefined && levelOf(model.score, thresholds) === model.level) {
    return shown;
  }
  return tint(theme, colorOf(model.level, thresholds) ?? colorOf(model.level, undefined) ?? 'text');
}

function useChosen<T>(option: T): [T, (value: T) => void] {
  const [chosen, setChosen] = useState({ option, value: option });
  const value = chosen.option === option ? chosen.value : option;
  return [value, (next: T) => setChosen({ option, value: next })];
}

const useStyles = sheet((theme, mix) => ({
  root: {
    display: 'flex',
    flexDirection: 'column',
    position: 'relative',
    overflow: 'hidden',
    fontVariantNumeric: 'tabular-nums',
    // One ring for whatever has the focus; inside, as the lists clip what stands out of them.
    '& :is(a, button, [tabindex]):focus-visible': {
      outline: `2px solid ${theme.colors.primary.main}`,
      outlineOffset: -2,
    },
  },
  nothing: {
    flex: 1,
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1),
    alignItems: 'center',
    justifyContent: 'center',
    ...mix.dim,
  },
}));
