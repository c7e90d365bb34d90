import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { churnRows } from '../support/churn-scene.ts';
import { eventually, jsonOf, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { makeEvents } from '../support/load.ts';
import { temporaryFolder } from '../support/test-server.ts';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const CHROMIUM = '/usr/bin/chromium';
// With CI=true it is installed, or the run has failed before this.
const withBrowser = existsSync(CHROMIUM) ? describe : describe.skip;
const CHURN = 3_000;
const PAGES = [
  '/',
  '/admin/ml/dashboard',
  '/admin/ml/models/model_0?version=1',
  '/admin/ml/alerts',
  `/admin/ml/reports/model_0?week=${new Date().toISOString().slice(0, 10)}`,
  '/admin/ml/alerts?model=model_0',
  '/admin/ml/dashboard/jobs',
  '/admin/ml/dashboard/jobs/FAILED',
  '/admin/ml/dashboard/jobs/WAITING',
  '/docs/ml',
  '/login',
  '/nothing-here',
];

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

const alert = (severity: string, status: string, summary: string) => ({
  status,
  fingerprint: severity,
  labels: { alertname: 'MLDataDrift', severity, model: 'model_0', version: '1', check: 'data_drift' },
  annotations: { summary, description: 'Worst: tenure (KL 0.41).', runbook_url: 'https://r.example/a.md' },
  startsAt: new Date(Date.now() - 7_200_000).toISOString(),
  endsAt: new Date().toISOString(),
});

withBrowser('pages in a real browser', () => {
  const dataPath = temporaryFolder();
  let exporter: ExporterProcess;
  let browser: Browser;
  /** By the names that PAGES has for them. */
  const jobs = { FAILED: '', WAITING: '' };
  beforeAll(async () => {
    exporter = await startExporter({
      dataPath,
      flags: [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'clients.yml')}`],
    });
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
    for (let i = 0; i < 3; i++) await send('predictions', makeEvents(1_000, 2));
    await send('alerts/webhook', {
      version: '4',
      receiver: 'history',
      alerts: [
        alert('high', 'firing', 'Accuracy of model_0 version 1 dropped by 12.3%'),
        alert('low', 'resolved', 'Features_of_model_0_with_a_very_long_name_that_nothing_breaks_drift_moderately'),
      ],
    });
    await eventually(async () => {
      const health = await jsonOf<{ checks: { data_drift: { features: unknown[] } } }>(
        await fetch(`${exporter.baseUrl}/api/ml/health/model_0`),
      );
      expect(health.checks.data_drift.features).toHaveLength(3);
    });
    const rows = churnRows('1', 0, CHURN);
    await send(
      'predictions',
      rows.map(({ event }) => event),
    );
    await send(
      'ground-truth',
      rows.map(({ label }) => label),
    );
    jobs.FAILED = await retrain('model_0', 'failed');
    // Its page has every form that there is.
    jobs.WAITING = await retrain('churn', 'awaiting_approval');
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });

  const send = (route: string, events: unknown) =>
    fetch(`${exporter.baseUrl}/api/ml/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });

  async function retrain(model: string, until: string): Promise<string> {
    const { jobId } = await eventually(async () => {
      const asked = await fetch(`${exporter.baseUrl}/api/ml/retrain/${model}`, { method: 'POST' });
      if (asked.status !== 202) throw new Error(`${model}: ${asked.status} ${await asked.text()}`);
      return jsonOf<{ jobId: string }>(asked);
    });
    await eventually(async () => {
      const job = await jsonOf(await fetch(`${exporter.baseUrl}/api/ml/retrain/jobs/${jobId}`));
      expect(job).toMatchObject({ model, state: until });
    });
    return jobId;
  }

  describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
    test.each(PAGES)('%s has nothing that axe finds, on a screen and on a telephone', async (address) => {
      for (const viewport of [
        { width: 1_280, height: 900 },
        { width: 360, height: 800 },
      ]) {
        const page = await browser.newPage({ colorScheme, viewport, bypassCSP: true });
        await page.goto(
          exporter.baseUrl + address.replace(/FAILED|WAITING/, (name) => jobs[name as keyof typeof jobs]),
        );
        await page.evaluate(AXE);
        const violations: Violation[] = await page.evaluate('axe.run().then(({ violations }) => violations)');
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))])).toEqual([]);
        // Wide tables scroll by themselves; the page does not.
        const overflow: number = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(overflow).toBeLessThanOrEqual(0);
        await page.close();
      }
    });
  });

  test('a candidate that waits is rejected by its form, with a note; without scripts', async () => {
    const page = await browser.newPage({ javaScriptEnabled: false });
    await page.goto(`${exporter.baseUrl}/admin/ml/dashboard/jobs/${jobs.WAITING}`);
    expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toContain('Gate: approve');
    await page.getByLabel('Note').fill('not before Christmas');
    await page.getByRole('button', { name: 'Reject' }).click();
    await eventually(async () => {
      await page.reload();
      expect(await page.getByRole('region', { name: 'What happened' }).textContent()).toContain('not before Christmas');
      expect(await page.getByRole('button').allTextContents()).toEqual([]);
    });
    await page.close();
  });

  test('the dashboard leads to a model, whose features are drawn; without scripts', async () => {
    const page = await browser.newPage({ javaScriptEnabled: false });
    await page.goto(`${exporter.baseUrl}/admin/ml/dashboard`);
    await page.getByRole('link', { name: 'model_1' }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('model_1 version 1');
    expect(
      await page
        .getByRole('img', { name: /^Distribution of (age|income|region): baseline (median|most often)/ })
        .count(),
    ).toBe(3);
    expect(await page.getByRole('heading', { level: 3 }).allTextContents()).toHaveLength(6);
    await page.close();
  });

  test('the dashboard as JSON counts what was sent; history has a page for what is there', async () => {
    await eventually(async () => {
      const dashboard = await jsonOf<{ totalPredictions: number; models: Record<string, { history: unknown[] }> }>(
        await fetch(`${exporter.baseUrl}/api/ml/dashboard?range=24h`),
      );
      expect(dashboard.totalPredictions).toBe(3_000 + CHURN);
      expect(Object.keys(dashboard.models)).toEqual(['churn', 'model_0', 'model_1']);
    });
    const history = await jsonOf<{ evaluations: unknown[]; next: string | null }>(
      await fetch(`${exporter.baseUrl}/api/ml/history/model_0`),
    );
    expect([history.evaluations.length > 0, history.next]).toEqual([true, null]);
    expect((await fetch(`${exporter.baseUrl}/api/ml/history/nobody`)).status).toBe(404);
    expect((await fetch(`${exporter.baseUrl}/api/ml/dashboard?range=always`)).status).toBe(400);
    expect((await fetch(`${exporter.baseUrl}/api/ml/history/model_0?cursor=x`)).status).toBe(400);
    expect((await fetch(`${exporter.baseUrl}/admin/ml/models/nobody`)).status).toBe(404);
  });
});
