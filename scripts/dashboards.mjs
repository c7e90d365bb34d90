// `npm run dashboards -- <options>`: the dashboards in a browser, without a Grafana; see `npm run dashboards -- --help`.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, root } from './install.mjs';

for (const folder of ['grafana-plugin', 'dashboards/host']) ensureInstalled(folder);
const main = path.join(root, 'dashboards', 'host', 'main.mjs');
process.argv[1] = main;
await import(pathToFileURL(main).href);
