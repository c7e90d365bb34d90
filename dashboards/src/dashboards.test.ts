import { spawnSync } from 'node:child_process';
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

/** What the compiled exporter exposes, with the parts of its histograms: the labels of each metric. */
function exposed(): Map<string, readonly string[]> {
  const script = `import { FAMILIES } from './exporter/dist/src/exposition/families.js'; console.log(JSON.stringify(FAMILIES))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the exporter's families could not be read: ${stderr}`);
  const families: { name: string; type: string; labels: string[] }[] = JSON.parse(stdout);
  return new Map(
    families.flatMap(({ name, type, labels }): [string, string[]][] =>
      type === 'histogram'
        ? [
            [`${name}_bucket`, [...labels, 'le']],
            [`${name}_sum`, labels],
            [`${name}_count`, labels],
          ]
        : [[name, labels]],
    ),
  );
}

/** Not of the exporter's families: of Prometheus itself, of its rules, and of every process. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  up: [],
  ALERTS: ['alertname', 'alertstate', 'severity', 'check', 'model', 'version'],
  process_resident_memory_bytes: [],
  process_cpu_seconds_total: [],
};
const OF_THE_SCRAPE = ['instance', 'job'];

const queries = all.flatMap(({ title = '', panels = [], annotations, templating }) => [
  ...panels.flatMap((panel) =>
    ('targets' in panel ? (panel.targets ?? []) : []).map((target) => {
      const { refId, expr, legendFormat = '' } = target as unknown as Record<string, string>;
      return [
        `${title}: ${'title' in panel ? (panel.title ?? '') : ''}: ${refId ?? ''}`,
        expr ?? '',
        legendFormat,
      ] as const;
    }),
  ),
  ...(annotations.list ?? []).map(
    ({ name, expr, titleFormat }) => [`${title}: mark ${name}`, String(expr), String(titleFormat)] as const,
  ),
  ...(templating.list ?? []).flatMap(({ name, query }) => {
    const parts = /^label_values\((.+), (\w+)\)$/.exec(typeof query === 'string' ? query : '');
    return parts === null ? [] : [[`${title}: variable ${name}`, parts[1]!, `{{${parts[2]!}}}`] as const];
  }),
]);

/** The metrics of a PromQL text, each with the labels that it is matched by. */
function selectors(expr: string): { metric: string; matched: string[] }[] {
  const words = 'ml|process|up|ALERTS';
  return [...expr.matchAll(new RegExp(`\\b((?:${words})(?:_\\w+)?)\\b(?:\\{([^}]*)\\})?`, 'g'))].map(
    ([, metric = '', matchers = '']) => ({
      metric,
      matched: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
    }),
  );
}

test('every metric and every label of a query, a legend, a mark and a variable is one that the exporter exposes', () => {
  const known = exposed();
  const labelsOf = (metric: string) => known.get(metric) ?? OTHERS[metric];
  const wrong = queries.flatMap(([where, expr, legend]) => {
    const found = selectors(expr.replace(/__name__=~"[^"]*", /, ''));
    const grouped = [...expr.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, labels = '']) =>
      labels.split(',').map((label) => label.trim()),
    );
    const written = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
    // A selector without a metric, as the choice of windows has, is of all of them.
    const union =
      found.length === 0 ? [...known.values()].flat() : found.flatMap(({ metric }) => labelsOf(metric) ?? []);
    return [
      ...found
        .filter(({ metric }) => labelsOf(metric) === undefined)
        .map(({ metric }) => `${where}: no metric ${metric}`),
      ...found.flatMap(({ metric, matched }) =>
        matched
          .filter((label) => ![...(labelsOf(metric) ?? []), ...OF_THE_SCRAPE].includes(label))
          .map((label) => `${where}: ${metric} has no label ${label}`),
      ),
      ...[...grouped, ...written]
        .filter((label) => ![...union, ...OF_THE_SCRAPE].includes(label))
        .map((label) => `${where}: nothing has a label ${label}`),
    ];
  });
  expect(queries.length).toBeGreaterThan(60);
  expect(wrong).toEqual([]);
});

test('what a table shows is a label of its query, or its value', () => {
  const known = exposed();
  const wrong = all.flatMap(({ title = '', panels = [] }) =>
    panels.flatMap((panel) => {
      const {
        type,
        targets = [],
        transformations = [],
      } = panel as unknown as {
        type: string;
        targets?: { expr: string }[];
        transformations?: { options: { renameByName: Record<string, string> } }[];
      };
      const labels = targets.flatMap(({ expr }) =>
        selectors(expr).flatMap(({ metric }) => known.get(metric) ?? OTHERS[metric] ?? []),
      );
      return type === 'table'
        ? Object.keys(transformations[0]!.options.renameByName)
            .filter((column) => column !== 'Value' && !labels.includes(column))
            .map((column) => `${title}: ${column}`)
        : [];
    }),
  );
  expect(wrong).toEqual([]);
});
