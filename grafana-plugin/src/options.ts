/** What a user can set in the panel editor; defaults are in module.ts. */
export interface ScorecardOptions {
  layout: LayoutOption;
  sortBy: SortBy;
  /** A label; empty: no groups. */
  groupBy: string;
  minCardWidth: number;
  showChecks: boolean;
  showSparkline: boolean;
  showDrift: boolean;
  maxDriftFeatures: number;
  showToolbar: boolean;
  /** A statistic's key or `auto`: the first that the data has. */
  driftStatistic: string;
  /** 0: the threshold that the data brings, or else the statistic's usual one. */
  driftThreshold: number;
  /** Such as `30m`; empty: never. */
  staleAfter: string;
  modelLabel: string;
  versionLabel: string;
  checkLabel: string;
  featureLabel: string;
  retrainMode: 'off' | 'link' | 'post';
  retrainUrl: string;
  retrainConfirm: string;
  /** The revision of this schema, written by the migration handler. */
  rev?: number;
}

export type Layout = 'cards' | 'compact' | 'grid' | 'table' | 'checks' | 'features' | 'detail';
export type LayoutOption = Layout | 'auto';
export type SortBy = 'worst' | 'drop' | 'name';

export const SORT_WORDS: Readonly<Record<SortBy, string>> = {
  worst: 'Worst first',
  drop: 'Largest drop',
  name: 'Name',
};
export const LAYOUT_WORDS: Readonly<Record<Layout, string>> = {
  cards: 'Cards',
  compact: 'Compact',
  grid: 'Colour grid',
  table: 'Table',
  checks: 'Checks heat-map',
  features: 'Features heat-map',
  detail: 'One model',
};
