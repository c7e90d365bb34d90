// Installs what the lock file says, when it is missing or changed. Needs nothing but Node and npm.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');

export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

/**
 * Exits the process with npm's own status when the installation fails.
 *
 * @param folder with a lock file of its own, below the root
 */
export function ensureInstalled(folder = '.') {
  const cwd = path.join(root, folder);
  const stampFile = path.join(cwd, 'node_modules', '.installed-lock');
  const lock = createHash('sha256')
    .update(readFileSync(path.join(cwd, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lock) return;
  console.log(`Installing the locked packages${folder === '.' ? '' : ` of ${folder}`} (once, about a minute) ...`);
  // No package of ours needs an install script: the supervisor restores the database's library links by itself.
  const status = run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error('npm could not install the packages; its message is above.');
    process.exit(status);
  }
  writeFileSync(stampFile, lock);
}
