// `npm run screenshots`: the pages of the exporter in a browser, over the real-estate demo with two faults; writes exporter/docs/screenshots.
// `npm run screenshots -- FOLDER` looks at every page in light and dark, wide and narrow, and writes there, for whoever works on the pages.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, root } from './install.mjs';

ensureInstalled();
ensureBuilt();
const { chromium } = createRequire(path.join(root, 'exporter', 'package.json'))('playwright-core');
const [folder] = process.argv.slice(2);
const target = path.resolve(folder ?? path.join(root, 'exporter', 'docs', 'screenshots'));
const looks =
  folder === undefined
    ? [{ name: '', colorScheme: 'light', width: 1_280 }]
    : ['light', 'dark'].flatMap((colorScheme) =>
        [1_400, 360].map((width) => ({ name: `-${colorScheme}-${width}`, colorScheme, width })),
      );
const PORT = 9_479;
const url = `http://127.0.0.1:${PORT}`;
const MODEL = 'move_probability';
const DAY_MS = 86_400_000;
const today = new Date().toISOString().slice(0, 10);
const PAGES = {
  overview: '/',
  dashboard: '/admin/ml/dashboard',
  model: `/admin/ml/models/${MODEL}?version=1`,
  alerts: '/admin/ml/alerts',
  'weekly-report': `/admin/ml/reports/${MODEL}?week=${today}`,
  api: '/docs/ml',
};
/** Of a window: what a page has beyond it is in the picture, too. */
const LEAST_HEIGHT = 400;
/** Pictures in the documentation begin at the top of the page and end here. */
const TALLEST = 1_500;

const demo = spawn(
  process.execPath,
  [
    path.join(root, 'exporter', 'dist', 'demo', 'main.js'),
    '--real-estate',
    `--listen-address=127.0.0.1:${PORT}`,
    `--fault=${MODEL}:data_drift`,
    '--fault=property_value:latency_spike',
  ],
  { stdio: ['pipe', 'ignore', 'inherit'] },
);
const ended = new Promise((resolve) => demo.once('exit', resolve));
try {
  await untilEvaluated();
  await fill();
  await takePictures();
} finally {
  demo.kill('SIGTERM');
  await ended;
}

/** Every model has its features compared, and its hours folded. */
async function untilEvaluated() {
  for (let attempt = 0; attempt < 180; attempt++) {
    const health = await get('/api/ml/health').catch(() => ({}));
    const compared = Object.values(health).filter(({ checks }) => checks.data_drift.features.length > 0);
    const report = await get(`/api/ml/reports/${MODEL}?week=${today}`).catch(() => null);
    if (compared.length === 4 && report?.predictions > 0) return;
    await sleep(1_000);
  }
  throw new Error('the demo was not evaluated within three minutes');
}

/** What the demo does not have: alerts, a job, business figures. */
async function fill() {
  const alert = (alertname, severity, model, check, summary, startsAt, endsAt) => ({
    status: endsAt === undefined ? 'firing' : 'resolved',
    labels: { alertname, severity, model, version: '1', check },
    annotations: { summary },
    startsAt: new Date(startsAt).toISOString(),
    endsAt: endsAt === undefined ? '0001-01-01T00:00:00Z' : new Date(endsAt).toISOString(),
    fingerprint: `${alertname}-${model}`,
    generatorURL: '',
  });
  const now = Date.now();
  await post('/api/ml/alerts/webhook', {
    version: '4',
    groupKey: '{}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'history',
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: '',
    alerts: [
      alert('MLDataDrift', 'medium', MODEL, 'data_drift', `Features of ${MODEL} version 1 drifted`, now - 3_600_000),
      alert('MLLatencySpike', 'medium', 'property_value', 'latency', 'property_value answers slowly', now - 1_800_000),
      alert(
        'MLErrorRateHigh',
        'high',
        MODEL,
        'error_rate',
        `${MODEL} failed`,
        now - 5 * 3_600_000,
        now - 4 * 3_600_000,
      ),
    ],
  });
  const values = Array.from({ length: 12 * 7 }, (_, i) => ({
    model: MODEL,
    name: 'viewings booked',
    timestamp: new Date(now - i * DAY_MS).toISOString().slice(0, 10),
    value: 400 + ((i * 37) % 60),
  }));
  await post('/api/ml/business-metrics', values);
}

async function takePictures() {
  mkdirSync(target, { recursive: true });
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  try {
    for (const { name, colorScheme, width } of looks)
      for (const [page, address] of Object.entries(PAGES)) {
        if (folder === undefined && page === 'api') continue;
        const tab = await browser.newPage({ colorScheme, viewport: { width, height: LEAST_HEIGHT } });
        await tab.goto(url + address);
        const height = await tab.evaluate('document.documentElement.scrollHeight');
        const clip = { x: 0, y: 0, width, height: folder === undefined ? Math.min(height, TALLEST) : height };
        await tab.screenshot({ path: path.join(target, `${page}${name}.png`), fullPage: true, clip });
        await tab.close();
      }
  } finally {
    await browser.close();
  }
}

async function get(address) {
  const response = await fetch(url + address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
}

async function post(address, body) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url + address, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${address}: ${response.status} ${await response.text()}`);
}
