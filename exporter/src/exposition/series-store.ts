import type { Family } from './families.ts';
import { seriesFamilies } from './families.ts';
import { FamilyShards } from './family-shards.ts';
import type { TextSection } from './gzip-splice.ts';
import type { SeriesWriter } from './owner-series.ts';
import { OwnerSeries } from './owner-series.ts';
import type { ExpositionFormat } from './text-format.ts';

export interface SeriesOwner {
  readonly model: string;
  /** '' for a model without versions. */
  readonly version: string;
}

export interface SeriesStoreOptions {
  /** Every family that may be written, in the order of exposition. */
  readonly families: readonly Family[];
  /** Lines a model may have, all its versions together. */
  readonly seriesLimit: number;
  /** A shard of a family takes in blocks until it holds so many lines. */
  readonly samplesPerShard?: number;
}

interface ModelSeries {
  readonly versions: Map<string, OwnerSeries>;
  /** The model's `ml_exporter_series*`, which count for no budget. */
  readonly accounts: OwnerSeries;
  dropped: number;
}

const SAMPLES_PER_SHARD = 200;

/**
 * The series of all model versions, as text that is rendered when a value changes; a scrape only puts it together.
 *
 * A version's series are replaced as a whole by `update`: those not written again disappear from the next scrape, which is how
 * Prometheus learns that they are stale. Order: families as declared, then versions as they first came, then series as they were written.
 */
export class SeriesStore {
  /** May change at any time; counts from the next update of a version on. */
  seriesLimit: number;
  private readonly families: Map<Family, FamilyShards>;
  private readonly samplesPerShard: number;
  private readonly models = new Map<string, ModelSeries>();

  constructor({ families, seriesLimit, samplesPerShard = SAMPLES_PER_SHARD }: SeriesStoreOptions) {
    this.seriesLimit = seriesLimit;
    this.samplesPerShard = samplesPerShard;
    this.families = new Map();
    for (const family of [...families, ...Object.values(seriesFamilies)]) this.declare(family);
  }

  /** Replaces all series of a model version by what `write` writes. Not to be called from within `write`. */
  update({ model, version }: SeriesOwner, write: (writer: SeriesWriter) => void): void {
    const series = this.model(model);
    let owner = series.versions.get(version);
    if (owner === undefined) {
      owner = new OwnerSeries(this.shardsOf);
      series.versions.set(version, owner);
    }
    try {
      series.dropped += owner.update(this.seriesLimit - samplesOf(series) + owner.samples, write);
    } finally {
      this.account(model, series);
    }
  }

  /** Removes all series of a model version. Unknown ones are no error. */
  drop({ model, version }: SeriesOwner): void {
    const series = this.models.get(model);
    const owner = series?.versions.get(version);
    if (series === undefined || owner === undefined) return;
    owner.update(0, writeNothing);
    series.versions.delete(version);
    this.account(model, series);
  }

  /** Removes all series of all versions of a model. */
  dropModel(model: string): void {
    for (const version of this.models.get(model)?.versions.keys() ?? []) this.drop({ model, version });
  }

  /** Removes everything, as when another replica takes over. */
  clear(): void {
    this.models.clear();
    for (const family of this.families.keys()) this.declare(family);
  }

  /** The exposition as it is at this moment: later updates do not change the sections that were handed out. */
  render(format: ExpositionFormat): TextSection[] {
    const sections: TextSection[] = [];
    for (const shards of this.families.values()) shards.render(format, sections);
    return sections;
  }

  private declare(family: Family): void {
    this.families.set(family, new FamilyShards(family, this.samplesPerShard));
  }

  private readonly shardsOf = (family: Family): FamilyShards => {
    const shards = this.families.get(family);
    if (shards === undefined) throw new RangeError(`${family.name} is not declared`);
    return shards;
  };

  private model(model: string): ModelSeries {
    let series = this.models.get(model);
    if (series === undefined) {
      series = { versions: new Map(), accounts: new OwnerSeries(this.shardsOf), dropped: 0 };
      this.models.set(model, series);
    }
    return series;
  }

  private account(model: string, series: ModelSeries): void {
    if (series.versions.size === 0) {
      series.accounts.update(0, writeNothing);
      this.models.delete(model);
      return;
    }
    series.accounts.update(Infinity, (w) => {
      w.set(seriesFamilies.series, [model], samplesOf(series));
      w.set(seriesFamilies.limit, [model], this.seriesLimit);
      w.set(seriesFamilies.dropped, [model], series.dropped);
    });
  }
}

function samplesOf({ versions }: ModelSeries): number {
  let samples = 0;
  for (const owner of versions.values()) samples += owner.samples;
  return samples;
}

function writeNothing(): void {
  // What an update does not write is gone.
}
