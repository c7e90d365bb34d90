import { DataFrame, ThresholdsConfig } from '@grafana/data';
import { ScorecardOptions } from '../options';
import { parseDuration } from './duration';
import { isLevel, Level, levelOf, Status } from './levels';
import { DRIFT_STATISTICS, DriftStatistic, Role, roleOf, statisticOf } from './roles';
import { lastIndexOf, lastOf, Place, readSamples, Sample } from './samples';

export type CheckState = 'ok' | 'warning' | 'alert' | 'insufficient_data';

export interface Check {
  readonly name: string;
  /** 0 to 100; null: no data. */
  score: number | null;
  /** 0 to 1; null: not in the data. */
  weight: number | null;
  state: CheckState | null;
}

export interface Feature {
  readonly name: string;
  readonly value: number;
  readonly statistic: DriftStatistic;
  readonly threshold: number;
  readonly drifted: boolean;
}

export interface Bin {
  readonly name: string;
  /** Shares of their distribution, 0 to 1. */
  readonly baseline: number;
  readonly current: number;
}

export interface ModelHealth {
  readonly key: string;
  readonly name: string;
  readonly version: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly score: number | null;
  readonly level: Level;
  readonly status: Status;
  /** Last value minus the first of the range; null without two of them. */
  readonly change: number | null;
  /** Time in ms and score; null: a gap. */
  readonly trend: ReadonlyArray<readonly [number, number | null]>;
  /** The weightiest first. */
  readonly checks: readonly Check[];
  /** Most drifted first, by value / threshold. */
  readonly features: readonly Feature[];
  readonly updatedAt: number | null;
  /** Null: the data has no score for the model. */
  readonly place: Place | null;
  /** By feature. */
  readonly distributions: ReadonlyMap<string, readonly Bin[]>;
}

export interface ModelsOptions extends Pick<
  ScorecardOptions,
  'modelLabel' | 'versionLabel' | 'checkLabel' | 'featureLabel' | 'staleAfter' | 'driftStatistic' | 'driftThreshold'
> {
  /** End of the shown range, ms. */
  readonly now: number;
}

interface Draft {
  readonly key: string;
  readonly name: string;
  readonly version: string | null;
  labels: Readonly<Record<string, string>>;
  place: Place | null;
  level: Level | null;
  trend: Array<readonly [number, number | null]>;
  score: number | null;
  updatedAt: number | null;
  readonly checks: Map<string, Check>;
  /** By statistic, then by feature. */
  readonly drift: Map<string, Map<string, number>>;
  readonly thresholds: Map<string, number>;
  readonly bins: Map<string, Map<string, { baseline: number; current: number }>>;
}

/** Everything that the components draw, in the order of the data. Series without the model's label are left out. */
export function readModels(frames: readonly DataFrame[], options: ModelsOptions): ModelHealth[] {
  const drafts = new Map<string, Draft>();
  for (const sample of readSamples(frames)) {
    const role = roleOf(sample, options);
    const name = sample.labels[options.modelLabel];
    if (role === null || name === undefined || name === '') {
      continue;
    }
    const version = sample.labels[options.versionLabel] || null;
    const key = JSON.stringify([name, version]);
    let draft = drafts.get(key);
    if (draft === undefined) {
      draft = newDraft(key, name, version, sample.labels);
      drafts.set(key, draft);
    }
    add(draft, role, sample, options);
  }
  return [...drafts.values()].map((draft) => finish(draft, frames, options));
}

function newDraft(key: string, name: string, version: string | null, labels: Sample['labels']): Draft {
  return {
    key,
    name,
    version,
    labels,
    place: null,
    level: null,
    trend: [],
    score: null,
    updatedAt: null,
    checks: new Map(),
    drift: new Map(),
    thresholds: new Map(),
    bins: new Map(),
  };
}

function add(draft: Draft, role: Role, sample: Sample, options: ModelsOptions): void {
  const { labels, values } = sample;
  const value = lastOf(values);
  const check = labels[options.checkLabel];
  const feature = labels[options.featureLabel];
  switch (role) {
    case 'score':
      return addScore(draft, sample);
    case 'level':
      if (value === 1 && isLevel(labels.level ?? '')) {
        draft.level = labels.level as Level;
      }
      return;
    case 'check':
      if (check !== undefined) {
        checkOf(draft, check).score = value;
      }
      return;
    case 'weight':
      if (check !== undefined) {
        checkOf(draft, check).weight = value;
      }
      return;
    case 'state':
      if (check !== undefined && value === 1) {
        checkOf(draft, check).state = labels.state as CheckState;
      }
      return;
    case 'drift':
      if (feature !== undefined && value !== null) {
        const { key } = statisticOf(sample);
        const values = draft.drift.get(key) ?? new Map<string, number>();
        // A feature has a series for each window of the check: the worst is shown.
        draft.drift.set(key, values.set(feature, Math.max(value, values.get(feature) ?? -Infinity)));
      }
      return;
    case 'threshold':
      if (labels.signal !== undefined && value !== null && !labels.severity) {
        draft.thresholds.set(labels.signal, value);
      }
      return;
    case 'updated':
      if (value !== null) {
        // Prometheus has seconds; a data source of another kind may have milliseconds.
        draft.updatedAt = value < 1e11 ? value * 1000 : value;
      }
      return;
    case 'baseline':
    case 'current':
      if (feature !== undefined && labels.bin !== undefined && value !== null) {
        const bins = draft.bins.get(feature) ?? new Map<string, { baseline: number; current: number }>();
        const bin = bins.get(labels.bin) ?? { baseline: 0, current: 0 };
        bin[role] = value;
        draft.bins.set(feature, bins.set(labels.bin, bin));
      }
      return;
  }
}

/** Two series of one model (another replica took over within the range) become one line. */
function addScore(draft: Draft, { times, values, labels, place }: Sample): void {
  const at = lastIndexOf(values);
  const last = draft.trend.at(-1)?.[0] ?? -Infinity;
  if (draft.place === null || (at >= 0 && (times?.[at] ?? 0) >= last)) {
    draft.place = { ...place, row: times !== null && times.length > 1 && at >= 0 ? at : place.row };
    draft.labels = labels;
    draft.score = at < 0 ? draft.score : values[at];
  }
  if (times !== null) {
    const points = values.map((value, i): [number, number | null] => [
      times[i],
      value !== null && Number.isFinite(value) ? value : null,
    ]);
    draft.trend = draft.trend.length === 0 ? points : merge(draft.trend, points);
  }
}

function merge(
  a: ReadonlyArray<readonly [number, number | null]>,
  b: ReadonlyArray<readonly [number, number | null]>
): Array<readonly [number, number | null]> {
  const byTime = new Map<number, number | null>();
  for (const [time, value] of [...a, ...b]) {
    byTime.set(time, value ?? byTime.get(time) ?? null);
  }
  return [...byTime].sort(([left], [right]) => left - right);
}

function checkOf(draft: Draft, name: string): Check {
  let check = draft.checks.get(name);
  if (check === undefined) {
    check = { name, score: null, weight: null, state: null };
    draft.checks.set(name, check);
  }
  return check;
}

function finish(draft: Draft, frames: readonly DataFrame[], options: ModelsOptions): ModelHealth {
  const { key, name, version, labels, place, trend, score } = draft;
  const level = scoreLevel(
    draft,
    place === null ? undefined : frames[place.frame]?.fields[place.field]?.config.thresholds
  );
  const known = trend.filter((point): point is readonly [number, number] => point[1] !== null);
  return {
    key,
    name,
    version,
    labels,
    place,
    trend,
    score,
    level,
    status: isStale(draft, known.at(-1)?.[0] ?? null, options) ? 'stale' : level,
    change: known.length > 1 ? known.at(-1)![1] - known[0][1] : null,
    checks: [...draft.checks.values()].sort((a, b) => (b.weight ?? 0) - (a.weight ?? 0)),
    features: featuresOf(draft, options),
    updatedAt: draft.updatedAt ?? known.at(-1)?.[0] ?? null,
    distributions: new Map([...draft.bins].map(([feature, bins]) => [feature, sharesOf(bins)])),
  };
}

/** The exporter's word counts; without a score there is no level, whatever a late series says. */
function scoreLevel({ level, score }: Draft, thresholds: ThresholdsConfig | undefined): Level {
  return score === null ? 'unknown' : (level ?? levelOf(score, thresholds));
}

/** By its last prediction, and by a score that ended before the range does. */
function isStale({ updatedAt, trend }: Draft, lastScore: number | null, { staleAfter, now }: ModelsOptions): boolean {
  const allowed = parseDuration(staleAfter);
  if (allowed === null) {
    return false;
  }
  const step = trend.length > 1 ? trend[1][0] - trend[0][0] : 0;
  return (
    (updatedAt !== null && now - updatedAt > allowed) ||
    (lastScore !== null && trend.length > 1 && now - lastScore > Math.max(allowed, 2 * step))
  );
}

function featuresOf({ drift, thresholds }: Draft, { driftStatistic, driftThreshold }: ModelsOptions): Feature[] {
  const known = DRIFT_STATISTICS.map((statistic) => statistic.key).filter((key) => drift.has(key));
  const key = drift.has(driftStatistic) ? driftStatistic : (known[0] ?? 'other');
  const statistic = DRIFT_STATISTICS.find((one) => one.key === key) ?? statisticOf({ names: [] } as unknown as Sample);
  const threshold =
    driftThreshold > 0
      ? driftThreshold
      : ((statistic.signal === null ? undefined : thresholds.get(statistic.signal)) ?? statistic.threshold);
  return [...(drift.get(key) ?? [])]
    .map(([name, value]) => ({ name, value, statistic, threshold, drifted: value > threshold }))
    .sort((a, b) => b.value - a.value || a.name.localeCompare(b.name));
}

/** Numeric bins are named by their upper bound and stand in its order; categories stay as they come, the most frequent first. */
function sharesOf(bins: ReadonlyMap<string, { baseline: number; current: number }>): Bin[] {
  const all = [...bins].map(([name, { baseline, current }]) => ({ name, baseline, current }));
  const total = (of: 'baseline' | 'current') => all.reduce((sum, bin) => sum + bin[of], 0) || 1;
  const [baseline, current] = [total('baseline'), total('current')];
  const upper = (name: string) => (name === '+Inf' ? Infinity : Number(name));
  const numeric = bins.has('+Inf') || all.every(({ name }) => name !== '' && !Number.isNaN(upper(name)));
  return all
    .map((bin) => ({ name: bin.name, baseline: bin.baseline / baseline, current: bin.current / current }))
    .sort((a, b) => (numeric ? upper(a.name) - upper(b.name) : b.baseline - a.baseline));
}
