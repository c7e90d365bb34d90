import type { RetrainingSettings } from '../domain/retraining-settings.ts';
import { CHECK_NAMES } from '../domain/settings.ts';
import type { ModelSettings, Retention, Settings, TokenSettings } from '../domain/settings.ts';
import { formatDuration } from './duration.ts';
import { formatSize } from './size.ts';
import type { Path } from './yaml-source.ts';

/** A mistake that lies between values, each fine by itself. */
export interface RuleViolation {
  readonly path: Path;
  readonly message: string;
  /** Counts what is there, right or wrong; other rules mean nothing while a value below `path` could not be read. */
  readonly counts?: true;
}

/** Sums of decimal weights are off by rounding: 0.1 + 0.2 is not 0.3. */
const WEIGHT_TOLERANCE = 1e-9;

/** What is wrong with the settings as a whole. A mistake of the defaults is told once, not again for each model that inherits it. */
export function brokenRules(settings: Settings): readonly RuleViolation[] {
  const ofDefaults = brokenModelRules(settings.defaults, settings);
  const known = new Set(ofDefaults.map(fingerprint));
  const ofModels = [...settings.models].flatMap(([name, model]) =>
    brokenModelRules(model, settings)
      .filter((violation) => !known.has(fingerprint(violation)))
      .map((violation) => ({ ...violation, path: ['models', name, ...violation.path] })),
  );
  return [...brokenLimitRules(settings), ...brokenTokenRules(settings.auth.tokens), ...ofDefaults, ...ofModels];
}

function fingerprint({ path, message }: RuleViolation): string {
  return JSON.stringify([path, message]);
}

function brokenLimitRules({ limits, overrides }: Settings): RuleViolation[] {
  const violations: RuleViolation[] = [];
  if (limits.decompressedBytes < limits.bodyBytes) {
    const message = `must be at least limits.body (${formatSize(limits.bodyBytes)})`;
    violations.push({ path: ['limits', 'decompressed'], message });
  }
  if (overrides.size > limits.models)
    violations.push({
      path: ['models'],
      message: `has ${overrides.size} models, more than limits.models (${limits.models})`,
      counts: true,
    });
  return violations;
}

function brokenTokenRules(tokens: readonly TokenSettings[]): RuleViolation[] {
  const violations: RuleViolation[] = [];
  const names = new Set<string>();
  const nameByHash = new Map<string, string>();
  tokens.forEach(({ name, sha256 }, index) => {
    const path = ['auth', 'tokens', index];
    const twin = nameByHash.get(sha256);
    if (names.has(name))
      violations.push({ path: [...path, 'name'], message: `"${name}" is the name of another token too` });
    if (twin !== undefined) violations.push({ path, message: `is the same token as "${twin}"` });
    names.add(name);
    nameByHash.set(sha256, name);
  });
  return violations;
}

function brokenModelRules(model: ModelSettings, { limits, retention }: Settings): RuleViolation[] {
  const violations: RuleViolation[] = [];
  const sum = Object.values(model.weights).reduce((total, weight) => total + weight, 0);
  if (Math.abs(sum - 1) > WEIGHT_TOLERANCE) {
    const message = `the weights of the six checks must sum to 1, they sum to ${Number(sum.toPrecision(12))}`;
    violations.push({ path: ['weights'], message });
  }
  const { report, alert } = model.minimumSamples;
  if (alert < report)
    violations.push({ path: ['minimum_samples'], message: `alert (${alert}) must be at least report (${report})` });
  violations.push(...brokenWindowRules(model, retention), ...brokenSampleRules(model));
  if (model.positiveClass !== undefined && model.task !== undefined && model.task !== 'binary')
    violations.push({ path: ['positive_class'], message: `is for binary models only, the task is ${model.task}` });
  if (model.features.size > limits.features) {
    const message = `has ${model.features.size} features, more than limits.features (${limits.features})`;
    violations.push({ path: ['features'], message, counts: true });
  }
  return [...violations, ...brokenFeatureRules(model.features), ...brokenRetrainingRules(model.retraining)];
}

function brokenRetrainingRules({
  data,
  trainer,
  deployer,
  allowedHosts,
  rollout,
}: RetrainingSettings): RuleViolation[] {
  const violations: RuleViolation[] = [];
  if (data.testShare + data.holdoutShare > 0.9)
    violations.push({
      path: ['retraining', 'data'],
      message: 'test_share and holdout_share leave less than a tenth to train on',
    });
  for (const [part, adapter] of [['trainer', trainer] as const, ['deployer', deployer] as const]) {
    if (!('url' in adapter)) continue;
    const { host, hostname } = new URL(adapter.url);
    const message = `goes to ${hostname}, which is not in retraining.allowed_hosts`;
    if (!allowedHosts.includes(host) && !allowedHosts.includes(hostname))
      violations.push({ path: ['retraining', part, 'url'], message });
  }
  rollout.stages.forEach(({ percent }, i) => {
    const before = rollout.stages[i - 1];
    if (before !== undefined && percent <= before.percent)
      violations.push({
        path: ['retraining', 'rollout', 'stages', i],
        message: `must be above the stage before it (${before.percent})`,
      });
  });
  return violations;
}

function brokenWindowRules({ windows, extraWindows }: ModelSettings, { statisticsMs }: Retention): RuleViolation[] {
  const violations: RuleViolation[] = [];
  const message = `must be at most retention.statistics (${formatDuration(statisticsMs)})`;
  for (const check of CHECK_NAMES) {
    if (windows[check] > statisticsMs) violations.push({ path: ['windows', check], message });
    const seen = new Set([windows[check]]);
    extraWindows[check].forEach((windowMs, i) => {
      const path = ['extra_windows', check, i];
      if (windowMs > statisticsMs) violations.push({ path, message });
      if (seen.has(windowMs))
        violations.push({ path, message: `${formatDuration(windowMs)} is a window of the check already` });
      seen.add(windowMs);
    });
  }
  return violations;
}

/** Without any features there is nothing to capture or to learn from. */
function brokenSampleRules({ rawSample, baseline, retraining }: ModelSettings): RuleViolation[] {
  if (rawSample > 0) return [];
  const path = ['raw_sample'];
  const violations: RuleViolation[] = [];
  if (baseline.mode === 'captured')
    violations.push({
      path,
      message: 'must be above 0 with baseline.mode captured: there would be nothing to capture',
    });
  if (retraining.enabled)
    violations.push({ path, message: 'must be above 0 with retraining.enabled: there would be nothing to learn from' });
  return violations;
}

function brokenFeatureRules(features: ModelSettings['features']): RuleViolation[] {
  const violations: RuleViolation[] = [];
  for (const [name, { type, min, max }] of features) {
    const path = ['features', name];
    if (type === 'categorical' && (min !== undefined || max !== undefined))
      violations.push({ path, message: 'a categorical feature has no min or max' });
    else if (min !== undefined && max !== undefined && min >= max)
      violations.push({ path, message: `min (${min}) must be below max (${max})` });
  }
  return violations;
}
