import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { WeeklyFacts } from '../domain/weekly-report.ts';
import { WEEK_MS, weekName, weekStart } from '../domain/week.ts';
import { correlateWithBusiness } from '../evaluation/business-correlation.ts';
import type { ModelHealth } from '../evaluation/model-health.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../histogram/time-bucket.ts';
import type { Services } from '../http/services.ts';
import { businessReport, weekFigures, weeklyReport } from '../http/weekly-report.ts';
import type { WeeklyReport } from '../http/weekly-report-shape.ts';
import type { AlertStore } from '../storage/alert-store.ts';
import type { BusinessMetricStore } from '../storage/business-metric-store.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { HistoryStore } from '../storage/history-store.ts';
import type { RetrainingStore } from '../storage/retraining-store.ts';
import type { WeeklyReportStore } from '../storage/weekly-report-store.ts';

export interface WeeklyParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly catalog: Pick<Catalog, 'versions'>;
  readonly health: Pick<ModelHealth, 'overPast'>;
  readonly history: HistoryStore;
  readonly alerts: Pick<AlertStore, 'list'>;
  readonly jobs: Pick<RetrainingStore, 'list'>;
  readonly reports: WeeklyReportStore;
  readonly business: BusinessMetricStore;
}

/** What came within the last minute is folded within the next; then the week is complete but for late labels. */
const SETTLED_MS = 10 * MINUTE_MS;
/** For so many weeks after its end labels may change a week: it is looked at once a day. */
const LATE_WEEKS = 4;
const REMADE_AFTER_MS = DAY_MS;
/** Made at once at most; the next run takes up what is left. */
const REPORTS_A_RUN = 20;
const HISTORY_STEP_MS = 6 * HOUR_MS;
/** An incident of a week may have begun so long before it. */
const LONGEST_INCIDENT_MS = 60 * DAY_MS;
const MOST_INCIDENTS = 500;
const MOST_JOBS = 200;
const CORRELATED_WEEKS = 52;
const NAVIGATED_WEEKS = 104;

export interface WeeklyWork {
  /** Makes the reports of weeks that are over, and makes those of the last weeks again. */
  readonly run: () => Promise<void>;
  readonly report: Services['weekly'];
}

export function weeklyWork(parts: WeeklyParts): WeeklyWork {
  const { clock, log, reports } = parts;
  return {
    run: async () => {
      const nowMs = clock.now();
      const last = weekStart(nowMs - SETTLED_MS) - WEEK_MS;
      const weeks = Array.from({ length: 1 + LATE_WEEKS }, (_, i) => last - i * WEEK_MS);
      for (const { model, weekMs } of await reports.due(weeks, nowMs - REMADE_AFTER_MS, REPORTS_A_RUN)) {
        const facts = await factsOf(parts, model, weekMs);
        await reports.keep(
          { model, ...countedOf(parts, facts), ...weekFigures(facts), report: weeklyReport(facts) },
          nowMs,
        );
        log.debug({ model, week: weekName(weekMs) }, 'the report of a week was stored');
      }
    },
    report: async (model, weekMs) => {
      const stored = (await reports.get(model, weekMs)) as WeeklyReport | null;
      const facts = stored === null ? await factsOf(parts, model, weekMs) : null;
      const report = stored ?? weeklyReport(facts!);
      const fromMs = weekMs - (CORRELATED_WEEKS - 1) * WEEK_MS;
      const [figures, known, business] = await Promise.all([
        reports.figures(model, fromMs, weekMs + WEEK_MS),
        reports.figures(model, weekMs - NAVIGATED_WEEKS * WEEK_MS, Infinity),
        parts.business.weeks(model, fromMs, weekMs + WEEK_MS),
      ]);
      // A week that is over, and not stored yet, counts; one that goes on does not.
      const weeks = facts !== null && report.complete ? [...figures, weekFigures(facts)] : figures;
      const before = figures.find((week) => week.weekMs === weekMs - WEEK_MS);
      return {
        report,
        context: {
          business: businessReport(business, weekMs, (values) => correlateWithBusiness(weeks, values)),
          previous:
            before === undefined
              ? null
              : {
                  week: weekName(before.weekMs),
                  overall_health: Number.isNaN(before.healthScore) ? null : before.healthScore,
                },
          stored_weeks: known.map((week) => weekName(week.weekMs)).reverse(),
        },
      };
    },
  };
}

async function factsOf(parts: WeeklyParts, model: string, weekMs: number): Promise<WeeklyFacts> {
  const madeAtMs = parts.clock.now();
  const toMs = weekMs + WEEK_MS;
  const [predictions, alerts, jobs] = await Promise.all([
    parts.history.predictions(weekMs, toMs, model),
    parts.alerts.list({ model, fromMs: weekMs - LONGEST_INCIDENT_MS, toMs }, MOST_INCIDENTS),
    parts.jobs.list({ model, limit: MOST_JOBS }),
  ]);
  const versions: WeeklyFacts['versions'][number][] = [];
  // One after another: each sums a week of statistics.
  for (const version of parts.catalog.versions().filter(({ target }) => target.model === model))
    versions.push(await parts.health.overPast(version, weekMs, toMs));
  const busy = versions.filter(({ windowPredictions }) => windowPredictions > 0);
  const ranked = (busy.length > 0 ? busy : versions.slice(0, 1)).sort(
    (a, b) => b.windowPredictions - a.windowPredictions,
  );
  const history =
    ranked[0] === undefined
      ? []
      : await parts.history.health({
          model,
          version: ranked[0].version,
          fromMs: weekMs,
          toMs,
          stepMs: HISTORY_STEP_MS,
          limit: 1_000,
          after: null,
        });
  return {
    model,
    weekMs,
    madeAtMs,
    predictions: predictions.get(model) ?? 0,
    versions: ranked,
    history,
    incidents: alerts.alerts.filter(({ endsAtMs }) => endsAtMs === null || endsAtMs > weekMs),
    jobs: jobs.filter(
      ({ createdAtMs, finishedAtMs }) => createdAtMs < toMs && (Number.isNaN(finishedAtMs) || finishedAtMs > weekMs),
    ),
  };
}

function countedOf(
  { catalog }: WeeklyParts,
  { model, versions: [lead] }: WeeklyFacts,
): { readonly schemeId: number | null; readonly counted: number } {
  const target = catalog
    .versions()
    .map((version) => version.target)
    .find((one) => one.model === model && one.version === lead?.version);
  return { schemeId: target?.scheme.id ?? null, counted: lead?.windowPredictions ?? 0 };
}
