import type { ModelDeclaration } from './model.ts';
import { overlay } from './settings.ts';
import type { FeatureSettings, ModelSettings, Overrides, Settings, Thresholds } from './settings.ts';

/** Keys of a declaration are those of the configuration file. */
export const THRESHOLD_KEYS: Readonly<Record<string, keyof Thresholds>> = {
  accuracy_drop: 'accuracyDrop',
  drift_score: 'driftScore',
  latency_spike: 'latencySpike',
  error_rate: 'errorRate',
  ks_p_value: 'ksPValue',
  min_ks_statistic: 'minKsStatistic',
  data_quality: 'dataQuality',
  calibration_gap: 'calibrationGap',
  error_budget: 'errorBudget',
  latency_budget: 'latencyBudget',
};

/** Settings of a model: the defaults, under what was declared for it through the API, under what the configuration file says of it. */
export function effectiveSettings(settings: Settings, model: string, declared: ModelDeclaration): ModelSettings {
  return overlay<ModelSettings>(
    overlay<ModelSettings>(settings.defaults, declaredOverrides(declared)),
    settings.overrides.get(model),
  );
}

function declaredOverrides(declared: ModelDeclaration): Overrides<ModelSettings> {
  const thresholds: Partial<Record<keyof Thresholds, number>> = {};
  for (const [key, value] of Object.entries(declared.thresholds ?? {})) {
    const name = THRESHOLD_KEYS[key];
    if (name !== undefined) thresholds[name] = value;
  }
  return {
    ...(declared.task === undefined ? {} : { task: declared.task }),
    ...(declared.positive_class === undefined ? {} : { positiveClass: declared.positive_class }),
    thresholds,
    ...(declared.weights === undefined ? {} : { weights: declared.weights }),
    features: new Map<string, FeatureSettings>(Object.entries(declared.features ?? {})),
  };
}
