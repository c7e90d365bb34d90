import type { HistogramTotals } from '../domain/model-report.ts';
import type { Family, HistogramFamily, LabelValues, ScalarFamily } from './families.ts';
import type { AnyBlock, FamilyShards, Shard } from './family-shards.ts';
import { histogramSamples, histogramSeries, scalarSeries } from './series.ts';
import { SeriesBlock } from './series-block.ts';

/** Valid during the update that hands it out. */
export interface SeriesWriter {
  /** A gauge or a counter; NaN or undefined: there is no such series. */
  set<const L extends readonly string[]>(
    family: ScalarFamily<L>,
    labelValues: LabelValues<L>,
    value: number | undefined,
  ): void;
  /** A classic histogram. */
  histogram<const L extends readonly string[]>(
    family: HistogramFamily<L>,
    labelValues: LabelValues<L>,
    totals: HistogramTotals,
  ): void;
}

interface Place<Block extends AnyBlock> {
  readonly block: Block;
  readonly shards: FamilyShards;
  /** null until the block's first update has ended: only then is its size known. */
  shard: Shard | null;
}

/** All series of one owner: a block per family, and what an update of it may still add. */
export class OwnerSeries implements SeriesWriter {
  private readonly shardsOf: (family: Family) => FamilyShards;
  private readonly scalars = new Map<Family, Place<SeriesBlock<number>>>();
  private readonly histograms = new Map<Family, Place<SeriesBlock<HistogramTotals>>>();
  private room = 0;
  private refused = 0;
  private lines = 0;

  constructor(shardsOf: (family: Family) => FamilyShards) {
    this.shardsOf = shardsOf;
  }

  /** Lines exposed. */
  get samples(): number {
    return this.lines;
  }

  /**
   * Runs one update: what `write` does not write is gone, also when it throws (a series is absent rather than stale).
   *
   * @param room lines that it may write; what is beyond is left out, first come, first served
   * @returns lines left out
   */
  update(room: number, write: (writer: SeriesWriter) => void): number {
    this.room = room;
    this.refused = 0;
    try {
      write(this);
    } finally {
      this.lines = 0;
      this.finish(this.scalars);
      this.finish(this.histograms);
    }
    return this.refused;
  }

  set<const L extends readonly string[]>(
    family: ScalarFamily<L>,
    labelValues: LabelValues<L>,
    value: number | undefined,
  ): void {
    if (value === undefined || Number.isNaN(value) || !this.admits(1)) return;
    let place = this.scalars.get(family);
    if (place === undefined) {
      place = { block: new SeriesBlock(family, scalarSeries), shards: this.shardsOf(family), shard: null };
      this.scalars.set(family, place);
    }
    place.block.write(labelValues, value);
  }

  histogram<const L extends readonly string[]>(
    family: HistogramFamily<L>,
    labelValues: LabelValues<L>,
    totals: HistogramTotals,
  ): void {
    if (!this.admits(histogramSamples(totals))) return;
    let place = this.histograms.get(family);
    if (place === undefined) {
      place = { block: new SeriesBlock(family, histogramSeries), shards: this.shardsOf(family), shard: null };
      this.histograms.set(family, place);
    }
    place.block.write(labelValues, totals);
  }

  private admits(samples: number): boolean {
    if (samples > this.room) {
      this.refused += samples;
      return false;
    }
    this.room -= samples;
    return true;
  }

  private finish<Block extends AnyBlock>(places: Map<Family, Place<Block>>): void {
    for (const [family, place] of places) {
      const { block, shards, shard } = place;
      const before = block.samples;
      const changed = block.finish();
      this.lines += block.samples;
      if (block.samples === 0) {
        if (shard !== null) shards.remove(shard, block, before);
        places.delete(family);
      } else if (shard === null) {
        place.shard = shards.place(block);
      } else if (changed) {
        shard.samples += block.samples - before;
        shard.invalidate();
      }
    }
  }
}
