import { expect, test } from '@jest/globals';
import { acceptsGzip, negotiateFormat } from './negotiate.ts';
import { openMetricsFormat } from './openmetrics.ts';
import { textFormat } from './text-format.ts';

const PROMETHEUS_2_42 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,' +
  'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const PROMETHEUS_3_TEXT_ONLY =
  'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.2';
const PROMETHEUS_3_NATIVE =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,' + PROMETHEUS_3;

test.each([
  ['nothing', '', textFormat],
  ['Prometheus 2.42', PROMETHEUS_2_42, openMetricsFormat],
  ['Prometheus 3', PROMETHEUS_3, openMetricsFormat],
  ['Prometheus 3 with native histograms', PROMETHEUS_3_NATIVE, openMetricsFormat],
  ['Prometheus 3 with scrape_protocols of text only', PROMETHEUS_3_TEXT_ONLY, textFormat],
  ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', textFormat],
  ['curl', '*/*', textFormat],
  ['text liked better', 'application/openmetrics-text;version=1.0.0;q=0.3, text/plain;q=0.4', textFormat],
  ['equals: the first', 'application/openmetrics-text, text/plain', openMetricsFormat],
  ['equals: the first, text', 'text/plain, application/openmetrics-text', textFormat],
  ['OpenMetrics refused', 'application/openmetrics-text;q=0, */*;q=0.1', textFormat],
  ['a version we do not speak', 'application/openmetrics-text;version=2.0.0', textFormat],
  ['quoted and spaced', ' Application/OpenMetrics-Text ; version="1.0.0" ; charset=utf-8', openMetricsFormat],
  ['a quality that is none', 'application/openmetrics-text;q=high', textFormat],
  ['nothing we speak', 'application/json', textFormat],
])('format: %s', (_name, accept, format) => {
  expect(negotiateFormat(accept)).toBe(format);
});

test.each([
  ['', false],
  ['gzip', true],
  ['GZIP', true],
  ['deflate, gzip, br, zstd', true],
  ['gzip;q=0', false],
  ['gzip;q=0.0, *', false],
  ['*', true],
  ['*;q=0', false],
  ['br', false],
  ['identity', false],
  ['identity, gzip;q=0.5', false],
  ['identity;q=0.5, gzip', true],
])('gzip: %j -> %p', (acceptEncoding, expected) => {
  expect(acceptsGzip(acceptEncoding)).toBe(expected);
});
