import type { Family } from './families.ts';
import { TextSection } from './gzip-splice.ts';
import type { SeriesBlock } from './series-block.ts';
import type { ExpositionFormat } from './text-format.ts';

/** A block of any kind of series: what shards need of it. */
export type AnyBlock = Pick<SeriesBlock<unknown>, 'samples' | 'text' | 'finish'>;

/**
 * Some blocks of one family, as one text. Large enough that deflating it is not all overhead (about 20 us a call), small enough that
 * a changed block takes few others with it.
 */
export class Shard {
  readonly blocks = new Set<AnyBlock>();
  samples = 0;
  private section: TextSection | null = null;

  invalidate(): void {
    this.section = null;
  }

  render(): TextSection {
    return (this.section ??= new TextSection(...Array.from(this.blocks, ({ text }) => text)));
  }
}

/** Everything that is exposed of one family. */
export class FamilyShards {
  readonly family: Family;
  private readonly samplesPerShard: number;
  private readonly shards = new Set<Shard>();
  /** Shards that may have room, the one to try first last. */
  private roomy: Shard[] = [];
  private readonly headers = new Map<ExpositionFormat, TextSection>();

  constructor(family: Family, samplesPerShard: number) {
    this.family = family;
    this.samplesPerShard = samplesPerShard;
  }

  /** Takes in a block, and says where. */
  place(block: AnyBlock): Shard {
    let shard = this.roomy.at(-1);
    while (shard !== undefined && shard.samples >= this.samplesPerShard) {
      this.roomy.pop();
      shard = this.roomy.at(-1);
    }
    if (shard === undefined) {
      shard = new Shard();
      this.roomy.push(shard);
      this.shards.add(shard);
    }
    shard.blocks.add(block);
    shard.samples += block.samples;
    shard.invalidate();
    return shard;
  }

  /** Removes a block; `samples` is what it counted for. */
  remove(shard: Shard, block: AnyBlock, samples: number): void {
    shard.blocks.delete(block);
    shard.samples -= samples;
    shard.invalidate();
    if (shard.blocks.size === 0) {
      this.shards.delete(shard);
      this.roomy = this.roomy.filter((other) => other !== shard);
    } else if (!this.roomy.includes(shard)) {
      this.roomy.unshift(shard);
    }
  }

  /** Header and text of every shard; nothing while the family has no series. */
  render(format: ExpositionFormat, into: TextSection[]): void {
    if (this.shards.size === 0) return;
    let header = this.headers.get(format);
    if (header === undefined) {
      header = new TextSection(format.header(this.family));
      this.headers.set(format, header);
    }
    into.push(header);
    for (const shard of this.shards) into.push(shard.render());
  }
}
