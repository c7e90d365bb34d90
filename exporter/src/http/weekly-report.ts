import type { BusinessWeek } from '../domain/business-metric.ts';
import type { BusinessCorrelation, WeekFigures, WeeklyFacts } from '../domain/weekly-report.ts';
import { WEEK_MS, weekName } from '../domain/week.ts';
import { alertJson, iso } from './alert-report.ts';
import { reportJson } from './health-report.ts';
import { jobJson } from './job-json.ts';
import type { BusinessReport, WeeklyReport } from './weekly-report-shape.ts';

type Json = Readonly<Record<string, unknown>>;
/** Verdicts of data drift from worst to best. */
const VERDICTS = ['significant', 'moderate', 'none', 'insufficient_data'];

export function weeklyReport({ weekMs, versions, ...facts }: WeeklyFacts): WeeklyReport {
  const [lead] = versions;
  const toMs = weekMs + WEEK_MS;
  const json = lead === undefined ? null : (reportJson(lead) as unknown as WeeklyReport);
  const { data_drift: drift, performance } = (json?.checks ?? {}) as Readonly<Record<string, Json | undefined>>;
  const ranked = [...((drift?.features ?? []) as Json[])].sort(
    (a, b) =>
      VERDICTS.indexOf(String(a.verdict)) - VERDICTS.indexOf(String(b.verdict)) ||
      Number(b.kl_divergence ?? -1) - Number(a.kl_divergence ?? -1),
  );
  return {
    model: facts.model,
    week: weekName(weekMs),
    from: iso(weekMs),
    to: iso(toMs),
    made_at: iso(facts.madeAtMs),
    complete: facts.madeAtMs >= toMs,
    version: lead?.version ?? null,
    task: lead?.task ?? 'unknown',
    predictions: facts.predictions,
    counted_predictions: versions.reduce((sum, { windowPredictions }) => sum + windowPredictions, 0),
    overall_health: json?.overall_health ?? null,
    level: json?.level ?? 'unknown',
    coverage: json?.coverage ?? null,
    severity: json?.severity ?? 'none',
    recommendation: json?.recommendation ?? { action: 'none', reasons: [] },
    label_coverage: (performance?.label_coverage ?? null) as number | null,
    baseline: {
      ...(json?.baseline ?? { kind: 'none', made_at: null, rows: 0, reason: null }),
      age_days: lead === undefined ? null : ageDays(lead.baseline.madeAtMs, Math.min(toMs, facts.madeAtMs)),
    },
    // The features stand in the ranking.
    checks: json === null ? {} : withoutFeatures(json.checks),
    drift_ranking: ranked,
    incidents: facts.incidents.map((alert) => alertJson(alert) as Json),
    jobs: facts.jobs.map((job) => jobJson(job)),
    history: facts.history.map(({ evaluatedAtMs, score }) => ({
      at: iso(evaluatedAtMs),
      overall_health: figure(score),
    })),
    versions: versions.map(({ version, windowPredictions, health }) => ({
      version,
      predictions: windowPredictions,
      overall_health: figure(health.score),
      level: health.level,
    })),
  };
}

/** @param weeks of the business figures, those of the report's own week among them */
export function businessReport(
  weeks: readonly BusinessWeek[],
  weekMs: number,
  correlate: (business: ReadonlyMap<number, number>) => readonly BusinessCorrelation[],
): readonly BusinessReport[] {
  const names = [...new Set(weeks.map(({ name }) => name))];
  return names.map((name) => {
    const own = weeks.filter((week) => week.name === name);
    const now = own.find((week) => week.weekMs === weekMs);
    return {
      name,
      mean: now?.mean ?? null,
      values: now?.values ?? 0,
      correlations: correlate(new Map(own.map(({ weekMs: at, mean }) => [at, mean]))).map(
        ({ coefficient, lower, upper, ...of }) => ({
          ...of,
          coefficient: figure(coefficient),
          interval: Number.isNaN(coefficient) ? null : ([lower, upper] as const),
        }),
      ),
    };
  });
}

/** What of a report is correlated with business figures. */
export function weekFigures({ weekMs, versions: [lead] }: Pick<WeeklyFacts, 'weekMs' | 'versions'>): WeekFigures {
  if (lead === undefined) return { weekMs, healthScore: NaN, performance: NaN, drift: NaN };
  const { performance, data_drift: drift } = lead.checks;
  const known = drift.features.filter(({ verdict }) => verdict !== 'insufficient_data');
  return {
    weekMs,
    healthScore: lead.health.score,
    performance:
      performance.figures.samples < lead.settings.minimumSamples.labels
        ? NaN
        : lead.task === 'regression'
          ? performance.figures.meanAbsoluteError
          : performance.figures.accuracy,
    drift: known.length === 0 ? NaN : Math.max(...known.map(({ klDivergence }) => klDivergence)),
  };
}

function withoutFeatures(checks: WeeklyReport['checks']): WeeklyReport['checks'] {
  const { features: _ranked, ...drift } = checks.data_drift!;
  return { ...checks, data_drift: drift };
}

function ageDays(madeAtMs: number, atMs: number): number | null {
  return figure(Math.round((10 * (atMs - madeAtMs)) / 86_400_000) / 10);
}

function figure(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
