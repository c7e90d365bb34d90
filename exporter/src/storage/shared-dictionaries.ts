import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { FeatureColumn } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';

type FeatureSet = Pick<ModelTarget, 'features' | 'featureByName' | 'numericCount' | 'categoricalCount'>;

/**
 * What many models say alike is one object, for as long as one of them has it: a fleet of the same features, or of the classes yes and
 * no. Rows of thousands of models then find it in the processor's cache, where each model's own would be waited for.
 */
export class SharedDictionaries {
  private readonly columns = new Shared<readonly FeatureColumn[]>();
  private readonly byName = new Shared<ReadonlyMap<string, FeatureColumn>>();
  private readonly codes = new Shared<ReadonlyMap<string, number>>();
  private readonly names = new Shared<ReadonlySet<string>>();

  /**
   * @param names all features in order of registration
   * @param numeric those of them that are numbers, in that order
   */
  features(names: readonly string[], numeric: readonly string[]): FeatureSet {
    const key = JSON.stringify([names, numeric]);
    const features = this.columns.of(key, () => featureColumns(names, numeric));
    return {
      features,
      featureByName: this.byName.of(key, () => new Map(features.map((feature) => [feature.name, feature]))),
      numericCount: numeric.length,
      categoricalCount: names.length - numeric.length,
    };
  }

  /** Codes of names that are numbered from `first`. */
  codesOf(names: readonly string[], first: number): ReadonlyMap<string, number> {
    return this.codes.of(JSON.stringify([first, names]), () => new Map(names.map((name, i) => [name, first + i])));
  }

  setOf(names: readonly string[]): ReadonlySet<string> {
    return this.names.of(JSON.stringify(names), () => new Set(names));
  }
}

/** Holds nothing itself: dictionaries grow, and what is outgrown goes. */
class Shared<T extends object> {
  private readonly known = new Map<string, WeakRef<T>>();
  private readonly gone = new FinalizationRegistry<string>((key) => {
    // It may have been made again since.
    if (this.known.get(key)?.deref() === undefined) this.known.delete(key);
  });

  of(key: string, make: () => T): T {
    const known = this.known.get(key)?.deref();
    if (known !== undefined) return known;
    const made = make();
    this.known.set(key, new WeakRef(made));
    this.gone.register(made, key);
    return made;
  }
}

function featureColumns(names: readonly string[], numeric: readonly string[]): FeatureColumn[] {
  const positions = new Map(numeric.map((name, position) => [name, position]));
  let categorical = 0;
  return names.map((name, order) => {
    const position = positions.get(name);
    return {
      name,
      kind: position === undefined ? 'categorical' : 'numeric',
      position: position ?? categorical++,
      column: FIRST_FEATURE_COLUMN + order,
    };
  });
}
