// `node scripts/plugin-zip.mjs`: the panel as Grafana installs it, one folder named by its id, in grafana-plugin/dist-zip/.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ensureInstalled, root, run } from './install.mjs';

const plugin = path.join(root, 'grafana-plugin');
const dist = path.join(plugin, 'dist');

/** What was built, as it is installed. It has no MANIFEST.txt: that is the signature, which only Grafana's own service can add. */
export function zipPlugin() {
  const { zipSync } = createRequire(path.join(plugin, 'package.json'))('fflate');
  const { id, info } = JSON.parse(readFileSync(path.join(dist, 'plugin.json'), 'utf8'));
  const files = Object.fromEntries(
    readdirSync(dist, { recursive: true })
      .filter((name) => statSync(path.join(dist, name)).isFile())
      .map((name) => [`${id}/${name.split(path.sep).join('/')}`, readFileSync(path.join(dist, name))]),
  );
  return { name: `${id}-${info.version}.zip`, bytes: zipSync(files, { level: 9 }) };
}

if (process.argv[1] === import.meta.filename) {
  ensureInstalled('grafana-plugin');
  rmSync(dist, { recursive: true, force: true });
  if (run('npm', ['run', '--silent', 'build'], { cwd: plugin, shell: process.platform === 'win32' }) !== 0)
    process.exit(1);
  const { name, bytes } = zipPlugin();
  const file = path.join(plugin, 'dist-zip', name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  console.log(`${file}: ${bytes.length} bytes`);
}
