import type { Family } from './families.ts';
import type { Series, SeriesMaker } from './series.ts';
import { sameItems, seriesKey } from './series.ts';

/**
 * The series of one owner and family, and their text.
 *
 * An update writes every series that is to be, and `finish` removes the rest. While it writes the same label values in the same order
 * as the update before it, which is nearly always, a series is found by its position: no key is built and nothing is looked up.
 */
export class SeriesBlock<Value> {
  readonly family: Family;
  private readonly make: SeriesMaker<Value>;
  private readonly series: Series<Value>[] = [];
  /** Number of the update under way. */
  private update = 1;
  /** Series written by it so far, while in the order of the one before. */
  private position = 0;
  /** All series by key, from the first that was out of order. */
  private byKey: Map<string, Series<Value>> | null = null;
  private changed = false;
  private lines = 0;
  private rendered = '';

  constructor(family: Family, make: SeriesMaker<Value>) {
    this.family = family;
    this.make = make;
  }

  /** The series as of the last finished update, in the order of its writes; built again only when something changed. */
  get text(): string {
    return this.rendered;
  }

  /** Lines of the text. */
  get samples(): number {
    return this.lines;
  }

  /** Writes a series; a second time in one update, the later value counts. `labelValues` is kept: never change it afterwards. */
  write(labelValues: readonly string[], value: Value): void {
    const expected = this.byKey === null ? this.series[this.position] : undefined;
    if (expected === undefined || !sameItems(expected.labelValues, labelValues)) {
      this.writeOutOfOrder(labelValues, value);
      return;
    }
    this.position++;
    expected.writtenIn = this.update;
    if (expected.assign(value)) this.changed = true;
  }

  private writeOutOfOrder(labelValues: readonly string[], value: Value): void {
    this.byKey ??= this.leaveOrder();
    const key = seriesKey(this.family, labelValues);
    let series = this.byKey.get(key);
    if (series === undefined) {
      series = this.make(this.family, key, labelValues);
      this.byKey.set(key, series);
    }
    if (series.writtenIn !== this.update) this.series.push(series);
    series.writtenIn = this.update;
    series.assign(value);
  }

  /** From here on the order is that of the writes; what is not written again drops out. */
  private leaveOrder(): Map<string, Series<Value>> {
    const byKey = new Map<string, Series<Value>>();
    for (const series of this.series) byKey.set(series.key, series);
    this.series.length = this.position;
    this.changed = true;
    return byKey;
  }

  /** Ends the update: series that it did not write are gone. Whether the text changed. */
  finish(): boolean {
    if (this.byKey === null && this.position < this.series.length) {
      this.series.length = this.position;
      this.changed = true;
    }
    const { changed } = this;
    if (changed) {
      // Now and not when it is scraped: updates are many and small, a scrape of all of them would hold up everything else.
      // join and not +=, which would keep a rope of all the pieces in the place of one flat string.
      this.rendered = this.series.map((series) => series.render()).join('');
      this.lines = this.series.reduce((sum, { samples }) => sum + samples, 0);
    }
    this.update++;
    this.position = 0;
    this.byKey = null;
    this.changed = false;
    return changed;
  }
}
