import { PanelModel } from '@grafana/data';
import { ScorecardOptions } from './options';

/** The schema of options.ts. Each change of a stored option adds a step here and one to this number. */
export const REVISION = 1;

/** Runs at each load until the dashboard is saved, so it must be content with its own result. */
export function migrate(panel: PanelModel<Partial<ScorecardOptions>>): Partial<ScorecardOptions> {
  const options: Record<string, unknown> = { ...panel.options };
  // Before the first release a search box and chips were two switches.
  if (options.showToolbar === undefined && (options.showSearch !== undefined || options.showSummary !== undefined)) {
    options.showToolbar = options.showSearch !== false || options.showSummary !== false;
  }
  delete options.showSearch;
  delete options.showSummary;
  return { ...options, rev: REVISION };
}
