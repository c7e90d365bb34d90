import type { AlertParts } from '../../src/app/alert-services.ts';
import type { Log } from '../../src/domain/log.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { createSelfMetrics } from '../../src/exposition/self-metrics.ts';
import { AlertStore } from '../../src/storage/alert-store.ts';
import { EvaluationHistory } from '../../src/storage/evaluation-history.ts';
import { RetrainingStore } from '../../src/storage/retraining-store.ts';
import type { Core } from './core.ts';

/** What alerts are made of, on the database of `core`; nobody retrains. */
export function alertParts(core: Core, now: () => number, log: Log, more: Partial<AlertParts> = {}): AlertParts {
  const jobs = new RetrainingStore(core.pool);
  return {
    settings: () => DEFAULT_SETTINGS,
    clock: { now },
    log,
    store: new AlertStore(core.pool),
    evaluations: new EvaluationHistory(core.pool),
    catalog: core.catalog,
    baselines: core.baselines,
    jobs: (...of) => jobs.told(...of),
    self: createSelfMetrics({ version: '0', revision: '' }, []),
    retrain: () => Promise.resolve(),
    ...more,
  };
}
