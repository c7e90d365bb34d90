import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface Build {
  readonly version: string;
  /** The commit; '' for a build that was made outside of a repository. */
  readonly revision: string;
}

/** What the package says of itself. */
export function readBuild(packageFolder: string): Build {
  const { version } = JSON.parse(readFileSync(path.join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  return { version, revision: readRevision(path.join(packageFolder, 'dist', 'src', 'revision')) };
}

/** A hexadecimal name of a commit, or ''. */
function readRevision(file: string): string {
  try {
    return /^[0-9a-f]{7,64}$/.exec(readFileSync(file, 'utf8').trim())?.[0] ?? '';
  } catch {
    return '';
  }
}
