import { createHash } from 'node:crypto';
import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { Gauge, Registry } from 'prom-client';
import { modelFamilies, STORE_FAMILIES } from '../src/exposition/families.ts';
import { renderExposition } from '../src/exposition/render.ts';
import { SeriesStore } from '../src/exposition/series-store.ts';

/**
 * CPU of a scrape of 100,000 series of which 1 % changed since the one before, against prom-client with the same series, as text and
 * gzipped. What changes between scrapes is a model at a time, as evaluations have it; 1 % of all series scattered over all models is
 * printed too, as the worst case for text that is cached by model.
 */
const TARGET_RATIO = 30;
const MODELS = 1_000;
const FEATURES = 20;
const CHANGED = 0.01;
const OUR_SCRAPES = 100;
const THEIR_SCRAPES = 10;
const WARM_UP = 3;

const FAMILIES = [
  modelFamilies.featureKlDivergence,
  modelFamilies.featurePsi,
  modelFamilies.featureJsDistance,
  modelFamilies.featureKsStatistic,
  modelFamilies.featurePValue,
] as const;
const SERIES_PER_MODEL = FAMILIES.length * FEATURES;
const SERIES = MODELS * SERIES_PER_MODEL;

let seed = 12345;
function uniform(): number {
  seed = (Math.imul(1664525, seed) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

const names = Array.from({ length: MODELS }, (_, model) => `model_${model}`);
const featureNames = Array.from({ length: FEATURES }, (_, feature) => `feature_${feature}`);
/** By model, family, feature. */
const values = Float64Array.from({ length: SERIES }, uniform);

const compress = promisify(gzip);

/** Changes all series of 1 % of the models. Returns the models. */
function changeModels(): Set<number> {
  const changed = new Set<number>();
  while (changed.size < MODELS * CHANGED) changed.add(Math.floor(uniform() * MODELS));
  for (const model of changed)
    for (let i = 0; i < SERIES_PER_MODEL; i++) values[model * SERIES_PER_MODEL + i] = uniform();
  return changed;
}

/** Changes 1 % of the series, wherever they are. Returns their models. */
function changeSeries(): Set<number> {
  const changed = new Set<number>();
  for (let i = 0; i < SERIES * CHANGED; i++) {
    const at = Math.floor(uniform() * SERIES);
    values[at] = uniform();
    changed.add(Math.floor(at / SERIES_PER_MODEL));
  }
  return changed;
}

interface Contender {
  readonly scrapes: number;
  /** Takes in the new values of a model. */
  readonly publish: (model: number) => void;
  readonly scrape: () => Promise<unknown>;
}

/** CPU in milliseconds, all threads, of taking in what changed since the last scrape and of the scrape itself. */
async function cpuMs({ scrapes, publish, scrape }: Contender, change: () => Set<number>): Promise<number> {
  let microseconds = 0;
  for (let i = -WARM_UP; i < scrapes; i++) {
    const changed = change();
    const start = process.cpuUsage();
    changed.forEach(publish);
    await scrape();
    const { user, system } = process.cpuUsage(start);
    if (i >= 0) microseconds += user + system;
  }
  return microseconds / scrapes / 1_000;
}

async function ours() {
  const store = new SeriesStore({ families: STORE_FAMILIES, seriesLimit: 10_000 });
  // Without metrics of the exporter itself: both sides render the same series.
  const sources = { store, self: { render: () => Promise.resolve('') } };
  const publish = (model: number) => {
    const name = names[model]!;
    store.update({ model: name, version: '1' }, (w) => {
      let at = model * SERIES_PER_MODEL;
      for (const family of FAMILIES)
        for (const feature of featureNames) w.set(family, [name, '1', feature, '24h'], values[at++]);
    });
  };
  names.forEach((_, model) => publish(model));
  const scrape = async (acceptEncoding: string) =>
    (await renderExposition(sources, { accept: '', acceptEncoding })).body;
  const text = { scrapes: OUR_SCRAPES, publish, scrape: () => scrape('') };
  const gzip = { scrapes: OUR_SCRAPES, publish, scrape: () => scrape('gzip') };
  return {
    text: await cpuMs(text, changeModels),
    gzip: await cpuMs(gzip, changeModels),
    scatteredText: await cpuMs(text, changeSeries),
    scatteredGzip: await cpuMs(gzip, changeSeries),
    samples: samplesOf((await scrape('')).toString()),
  };
}

async function promClient() {
  const registry = new Registry();
  const gauges = FAMILIES.map(
    ({ name, help, labels }) => new Gauge({ name, help, labelNames: labels, registers: [registry] }),
  );
  const publish = (model: number) => {
    let at = model * SERIES_PER_MODEL;
    for (const gauge of gauges)
      for (const feature of featureNames)
        gauge.set({ model: names[model]!, version: '1', feature, window: '24h' }, values[at++]!);
  };
  names.forEach((_, model) => publish(model));
  const samples = samplesOf(await registry.metrics());
  const scrape = () => registry.metrics();
  const scrapeGzip = async () => compress(await registry.metrics());
  return {
    text: await cpuMs({ scrapes: THEIR_SCRAPES, publish, scrape }, changeModels),
    gzip: await cpuMs({ scrapes: THEIR_SCRAPES, publish, scrape: scrapeGzip }, changeModels),
    samples,
  };
}

/** To tell whether both expose the same: a digest, so that neither side's heap is measured with the other's text in it. */
function samplesOf(text: string): string {
  const lines = text.split('\n').filter((line) => line.startsWith('ml_feature'));
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}

// One after the other, so that neither pays for the other's heap when garbage is collected.
const mine = await ours();
const other = await promClient();
if (mine.samples !== other.samples) throw new Error('the two expositions differ');

console.log(`scrape of ${SERIES} series, 1 % of them new: CPU, and how much less than prom-client's`);
report('text', mine.text, other.text, TARGET_RATIO);
report('gzip', mine.gzip, other.gzip, TARGET_RATIO);
console.log('the same with the 1 % scattered over all models');
report('text', mine.scatteredText, other.text);
report('gzip', mine.scatteredGzip, other.gzip);

function report(encoding: string, oursMs: number, theirsMs: number, target?: number): void {
  const ratio = theirsMs / oursMs;
  const verdict = target === undefined ? '' : ` (target: at least ${target}: ${ratio >= target ? 'met' : 'MISSED'})`;
  console.log(
    `  ${encoding}: ${oursMs.toFixed(1)} ms against ${theirsMs.toFixed(0)} ms: ${ratio.toFixed(0)} times less${verdict}`,
  );
}
