import { describe, expect, test } from '@jest/globals';
import { gunzipSync } from 'node:zlib';
import { TROUBLED_REPORT, TROUBLED_TOTALS } from '../../test/fixtures/model-report.ts';
import { STORE_FAMILIES } from './families.ts';
import { publishModel } from './publish-model.ts';
import { renderExposition } from './render.ts';
import { createSelfMetrics } from './self-metrics.ts';
import { SeriesStore } from './series-store.ts';

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0';

function create() {
  const store = new SeriesStore({ families: STORE_FAMILIES, seriesLimit: 10_000 });
  publishModel(store, TROUBLED_REPORT, TROUBLED_TOTALS);
  return { store, self: createSelfMetrics({ version: '1', revision: 'r' }, ['prediction']) };
}

describe('renderExposition', () => {
  test.each([
    ['', '', 'text/plain; version=0.0.4; charset=utf-8', null],
    ['*/*', 'gzip', 'text/plain; version=0.0.4; charset=utf-8', 'gzip'],
    [OPEN_METRICS, '', 'application/openmetrics-text; version=1.0.0; charset=utf-8', null],
    [OPEN_METRICS, 'gzip', 'application/openmetrics-text; version=1.0.0; charset=utf-8', 'gzip'],
  ])('accept %j, encoding %j', async (accept, acceptEncoding, contentType, contentEncoding) => {
    const reply = await renderExposition(create(), { accept, acceptEncoding });
    expect(reply).toMatchObject({ contentType, contentEncoding });
    const text = (contentEncoding === null ? reply.body : gunzipSync(reply.body)).toString();
    expect(text).toContain('ml_exporter_build_info{version="1",revision="r"} 1\n');
    expect(text).toContain('ml_model_health_score{model="move_probability",version="2026-01"} 56.275\n');
    expect(text.endsWith('\n# EOF\n')).toBe(accept === OPEN_METRICS);
    expect(text).not.toMatch(/\n\n/);
    const families = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
    expect(new Set(families).size).toBe(families.length);
  });

  test('nothing carries a timestamp', async () => {
    const { body } = await renderExposition(create(), { accept: '', acceptEncoding: '' });
    for (const line of body
      .toString()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#')))
      expect(line).toMatch(/^[a-z0-9_]+(\{.*\})? [-+0-9.eInfNa]+$/);
  });

  test('the formats have the same samples of models', async () => {
    const sources = create();
    const samples = async (accept: string) => {
      const { body } = await renderExposition(sources, { accept, acceptEncoding: '' });
      return body
        .toString()
        .split('\n')
        .filter((line) => /^ml_(?!exporter_ingest)/.test(line));
    };
    expect(await samples(OPEN_METRICS)).toEqual(await samples(''));
  });

  test('overlapping scrapes and updates lose no series and mix no moments', async () => {
    const { store, self } = create();
    const series = async (acceptEncoding: string) => {
      const { body } = await renderExposition({ store, self }, { accept: '', acceptEncoding });
      const text = (acceptEncoding === '' ? body : gunzipSync(body)).toString();
      return text
        .split('\n')
        .filter((line) => /^ml_(last_prediction|predictions)/.test(line))
        .map((line) => line.split(' ')[1]);
    };
    const scrapes = Array.from({ length: 20 }, async (_, i) => {
      // Both figures of an update are the same number: a scrape that shows two mixed two moments.
      publishModel(store, TROUBLED_REPORT, {
        ...TROUBLED_TOTALS,
        predictions: 1e9 + i,
        lastPredictionMs: (1e9 + i) * 1000,
        lastLabelMs: TROUBLED_TOTALS.lastLabelMs,
      });
      const [predictions, last] = await series(i % 2 === 0 ? '' : 'gzip');
      expect(predictions).toBe(last);
      expect(predictions).toMatch(/^10000000\d\d$/);
    });
    await Promise.all(scrapes);
  });
});
