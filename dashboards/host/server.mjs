// The stand-in host: pages, the built plugin, the dashboards, and the way to a Prometheus and to the exporter.
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, request } from 'node:http';
import path from 'node:path';
import { outputOf } from './build.mjs';

const here = import.meta.dirname;
const PLUGIN = path.join(here, '..', '..', 'grafana-plugin', 'dist');
const DASHBOARDS = path.join(here, '..');
const ICONS = path.join(here, 'node_modules', '@grafana', 'ui', 'dist', 'public', 'img', 'icons');
const TYPES = {
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.css': 'text/css',
  '.png': 'image/png',
};

/**
 * @param {{ port?: number, prometheusUrl?: string, exporterUrl?: string }} options port 0: any that is free
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function startHost({ port = 0, prometheusUrl, exporterUrl } = {}) {
  const server = createServer((req, res) => route(req, res, { prometheusUrl, exporterUrl }));
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}

function route(req, res, { prometheusUrl, exporterUrl }) {
  const { pathname, search, searchParams } = new URL(req.url, 'http://host');
  const match = (pattern) => pattern.exec(pathname);
  let found;
  if (pathname === '/') return redirect(res, '/d/model-health-overview');
  if ((found = match(/^\/panel\/([\d.]+)$/))) return html(res, page(found[1], 'panel-page', searchParams));
  if ((found = match(/^\/d\/([\w-]+)/))) return html(res, page('13.2', 'dashboard-page', searchParams));
  if ((found = match(/^\/app\/([\d.]+)\/([\w.-]+)$/))) return file(res, path.join(outputOf(found[1]), found[2]));
  if ((found = match(/^\/public\/plugins\/modelhealth-scorecard-panel\/(.+)$/)))
    return file(res, inside(PLUGIN, found[1]));
  if (pathname === '/dashboards.json') return json(res, listDashboards());
  if ((found = match(/^\/dashboards\/([\w-]+\.json)$/))) return file(res, path.join(DASHBOARDS, found[1]));
  if ((found = match(/\/icons\/([\w-]+\/[\w-]+\.svg)$/))) return file(res, inside(ICONS, found[1]));
  if ((found = match(/^\/api\/prometheus(\/.*)$/)))
    return proxy(req, res, prometheusUrl, `/api/v1${found[1]}${search}`);
  if ((found = match(/^\/api\/datasources\/proxy\/uid\/[\w-]+(\/api\/ml\/.*)$/)))
    return proxy(req, res, exporterUrl, found[1] + search);
  res.writeHead(pathname.startsWith('/public/fonts/') ? 204 : 404).end();
}

const inside = (folder, name) => path.join(folder, path.normalize(`/${name}`));

function file(res, name) {
  if (!existsSync(name) || !statSync(name).isFile()) return res.writeHead(404).end();
  res.writeHead(200, {
    'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream',
    'cache-control': 'no-store',
  });
  createReadStream(name).pipe(res);
}

/** For the links at the head of each. */
const listDashboards = () =>
  readdirSync(DASHBOARDS)
    .filter((name) => /^model-health-.*\.json$/.test(name))
    .map((name) => JSON.parse(readFileSync(path.join(DASHBOARDS, name), 'utf8')))
    .map(({ uid, title }) => ({ uid, title: title.replace('Model health / ', '') }));

const json = (res, value) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
const html = (res, text) => res.writeHead(200, { 'content-type': 'text/html' }).end(text);
const redirect = (res, to) => res.writeHead(302, { location: to }).end();

function proxy(req, res, target, way) {
  if (target === undefined)
    return res
      .writeHead(502, { 'content-type': 'application/json' })
      .end('{"detail":"the host was started without it"}');
  const headers = { 'content-type': req.headers['content-type'] ?? 'application/json' };
  const onward = request(new URL(way, target), { method: req.method, headers }, (answer) => {
    res.writeHead(answer.statusCode, { 'content-type': answer.headers['content-type'] ?? 'application/json' });
    answer.pipe(res);
  });
  onward.on(
    'error',
    (error) =>
      res.headersSent ||
      res.writeHead(502, { 'content-type': 'application/json' }).end(JSON.stringify({ detail: error.message })),
  );
  req.pipe(onward);
}

function page(version, entry, query) {
  const theme = query.get('theme') === 'light' ? 'light' : 'dark';
  const boot = {
    user: { theme, timezone: 'utc', weekStart: '', locale: 'en-US', orgRole: 'Editor' },
    settings: { featureToggles: {}, buildInfo: { version, env: 'production' }, minRefreshInterval: '5s' },
    navTree: [],
  };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Model health on Grafana's packages ${version}</title>
<style>html,body{margin:0;font-family:Inter,Helvetica,Arial,sans-serif}</style></head>
<body class="theme-${theme}"><div id="root"></div>
<script>window.grafanaBootData=${JSON.stringify(boot)};window.__grafana_public_path__='/public/';</script>
<script type="module" src="/app/${version}/${entry}.js"></script></body></html>`;
}
