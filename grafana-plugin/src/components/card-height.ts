import { ModelHealth } from '../data/models';
import { ScorecardOptions } from '../options';

const LINE = 18;
const GAP = 8;
/** Padding, borders, name, score and foot, with the gaps between them. */
const FRAME = 16 + 22 + GAP + 38 + GAP + LINE;

/** One height for all cards: room for the most that any of them shows. */
export function cardHeight(models: readonly ModelHealth[], options: ScorecardOptions): number {
  let checks = 0;
  let drifted = 0;
  for (const model of models) {
    checks = Math.max(checks, model.checks.length);
    drifted = Math.max(drifted, model.features.filter((feature) => feature.drifted).length);
  }
  const block = (lines: number) => (lines === 0 ? 0 : lines * LINE + GAP);
  return (
    FRAME +
    (options.showChecks ? block(checks) : 0) +
    (options.showDrift ? block(Math.min(drifted, options.maxDriftFeatures)) : 0)
  );
}
