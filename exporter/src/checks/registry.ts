import type { CheckOutcomes } from '../domain/health.ts';
import type { Check } from './check.ts';
import { dataDrift } from './data-drift.ts';
import { dataQuality } from './data-quality.ts';
import { errorRate } from './error-rate.ts';
import { latency } from './latency.ts';
import { performance } from './performance.ts';
import { predictionDrift } from './prediction-drift.ts';

/** The checks, in order of reports. A check is added here, and nowhere else in the code. */
export const CHECKS: readonly Check<CheckOutcomes[keyof CheckOutcomes]>[] = [
  performance,
  dataDrift,
  predictionDrift,
  latency,
  errorRate,
  dataQuality,
];
