import type { FeatureKind } from '../histogram/model-columns.ts';
import { isNewClass, MAX_CLASSES, MAX_ERROR_REASONS } from '../histogram/model-target.ts';
import type { ModelTarget, TargetWant } from '../histogram/model-target.ts';
import { missingSegments, valuesIn } from '../histogram/segments.ts';
import type { Envelope } from './envelope.ts';
import { isRecord, kindOf, MAX_NAME_LENGTH, pointerTo, textFault } from './read-values.ts';

interface Kinds {
  declaredKind(model: string, feature: string): FeatureKind | undefined;
  /** Configured keys of `segment`. */
  segmentKeys(model: string): readonly string[];
}

interface MutableWant extends TargetWant {
  readonly features: Map<string, FeatureKind>;
  readonly classes: Set<string>;
  readonly errorReasons: Set<string>;
  readonly segments: Map<string, Set<string>>;
}

/** Collects, over the rows of one request, what has to be registered before they can be counted. */
export class TargetWants {
  private readonly kinds: Kinds;
  private readonly maxFeatures: number;
  private readonly wants = new Map<string, MutableWant>();

  constructor(kinds: Kinds, maxFeatures: number) {
    this.kinds = kinds;
    this.maxFeatures = maxFeatures;
  }

  list(): readonly TargetWant[] {
    return [...this.wants.values()];
  }

  /** Does the row name a feature, class or error reason that `target` does not have? The common answer must be cheap. */
  missing(envelope: Envelope, target: ModelTarget): boolean {
    if (envelope.error !== null && !target.errorCodes.has(envelope.error) && target.errorCodes.size < MAX_ERROR_REASONS)
      return true;
    const predicted = className(envelope.row.prediction, target);
    if (predicted !== null && isNewClass(target, predicted)) return true;
    const { scores } = envelope.row;
    if (isRecord(scores)) for (const name of Object.keys(scores)) if (isNewClass(target, name)) return true;
    return missingSegments(target.segments, envelope.segment).length > 0 || hasNewFeature(envelope, target);
  }

  /** Notes what is missing. A problem means that the row cannot be registered at all. */
  note(
    envelope: Envelope,
    target: ModelTarget | undefined,
  ): { readonly pointer: string; readonly detail: string } | null {
    const features = new Map<string, FeatureKind>();
    const noted = this.wants.get(wantKey(envelope))?.features;
    for (const [name, value] of featureEntries(envelope)) {
      if (target?.featureByName.has(name) === true || noted?.has(name) === true) continue;
      if (value === null || value === undefined) continue;
      const problem = nameProblem(name) ?? (name === '__proto__' ? 'a feature cannot be named __proto__' : null);
      if (problem !== null) return { pointer: '/features', detail: problem };
      const kind = this.kinds.declaredKind(envelope.model, name) ?? inferKind(value);
      if (kind === undefined)
        return {
          pointer: `/features${pointerTo(name)}`,
          detail: `feature ${shown(name)} is ${kindOf(value)}; features are numbers, strings or booleans`,
        };
      features.set(name, kind);
    }
    const known = (target?.features.length ?? 0) + (noted?.size ?? 0);
    if (features.size > 0 && known + features.size > this.maxFeatures)
      return {
        pointer: '/features',
        detail: `more than ${this.maxFeatures} features are not allowed (limits.features)`,
      };
    const want = this.want(envelope);
    for (const [name, kind] of features) want.features.set(name, kind);
    if (envelope.error !== null) want.errorReasons.add(envelope.error);
    const predicted = className(envelope.row.prediction, target);
    if (predicted !== null && nameProblem(predicted) === null) want.classes.add(predicted);
    const { scores } = envelope.row;
    if (isRecord(scores))
      for (const name of Object.keys(scores).slice(0, MAX_CLASSES))
        if (nameProblem(name) === null) want.classes.add(name);
    if (envelope.segment !== null) {
      // Its scheme may still count by keys that are configured no longer.
      const keys = new Set([...this.kinds.segmentKeys(envelope.model), ...(target?.segments.keys() ?? [])]);
      for (const { key, value } of valuesIn(envelope.segment, keys)) {
        const values = want.segments.get(key) ?? new Set();
        want.segments.set(key, values.add(value));
      }
    }
    return null;
  }

  private want(envelope: Envelope): MutableWant {
    const key = wantKey(envelope);
    let want = this.wants.get(key);
    if (want === undefined) {
      want = {
        model: envelope.model,
        version: envelope.version,
        features: new Map(),
        classes: new Set(),
        errorReasons: new Set(),
        segments: new Map(),
      };
      this.wants.set(key, want);
    }
    return want;
  }
}

/** Of an envelope or of its want. */
export function wantKey({ model, version }: { readonly model: string; readonly version: string }): string {
  return `${model}\0${version}`;
}

/**
 * The class that a prediction names: text and booleans always; whole numbers unless the task is a regression. null: no class.
 * While the task is unknown a whole number is kept both ways, as a class and as a number.
 */
export function className(prediction: unknown, target: ModelTarget | undefined): string | null {
  switch (typeof prediction) {
    case 'string':
      return target?.task === 'regression' ? null : prediction;
    case 'boolean':
      return target?.task === 'regression' ? null : String(prediction);
    case 'number':
      return target?.task !== 'regression' && Number.isSafeInteger(prediction) ? String(prediction) : null;
    default:
      return null;
  }
}

function hasNewFeature({ row: { features } }: Envelope, target: ModelTarget): boolean {
  const known = target.featureByName;
  if (features.kind === 'object') {
    if (!isRecord(features.value)) return false;
    let k = 0;
    for (const name in features.value) {
      // Most senders name them in the order of the first row.
      if (target.features[k++]?.name === name) continue;
      if (!known.has(name) && features.value[name] !== null) return true;
    }
    return false;
  }
  if (!Array.isArray(features.values)) return false;
  const values = features.values as readonly unknown[];
  for (let i = 0; i < features.names.length; i++) {
    if (!known.has(features.names[i]!) && values[i] !== null && values[i] !== undefined) return true;
  }
  return false;
}

function featureEntries({ row: { features } }: Envelope): (readonly [string, unknown])[] {
  if (features.kind === 'object') return isRecord(features.value) ? Object.entries(features.value) : [];
  const values = Array.isArray(features.values) ? (features.values as readonly unknown[]) : [];
  return features.names.map((name, i) => [name, values[i]] as const);
}

function inferKind(value: unknown): FeatureKind | undefined {
  return typeof value === 'number'
    ? 'numeric'
    : typeof value === 'string' || typeof value === 'boolean'
      ? 'categorical'
      : undefined;
}

function nameProblem(name: string): string | null {
  if (name.length === 0) return 'a name must not be empty';
  if (name.length > MAX_NAME_LENGTH)
    return `the name ${shown(name)} has ${name.length} characters, at most ${MAX_NAME_LENGTH} are allowed`;
  const fault = textFault(name);
  return fault === null ? null : `the name ${shown(name)} ${fault}`;
}

function shown(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}...` : name);
}
