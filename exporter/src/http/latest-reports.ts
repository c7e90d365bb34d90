import type { ModelReport } from '../domain/model-report.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { Services } from './services.ts';

/** A replica knows no reports; an empty answer would look as if there were no models. */
export function requireLeader(services: Services): void {
  const reason = services.notLeader();
  if (reason !== null) throw new ServiceError('unavailable', reason);
}

/** Reports of all versions by model, in the order given. */
export function groupByModel(reports: readonly ModelReport[]): Map<string, ModelReport[]> {
  const byModel = new Map<string, ModelReport[]>();
  for (const report of reports) {
    const known = byModel.get(report.model);
    if (known === undefined) byModel.set(report.model, [report]);
    else known.push(report);
  }
  return byModel;
}

/** The version with most predictions stands for its model. Reports are never empty here. */
export function busiest(reports: readonly ModelReport[]): ModelReport {
  return reports.reduce((most, report) => (report.windowPredictions > most.windowPredictions ? report : most));
}

/** Of one model: the version asked for, or the busiest. Throws ServiceError not_found. */
export function reportOf(services: Services, model: string, version: string | undefined): ModelReport {
  const reports = services.reports().filter((report) => report.model === model);
  if (reports.length === 0)
    throw new ServiceError('not_found', `There is no evaluation of a model ${JSON.stringify(model)} yet.`);
  const report = version === undefined ? busiest(reports) : reports.find((one) => one.version === version);
  if (report === undefined)
    throw new ServiceError('not_found', `Model ${JSON.stringify(model)} has no version ${JSON.stringify(version)}.`);
  return report;
}
