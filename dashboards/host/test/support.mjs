import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ensureHost } from '../build.mjs';
import { launch } from '../browser.mjs';
import { ensurePlugin } from '../plugin.mjs';
import { startHost } from '../server.mjs';

const here = import.meta.dirname;
/** Kept after a run, for people to look at. */
export const SHOTS = path.join(here, '..', 'dist', 'screenshots');

/** The host with its pages built, and a browser. */
export async function openHost(versions, options) {
  ensurePlugin();
  for (const version of versions) await ensureHost(version);
  mkdirSync(SHOTS, { recursive: true });
  const host = await startHost(options);
  const browser = await launch();
  return {
    url: host.url,
    /** A page that is drawn; its errors come with it. */
    async open(where, size = { width: 1024, height: 544 }) {
      const page = await browser.newPage({ viewport: size });
      const errors = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => {
        // The browser says so of a favicon too.
        if (message.type() === 'error' && !message.text().includes('404')) errors.push(message.text());
      });
      await page.goto(host.url + where);
      await page.waitForFunction('window.__ready', null, { timeout: 120_000 });
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      return { page, errors };
    },
    async close() {
      await browser.close();
      await host.close();
    },
  };
}

const AXE = readFileSync(path.join(here, '..', 'node_modules', 'axe-core', 'axe.min.js'), 'utf8');

/** What axe calls serious or critical within an element. */
export async function seriousFindings(page, selector) {
  await page.addScriptTag({ content: AXE });
  return page.evaluate(
    async (within) =>
      (await globalThis.axe.run(within)).violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)} (${nodes.length})`),
    selector,
  );
}

/** Texts that are cut off without an ellipsis, and cards and controls that lie on one another or leave the panel. */
export function layoutFaults(page) {
  return page.evaluate(() => {
    const faults = [];
    const panel = document.querySelector('#panel').getBoundingClientRect();
    const cells = [...document.querySelectorAll('#panel [role=listitem]')].map((cell) => cell.getBoundingClientRect());
    cells.forEach((a, i) =>
      cells.slice(i + 1).forEach((b) => {
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
          faults.push('cells overlap');
      }),
    );
    for (const cell of cells) if (cell.right > panel.right + 1) faults.push('a cell leaves the panel');
    for (const chip of document.querySelectorAll('#panel [role=group] > *')) {
      const next = chip.parentElement.nextElementSibling?.getBoundingClientRect() ?? panel;
      const edge = next === panel ? panel.right : next.left;
      if (chip.getBoundingClientRect().right > edge + 1) faults.push(`the filter ${chip.textContent} is covered`);
    }
    const bar = document.querySelector('#panel [role=group]')?.parentElement;
    if (bar && bar.scrollWidth > bar.clientWidth + 1) faults.push('the toolbar is wider than the panel');
    for (const card of document.querySelectorAll('#panel article')) {
      const box = card.getBoundingClientRect();
      if (card.scrollHeight > card.clientHeight + 1) faults.push(`${card.ariaLabel} is higher than its card`);
      for (const inner of card.querySelectorAll('span, button, footer, a')) {
        const rect = inner.getBoundingClientRect();
        if (rect.width > 0 && (rect.right > box.right + 1 || rect.bottom > box.bottom + 1))
          faults.push(`${inner.textContent} leaves ${card.ariaLabel}`);
        const style = getComputedStyle(inner);
        if (
          inner.children.length === 0 &&
          inner.scrollWidth > inner.clientWidth + 1 &&
          style.overflow === 'hidden' &&
          style.textOverflow !== 'ellipsis'
        )
          faults.push(`${inner.textContent} is cut`);
      }
    }
    return [...new Set(faults)];
  });
}
