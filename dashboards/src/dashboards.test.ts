import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { dashboards, fileOf, textOf } from './dashboards.ts';

const folder = path.join('dashboards');
const all = dashboards();

test('there is a file for each dashboard, and none besides', () => {
  const committed = readdirSync(folder).filter((name) => name.startsWith('model-health-'));
  expect(committed.sort()).toEqual(all.map(fileOf).sort());
});

test.each(all.map((dashboard) => [fileOf(dashboard), dashboard] as const))(
  '%s is what its builder makes (else: npm run build -w dashboards)',
  (file, dashboard) => {
    expect(JSON.parse(readFileSync(path.join(folder, file), 'utf8'))).toEqual(JSON.parse(textOf(dashboard)));
  },
);

test.each(all.map((dashboard) => [fileOf(dashboard), dashboard] as const))(
  '%s: panels are numbered, described, in the grid, and apart',
  (_, { panels = [] }) => {
    const places = panels.map((panel) => ('gridPos' in panel ? panel.gridPos : { x: 0, y: 0, w: 0, h: 0 }));
    panels.forEach((panel, i) => {
      expect(panel.id).toBe(i + 1);
      expect('description' in panel ? panel.description : '').toMatch(/\.$/);
      const { x, y, w, h } = places[i]!;
      expect(x + w).toBeLessThanOrEqual(24);
      for (const other of places.slice(i + 1))
        expect(x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h).toBe(false);
    });
  },
);

test('every metric of a query is one that the exporter documents', () => {
  const documented = readFileSync(path.join('exporter', 'docs', 'metrics.md'), 'utf8');
  const known = (name: string) => {
    const plain = name.replace(/_(bucket|sum|count)$/, '');
    // The table gives families of figures of model quality as one row with braces.
    return (
      documented.includes(`\`${plain}\``) || /^ml_model_(baseline_)?\w+$/.test(plain) || plain.startsWith('process_')
    );
  };
  const names = new Set([...JSON.stringify(all).matchAll(/\b(?:ml|process)_[a-z_]+\b/g)].map(([name]) => name));
  expect([...names].filter((name) => !known(name))).toEqual([]);
});
