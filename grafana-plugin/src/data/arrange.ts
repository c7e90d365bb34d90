import { SortBy } from '../options';
import { STATUSES, Status } from './levels';
import { Check, ModelHealth } from './models';

/** A status, or the models with a check in alert, whatever their score says. */
export type Filter = Status | 'alert';

export interface Shown {
  /** Null: all. */
  readonly filter: Filter | null;
  readonly search: string;
}

export function filterModels(models: readonly ModelHealth[], { filter, search }: Shown): ModelHealth[] {
  const words = search.trim().toLowerCase().split(/\s+/);
  return models.filter((model) => {
    const text = `${model.name} ${model.version ?? ''}`.toLowerCase();
    return (
      (filter === null || model.status === filter || (filter === 'alert' && inAlert(model))) &&
      words.every((word) => text.includes(word))
    );
  });
}

const collator = new Intl.Collator('en', { numeric: true });
const byName = (a: ModelHealth, b: ModelHealth) =>
  collator.compare(a.name, b.name) || collator.compare(a.version ?? '', b.version ?? '');

/** What a silent model's checks said last is no alert of now. */
export const inAlert = ({ status, checks }: ModelHealth) =>
  status !== 'stale' && checks.some(({ state }) => state === 'alert');

/**
 * Worst: by status first, so that what is stale or not known stands before what is well. A good score with a check in alert counts as
 * fair: one check of a small weight costs few points, and is a fault all the same.
 */
export function sortModels(models: readonly ModelHealth[], by: SortBy): ModelHealth[] {
  const score = ({ score }: ModelHealth) => score ?? Infinity;
  const rank = (model: ModelHealth) =>
    STATUSES.indexOf(
      inAlert(model) && (model.status === 'good' || model.status === 'excellent') ? 'fair' : model.status
    );
  const order = {
    name: byName,
    drop: (a: ModelHealth, b: ModelHealth) => (a.change ?? 0) - (b.change ?? 0) || byName(a, b),
    worst: (a: ModelHealth, b: ModelHealth) => rank(a) - rank(b) || compare(score(a), score(b)) || byName(a, b),
  }[by];
  return [...models].sort(order);
}

/** Infinity minus itself is not a number. */
const compare = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);

export interface Group {
  readonly name: string;
  readonly models: readonly ModelHealth[];
}

/** In the order of their first models; one nameless group when nothing is to be grouped. */
export function groupModels(models: readonly ModelHealth[], label: string): Group[] {
  if (label === '') {
    return [{ name: '', models }];
  }
  const groups = new Map<string, ModelHealth[]>();
  for (const model of models) {
    const name = model.labels[label] ?? `no ${label}`;
    const members = groups.get(name);
    if (members) {
      members.push(model);
    } else {
      groups.set(name, [model]);
    }
  }
  return [...groups].map(([name, members]) => ({ name, models: members }));
}

/** Labels that tell some models from others, but not each from all: what can be grouped by. In the order of the alphabet. */
export function groupLabels(models: readonly ModelHealth[], identity: readonly string[]): string[] {
  const values = new Map<string, Set<string>>();
  for (const { labels } of models) {
    for (const [label, value] of Object.entries(labels)) {
      values.set(label, (values.get(label) ?? new Set()).add(value));
    }
  }
  return [...values]
    .filter(([label, { size }]) => size > 1 && size < models.length && !identity.includes(label))
    .map(([label]) => label)
    .sort();
}

export function countStatuses(models: readonly ModelHealth[]): Record<Status, number> {
  const counts = { poor: 0, fair: 0, stale: 0, unknown: 0, good: 0, excellent: 0 };
  for (const { status } of models) {
    counts[status]++;
  }
  return counts;
}

/** What makes a model sick, worst first: checks in alert, or in warning when none is. */
export function reasonsOf({ checks }: ModelHealth): Check[] {
  const worst = (state: Check['state']) =>
    checks.filter((check) => check.state === state).sort((a, b) => lostBy(b) - lostBy(a));
  const alerts = worst('alert');
  return alerts.length > 0 ? alerts : worst('warning');
}

/** Points of the health score that a check costs. */
const lostBy = ({ score, weight }: Check) => (100 - (score ?? 0)) * (weight ?? 1);

const WORDS: Readonly<Record<string, string>> = {
  performance: 'Performance',
  data_drift: 'Data drift',
  prediction_drift: 'Prediction drift',
  latency: 'Latency',
  error_rate: 'Error rate',
  data_quality: 'Data quality',
};

/** A check's name for people. */
export const checkName = (name: string) => WORDS[name] ?? name.replaceAll('_', ' ');

/** The checks of all models, in the order in which the data names them. */
export const checkNames = (models: readonly ModelHealth[]) => [
  ...new Set(models.flatMap(({ checks }) => checks.map(({ name }) => name))),
];
