import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const PLUGIN = path.join(import.meta.dirname, '..', '..', 'grafana-plugin');
export const BUNDLE = path.join(PLUGIN, 'dist', 'module.js');

const newest = (folder) =>
  Math.max(...readdirSync(folder, { recursive: true }).map((name) => statSync(path.join(folder, name)).mtimeMs));

/** Builds the plugin when a source is newer than its bundle. */
export function ensurePlugin() {
  if (existsSync(BUNDLE) && statSync(BUNDLE).mtimeMs > newest(path.join(PLUGIN, 'src'))) return;
  const { status, stdout } = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: PLUGIN,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`the panel could not be built:\n${stdout}`);
}
