// The committed dashboards against a real Prometheus, which scrapes the real exporter under the load of the demo with every fault on.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root, startEstate } from './estate.mjs';
import { openHost, seriousFindings, SHOTS } from './support.mjs';

const DASHBOARDS = readdirSync(path.join(root, 'dashboards'))
  .filter((name) => /^model-health-.*\.json$/.test(name))
  .map((name) => JSON.parse(readFileSync(path.join(root, 'dashboards', name), 'utf8')));

/** What each of the demo's six faults, and the drift of predictions that follows the first, is on the overview. */
const SEEN = [
  ['move_probability', 'Data drift'],
  ['move_probability', 'Prediction drift'],
  ['contact_timing', 'Prediction drift'],
  ['transaction_type', 'Latency'],
  ['transaction_type', 'Data quality'],
  ['contact_timing', 'Error rate'],
  ['property_value', 'Performance'],
];

let estate;
let host;
before(
  async () => {
    estate = await startEstate();
    host = await openHost(['13.2'], { prometheusUrl: estate.urls.prometheus, exporterUrl: estate.urls.exporter });
  },
  { timeout: 900_000 },
);
after(async () => {
  await host?.close();
  await estate?.close();
});

const written = (expr) => expr.replaceAll(/\$(model|version|window)\b/g, '.*').replaceAll('$__range', '60s');
const isNumber = ([, value]) => value !== 'NaN';

/** A query may find its data a moment later: counters have to be scraped twice to go up. */
async function findsNumbers(expr, range) {
  let found = [];
  for (let tries = 0; tries < 30; tries++) {
    found = await estate.ask(expr, range);
    if (found.some(({ value, values = [value] }) => values.some(isNumber))) return;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  assert.fail(`${found.length === 0 ? 'nothing' : 'no number'} for ${expr}`);
}

describe('every query finds data', () => {
  for (const { title, panels, annotations, templating } of DASHBOARDS) {
    for (const panel of panels)
      for (const { refId, expr, instant } of panel.targets)
        test(`${title}: ${panel.title}: ${refId}`, () => findsNumbers(written(expr), !instant));
    for (const { name, expr } of annotations.list)
      test(`${title}: marks of ${name.toLowerCase()}`, () => findsNumbers(written(expr), true));
    for (const { name, query } of templating.list.filter(({ type }) => type === 'query'))
      test(`${title}: choices of ${name}`, async () => {
        const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(written(query));
        const search = new URLSearchParams({ 'match[]': selector });
        const { data } = await (await fetch(`${estate.urls.prometheus}/api/v1/label/${label}/values?${search}`)).json();
        assert.ok(data.length >= (name === 'window' ? 3 : 1), `${data} for ${query}`);
      });
  }
});

describe('in the browser', () => {
  for (const { uid, title } of DASHBOARDS)
    for (const theme of ['dark', 'light'])
      test(`${title}, ${theme}`, async () => {
        const { page, errors } = await host.open(`/d/${uid}?theme=${theme}&from=now-5m`, { width: 1440, height: 1300 });
        await page.waitForFunction(
          () => globalThis.__states?.().every(({ state }) => state === 'Done' || state === 'Error'),
          null,
          { timeout: 60_000 },
        );
        await page.waitForTimeout(500);
        await page.screenshot({ path: path.join(SHOTS, `${uid}-${theme}.png`) });
        assert.deepEqual(
          (await page.evaluate('window.__states()')).filter(({ error }) => error),
          [],
        );
        assert.deepEqual(errors, []);
        await page.close();
      });

  test('each fault is on the overview, by its words on the card of its model', async () => {
    const { page } = await host.open('/d/model-health-overview?from=now-5m', { width: 1440, height: 1300 });
    for (const [model, check] of SEEN) {
      const row = page.locator(`article[aria-label^="${model} "] [data-state=alert]`, { hasText: check });
      await row.waitFor({ timeout: 60_000 });
    }
    await page.close();
  });

  test('the panel of the overview has no serious finding of axe', async () => {
    const { page } = await host.open('/d/model-health-overview?from=now-5m', { width: 1440, height: 1300 });
    await page.locator('[data-testid=model-card]').first().waitFor();
    assert.deepEqual(await seriousFindings(page, '[data-testid=model-health]'), []);
    await page.close();
  });

  test('both distributions of the drifted feature are on the page of the model', async () => {
    const { page } = await host.open('/d/model-health-model?var-model=move_probability&from=now-5m', {
      width: 1440,
      height: 1300,
    });
    await page.getByRole('img', { name: /Distribution of tenure_years/ }).waitFor({ timeout: 60_000 });
    await page.close();
  });

  test('a retraining is asked for on the page of alerts, and the exporter accepts it', async () => {
    const { page } = await host.open('/d/model-health-alerts?from=now-5m', { width: 1440, height: 1300 });
    await page.getByRole('button', { name: 'Retrain contact_timing' }).click({ timeout: 60_000 });
    await page.getByRole('dialog').getByRole('button', { name: 'Retrain', exact: true }).click();
    await page.getByText(/Retraining of contact_timing was accepted: job/).waitFor({ timeout: 60_000 });
    await page.close();
  });
});
