import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { StorageError } from '../storage-error.ts';

/** Part of the socket's file name only: PostgreSQL does not listen on TCP. */
export const socketPort = 5432;

/** sun_path of unix(7) is 108 bytes with its NUL, of macOS 104. */
const maxSocketPathBytes = process.platform === 'linux' ? 107 : 103;

export function socketFile(directory: string): string {
  return path.join(directory, `.s.PGSQL.${socketPort}`);
}

/**
 * Where the socket of the PostgreSQL under `dataPath` is: in it, or, when that path would be too long, in a folder of `temporary` that
 * is the same at every start. Throws StorageError SOCKET_PATH_UNUSABLE when that is too long as well.
 */
export function socketDirectory(dataPath: string, temporary = os.tmpdir()): string {
  const name = `model-health-${createHash('sha256').update(dataPath).digest('hex').slice(0, 16)}`;
  const directory = [path.join(dataPath, 'run'), path.join(temporary, name)].find(
    (folder) => Buffer.byteLength(socketFile(folder)) <= maxSocketPathBytes,
  );
  if (directory === undefined) {
    throw new StorageError(
      'SOCKET_PATH_UNUSABLE',
      `The path of a socket in ${dataPath} or ${temporary} would be longer than the ${maxSocketPathBytes} bytes that this system allows: ` +
        'choose a shorter --data.path or TMPDIR, or set --database.url (DATABASE_URL).',
    );
  }
  return directory;
}
