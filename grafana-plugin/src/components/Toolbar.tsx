import React from 'react';
import { cx } from '@emotion/css';
import { Button, Dropdown, FilterInput, Icon, Menu, useTheme2 } from '@grafana/ui';
import { countStatuses, Filter, inAlert } from '../data/arrange';
import { STATUSES } from '../data/levels';
import { ModelHealth } from '../data/models';
import { Layout, LAYOUT_WORDS, SORT_WORDS, SortBy } from '../options';
import { STATUS_ICONS, STATUS_WORDS, statusColor } from './view';
import { bare, sheet, tint } from './mixins';

export const TOOLBAR_HEIGHT = 34;

interface Props {
  models: readonly ModelHealth[];
  width: number;
  filter: Filter | null;
  search: string;
  sortBy: SortBy;
  layout: Layout;
  groupBy: string;
  /** Labels to group by; none where the layout has no groups. */
  groupLabels: readonly string[];
  onFilter: (filter: Filter | null) => void;
  onSearch: (search: string) => void;
  onSort: (sortBy: SortBy) => void;
  onLayout: (layout: Layout) => void;
  onGroup: (label: string) => void;
}

/** Chips that count and filter, a search, the order, the layout; what there is no room for is left out from the end. */
export function Toolbar(props: Props) {
  const { models, width, filter, search } = props;
  const s = useStyles();
  const theme = useTheme2();
  const counts = countStatuses(models);
  const alerts = models.filter(inAlert).length;
  const filters: Filter[] = [
    ...(alerts > 0 ? (['alert'] as const) : []),
    ...STATUSES.filter((status) => counts[status] > 0),
  ].slice(0, Math.floor(width / 48));
  const grouped = width >= 800 && props.groupLabels.length > 0;
  // About as wide as they get, beside a search box of its least width.
  const words = width >= 95 * filters.length + (grouped ? 500 : 380);
  const chip = (key: Filter, count: number, word: string, icon: React.ReactNode) => (
    <button
      key={key}
      type="button"
      className={cx(s.chip, filter === key && s.pressed)}
      aria-pressed={filter === key}
      aria-label={`${count} ${word}`}
      title={word}
      onClick={() => props.onFilter(filter === key ? null : key)}
    >
      {icon}
      <span>
        <b>{count}</b>
        {words && ` ${word}`}
      </span>
    </button>
  );
  return (
    <div className={s.bar}>
      <div role="group" aria-label="Filter by status" className={s.chips}>
        {filters.map((key) =>
          key === 'alert'
            ? chip(key, alerts, 'In alert', <span className={s.bell} aria-hidden />)
            : chip(
                key,
                counts[key],
                STATUS_WORDS[key],
                <Icon name={STATUS_ICONS[key]} size="sm" style={{ color: statusColor(key, theme) }} aria-hidden />
              )
        )}
      </div>
      {width >= 420 && (
        <div className={s.search}>
          <FilterInput value={search} onChange={props.onSearch} placeholder="Search" aria-label="Search models" />
        </div>
      )}
      {grouped && (
        <Choice
          label="Group"
          value={props.groupBy}
          words={{ '': 'None', ...Object.fromEntries(props.groupLabels.map((label) => [label, label])) }}
          onChange={props.onGroup}
        />
      )}
      {width >= 560 && <Choice label="Sort" value={props.sortBy} words={SORT_WORDS} onChange={props.onSort} />}
      {width >= 640 && <Choice label="View" value={props.layout} words={LAYOUT_WORDS} onChange={props.onLayout} />}
    </div>
  );
}

export function Choice<T extends string>(props: {
  label: string;
  value: T;
  words: Readonly<Record<T, string>>;
  onChange: (value: T) => void;
}) {
  const entries = Object.entries(props.words) as Array<[T, string]>;
  return (
    <Dropdown
      placement="bottom-end"
      overlay={
        <Menu>
          {entries.map(([value, word]) => (
            <Menu.Item key={value} label={word} active={value === props.value} onClick={() => props.onChange(value)} />
          ))}
        </Menu>
      }
    >
      <Button
        variant="secondary"
        size="sm"
        fill="text"
        icon="angle-down"
        iconPlacement="right"
        aria-label={`${props.label}: ${props.words[props.value]}`}
      >
        {props.label}: {props.words[props.value]}
      </Button>
    </Dropdown>
  );
}

const useStyles = sheet((theme, mix) => ({
  bar: {
    height: TOOLBAR_HEIGHT,
    flex: 'none',
    display: 'flex',
    gap: theme.spacing(1),
    alignItems: 'flex-start',
    overflow: 'hidden',
  },
  chips: { display: 'flex', gap: theme.spacing(0.5), flex: 'none', padding: 2 },
  chip: {
    ...bare,
    display: 'inline-flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    height: 24,
    padding: theme.spacing(0, 1),
    borderRadius: 12,
    whiteSpace: 'nowrap',
    ...mix.small,
    color: theme.colors.text.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    '&:hover': { background: theme.colors.action.hover },
  },
  pressed: { background: theme.colors.action.selected, borderColor: theme.colors.primary.border },
  bell: { width: 8, height: 8, borderRadius: 4, background: tint(theme, 'red') },
  search: {
    flex: '0 1 200px',
    minWidth: 80,
    marginLeft: 'auto',
    '& input': { height: 26 },
    '& > div': { height: 26 },
  },
}));
