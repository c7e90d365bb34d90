// `node scripts/plugin-zip.mjs`: the panel as Grafana installs it, one folder named by its id, in grafana-plugin/dist-zip/.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ensureInstalled, root, run } from './install.mjs';

ensureInstalled('grafana-plugin');
const plugin = path.join(root, 'grafana-plugin');
const dist = path.join(plugin, 'dist');
rmSync(dist, { recursive: true, force: true });
if (run('npm', ['run', '--silent', 'build'], { cwd: plugin, shell: process.platform === 'win32' }) !== 0)
  process.exit(1);

const { zipSync } = createRequire(path.join(plugin, 'package.json'))('fflate');
const { id, info } = JSON.parse(readFileSync(path.join(dist, 'plugin.json'), 'utf8'));
const files = Object.fromEntries(
  readdirSync(dist, { recursive: true })
    .filter((name) => statSync(path.join(dist, name)).isFile())
    .map((name) => [`${id}/${name.split(path.sep).join('/')}`, readFileSync(path.join(dist, name))]),
);
const target = path.join(plugin, 'dist-zip');
mkdirSync(target, { recursive: true });
const file = path.join(target, `${id}-${info.version}.zip`);
writeFileSync(file, zipSync(files, { level: 9 }));
console.log(`${file}: ${Object.keys(files).length} files, ${statSync(file).size} bytes`);
