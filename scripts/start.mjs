// `npm start -- <flags>`: install if needed, build if needed, run the exporter in this very process.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled, root } from './install.mjs';

ensureInstalled();
ensureBuilt();
const main = path.join(root, 'exporter', 'dist', 'src', 'main.js');
process.argv[1] = main;
await import(pathToFileURL(main).href);
