// `npm run demo -- <options>`: real data through real models; see `npm run demo -- --help`.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, root } from './install.mjs';

ensureInstalled();
ensureBuilt();
const main = path.join(root, 'exporter', 'dist', 'demo', 'main.js');
process.argv[1] = main;
await import(pathToFileURL(main).href);
