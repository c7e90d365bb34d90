import { stringify } from 'yaml';

import type { ModelSettings, Overrides, Settings } from '../domain/settings.ts';
import { CONFIG_FILE } from './schema.ts';

/**
 * The configuration in force as YAML: defaults filled in, models as far as they differ, hashes of tokens and everything read from
 * secret files left out. Loading it again gives the same settings, as long as those files are there.
 */
export function redact(settings: Settings): string {
  const { evaluation, retention, limits, auth, alerts, overrides } = settings;
  const common: Overrides<ModelSettings> = settings.defaults;
  const { task: _task, positiveClass: _positiveClass, features: _features, segments: _segments, ...sections } = common;
  const printed = CONFIG_FILE.print({ evaluation, ...sections, retention, limits, auth, alerts, models: overrides });
  return stringify(printed, { lineWidth: 0, aliasDuplicateObjects: false });
}
