import { describe, expect, test } from '@jest/globals';
import type { Family, HistogramFamily, ScalarFamily } from './families.ts';
import type { SeriesWriter } from './owner-series.ts';
import { openMetricsFormat } from './openmetrics.ts';
import { SeriesStore } from './series-store.ts';
import { textFormat } from './text-format.ts';

const up: ScalarFamily<['model']> = { name: 'up', type: 'gauge', help: 'Up.', labels: ['model'] };
const drift: ScalarFamily<['model', 'feature']> = {
  name: 'drift',
  type: 'gauge',
  help: 'Drift.',
  labels: ['model', 'feature'],
};
const seen: ScalarFamily<['model']> = { name: 'seen_total', type: 'counter', help: 'Seen.', labels: ['model'] };
const wait: HistogramFamily<['model']> = { name: 'wait_seconds', type: 'histogram', help: 'Wait.', labels: ['model'] };
const bare: HistogramFamily<[]> = { name: 'bare_seconds', type: 'histogram', help: 'Bare.', labels: [] };

const families: readonly Family[] = [up, drift, seen, wait, bare];
const A = { model: 'a', version: '' };
const B = { model: 'b', version: '' };

function storeOf(seriesLimit = 100, samplesPerShard = 4): SeriesStore {
  return new SeriesStore({ families, seriesLimit, samplesPerShard });
}

/** Lines of the families above; comments and the store's own accounts left out. */
function lines(store: SeriesStore): string[] {
  return text(store)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('ml_exporter_'));
}

function accounts(store: SeriesStore): string[] {
  return text(store)
    .split('\n')
    .filter((line) => line.startsWith('ml_exporter_'));
}

function text(store: SeriesStore, format = textFormat): string {
  return Buffer.concat(store.render(format).map(({ bytes }) => bytes)).toString();
}

const writeDrifts =
  (...features: readonly (readonly [string, number])[]) =>
  (w: SeriesWriter) => {
    for (const [feature, value] of features) w.set(drift, ['a', feature], value);
  };

describe('series', () => {
  test('are those of the last update, in the order of its writes', () => {
    const store = storeOf();
    store.update(A, writeDrifts(['x', 1], ['y', 2], ['z', 3]));
    expect(lines(store)).toEqual([
      'drift{model="a",feature="x"} 1',
      'drift{model="a",feature="y"} 2',
      'drift{model="a",feature="z"} 3',
    ]);
    store.update(A, writeDrifts(['z', 3], ['x', 5]));
    expect(lines(store)).toEqual(['drift{model="a",feature="z"} 3', 'drift{model="a",feature="x"} 5']);
  });

  test.each([
    ['the first is gone', ['y', 'z']],
    ['the middle is gone', ['x', 'z']],
    ['the last is gone', ['x', 'y']],
    ['one comes in between', ['x', 'n', 'y', 'z']],
    ['one comes last', ['x', 'y', 'z', 'n']],
    ['all are others', ['p', 'q']],
    ['turned round', ['z', 'y', 'x']],
    ['none', []],
  ])('follow any change: %s', (_name, features) => {
    const store = storeOf();
    store.update(A, writeDrifts(['x', 1], ['y', 1], ['z', 1]));
    for (const value of [2, 3]) {
      store.update(A, writeDrifts(...features.map((feature) => [feature, value] as const)));
      expect(lines(store)).toEqual(features.map((feature) => `drift{model="a",feature="${feature}"} ${value}`));
    }
  });

  test('written twice are one, with the later value', () => {
    const store = storeOf();
    store.update(A, writeDrifts(['x', 1], ['x', 2], ['y', 3]));
    expect(lines(store)).toEqual(['drift{model="a",feature="x"} 2', 'drift{model="a",feature="y"} 3']);
    store.update(A, writeDrifts(['x', 1], ['y', 3], ['x', 4]));
    expect(lines(store)).toEqual(['drift{model="a",feature="x"} 4', 'drift{model="a",feature="y"} 3']);
  });

  test('without a value are absent, and a family without series has no header', () => {
    const store = storeOf();
    store.update(A, (w) => {
      w.set(up, ['a'], NaN);
      w.set(seen, ['a'], undefined);
      w.set(drift, ['a', 'x'], Infinity);
    });
    expect(lines(store)).toEqual(['drift{model="a",feature="x"} +Inf']);
    expect(text(store)).not.toContain('# TYPE up');
  });

  test('come by family as declared, then by owner as they came', () => {
    const store = storeOf();
    for (const owner of [B, A]) {
      store.update(owner, (w) => {
        w.set(seen, [owner.model], 1);
        w.set(up, [owner.model], 1);
      });
    }
    expect(lines(store)).toEqual([
      'up{model="b"} 1',
      'up{model="a"} 1',
      'seen_total{model="b"} 1',
      'seen_total{model="a"} 1',
    ]);
  });

  test('have escaped label values', () => {
    const store = storeOf();
    store.update(A, writeDrifts(['a"b\\c\nd', 1]));
    expect(lines(store)).toEqual(['drift{model="a",feature="a\\"b\\\\c\\nd"} 1']);
  });

  test('of an update that fails half-way are absent, not stale', () => {
    const store = storeOf();
    store.update(A, writeDrifts(['x', 1], ['y', 1]));
    expect(() => {
      store.update(A, (w) => {
        w.set(drift, ['a', 'x'], 2);
        throw new Error('half-way');
      });
    }).toThrow('half-way');
    expect(lines(store)).toEqual(['drift{model="a",feature="x"} 2']);
  });

  test('of a family that nobody declared are refused', () => {
    const unknown: ScalarFamily<['model']> = { ...up, name: 'unknown' };
    expect(() => storeOf().update(A, (w) => w.set(unknown, ['a'], 1))).toThrow('unknown is not declared');
  });
});

describe('histograms', () => {
  const totals = { upperBoundsSeconds: [0.5, 1], cumulative: [2, 3], count: 4, sumSeconds: 7.25 };

  test('have cumulative buckets, a sum and a count', () => {
    const store = storeOf();
    store.update(A, (w) => {
      w.histogram(wait, ['a'], totals);
      w.histogram(bare, [], totals);
    });
    expect(lines(store)).toEqual([
      'wait_seconds_bucket{model="a",le="0.5"} 2',
      'wait_seconds_bucket{model="a",le="1.0"} 3',
      'wait_seconds_bucket{model="a",le="+Inf"} 4',
      'wait_seconds_sum{model="a"} 7.25',
      'wait_seconds_count{model="a"} 4',
      'bare_seconds_bucket{le="0.5"} 2',
      'bare_seconds_bucket{le="1.0"} 3',
      'bare_seconds_bucket{le="+Inf"} 4',
      'bare_seconds_sum 7.25',
      'bare_seconds_count 4',
    ]);
  });

  test('follow their counts and their bounds', () => {
    const store = storeOf();
    store.update(A, (w) => w.histogram(wait, ['a'], totals));
    store.update(A, (w) => w.histogram(wait, ['a'], { ...totals, count: 5 }));
    expect(lines(store)).toContain('wait_seconds_count{model="a"} 5');
    store.update(A, (w) =>
      w.histogram(wait, ['a'], { upperBoundsSeconds: [2], cumulative: [3], count: 5, sumSeconds: 8 }),
    );
    expect(lines(store)).toEqual([
      'wait_seconds_bucket{model="a",le="2.0"} 3',
      'wait_seconds_bucket{model="a",le="+Inf"} 5',
      'wait_seconds_sum{model="a"} 8',
      'wait_seconds_count{model="a"} 5',
    ]);
  });
});

describe('owners', () => {
  const writeUp = (model: string) => (w: SeriesWriter) => w.set(up, [model], 1);
  const write = (store: SeriesStore, model: string) => store.update({ model, version: '' }, writeUp(model));

  test('that are dropped leave nothing behind', () => {
    const store = storeOf();
    for (const model of ['a', 'b', 'c']) write(store, model);
    store.drop(B);
    store.drop(B);
    store.drop({ model: 'never heard of', version: '1' });
    expect(lines(store)).toEqual(['up{model="a"} 1', 'up{model="c"} 1']);
    store.dropModel('a');
    store.dropModel('c');
    expect(text(store)).toBe('');
  });

  test('clear drops all of them', () => {
    const store = storeOf();
    for (const model of ['a', 'b', 'c']) write(store, model);
    store.clear();
    expect(text(store)).toBe('');
    write(store, 'b');
    expect(lines(store)).toEqual(['up{model="b"} 1']);
  });

  test('of many come and go, and nobody is lost or shown twice', () => {
    const store = storeOf(100, 3);
    const alive = new Set<string>();
    let seed = 7;
    for (let step = 0; step < 500; step++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      const model = `m${seed % 23}`;
      if (seed % 3 === 0) {
        store.dropModel(model);
        alive.delete(model);
      } else {
        write(store, model);
        alive.add(model);
      }
      expect(lines(store).sort()).toEqual(Array.from(alive, (name) => `up{model="${name}"} 1`).sort());
    }
  });
});

describe('rendering', () => {
  test('renders again only what changed', () => {
    const store = storeOf();
    for (let i = 0; i < 20; i++) {
      const model = `m${i}`;
      store.update({ model, version: '' }, (w) => w.set(drift, [model, 'x'], 1));
    }
    const before = store.render(textFormat);
    store.update({ model: 'm9', version: '' }, (w) => w.set(drift, ['m9', 'x'], 1));
    expect(store.render(textFormat).filter((section, i) => section !== before[i])).toEqual([]);
    store.update({ model: 'm9', version: '' }, (w) => w.set(drift, ['m9', 'x'], 2));
    const after = store.render(textFormat).filter((section, i) => section !== before[i]);
    expect(after.map(({ bytes }) => bytes.toString())).toEqual([
      [8, 9, 10, 11].map((i) => `drift{model="m${i}",feature="x"} ${i === 9 ? 2 : 1}\n`).join(''),
    ]);
  });

  test('what was handed out stays as it was', () => {
    const store = storeOf();
    store.update(A, writeDrifts(['x', 1]));
    const sections = store.render(textFormat);
    const before = sections.map(({ bytes }) => bytes.toString());
    store.update(A, writeDrifts(['x', 2], ['y', 1]));
    store.drop(A);
    expect(sections.map(({ bytes }) => bytes.toString())).toEqual(before);
  });

  test('formats differ in the headers of counters only, and share the samples', () => {
    const store = storeOf();
    store.update(A, (w) => {
      w.set(up, ['a'], 1);
      w.set(seen, ['a'], 3);
    });
    expect(text(store)).toContain(
      '# HELP up Up.\n# TYPE up gauge\nup{model="a"} 1\n# HELP seen_total Seen.\n# TYPE seen_total counter\nseen_total{model="a"} 3\n',
    );
    expect(text(store, openMetricsFormat)).toContain(
      '# TYPE up gauge\n# HELP up Up.\nup{model="a"} 1\n# TYPE seen counter\n# HELP seen Seen.\nseen_total{model="a"} 3\n',
    );
    const samples = (format: typeof textFormat) =>
      store.render(format).filter(({ bytes }) => !bytes.toString().startsWith('#'));
    const shared = samples(openMetricsFormat);
    samples(textFormat).forEach((section, i) => expect(section).toBe(shared[i]));
  });
});

describe('limit', () => {
  const writeMany = (model: string, version: string, count: number) => (w: SeriesWriter) => {
    w.set(up, [model], 1);
    for (let i = 0; i < count; i++) w.set(drift, [model, `${version}${i}`], i);
  };

  test('leaves out what is beyond, first come first served, and counts it', () => {
    const store = storeOf(3);
    store.update(A, writeMany('a', 'x', 5));
    expect(lines(store)).toEqual([
      'up{model="a"} 1',
      'drift{model="a",feature="x0"} 0',
      'drift{model="a",feature="x1"} 1',
    ]);
    expect(accounts(store)).toEqual([
      'ml_exporter_series{model="a"} 3',
      'ml_exporter_series_limit{model="a"} 3',
      'ml_exporter_series_dropped_total{model="a"} 3',
    ]);
    store.update(A, writeMany('a', 'x', 3));
    expect(accounts(store)).toContain('ml_exporter_series_dropped_total{model="a"} 4');
  });

  test('does not cut a histogram', () => {
    const store = storeOf(4);
    store.update(A, (w) => {
      w.histogram(wait, ['a'], { upperBoundsSeconds: [1, 2], cumulative: [1, 2], count: 2, sumSeconds: 2 });
      w.set(up, ['a'], 1);
    });
    expect(lines(store)).toEqual(['up{model="a"} 1']);
    expect(accounts(store)).toContain('ml_exporter_series_dropped_total{model="a"} 5');
  });

  test('is shared by the versions of a model, not by models', () => {
    const store = storeOf(5);
    store.update({ model: 'a', version: '1' }, writeMany('a', 'x', 2));
    store.update({ model: 'a', version: '2' }, writeMany('a', 'y', 4));
    store.update(B, writeMany('b', 'z', 4));
    expect(accounts(store)).toEqual([
      'ml_exporter_series{model="a"} 5',
      'ml_exporter_series{model="b"} 5',
      'ml_exporter_series_limit{model="a"} 5',
      'ml_exporter_series_limit{model="b"} 5',
      'ml_exporter_series_dropped_total{model="a"} 3',
      'ml_exporter_series_dropped_total{model="b"} 0',
    ]);
    store.drop({ model: 'a', version: '1' });
    store.update({ model: 'a', version: '2' }, writeMany('a', 'y', 4));
    expect(accounts(store)).toContain('ml_exporter_series{model="a"} 5');
    expect(accounts(store)).toContain('ml_exporter_series_dropped_total{model="a"} 3');
  });

  test('may be changed while running', () => {
    const store = storeOf(2);
    store.update(A, writeMany('a', 'x', 3));
    store.seriesLimit = 10;
    store.update(A, writeMany('a', 'x', 3));
    expect(lines(store)).toHaveLength(4);
    store.seriesLimit = 1;
    store.update(A, writeMany('a', 'x', 3));
    expect(lines(store)).toEqual(['up{model="a"} 1']);
  });
});
