import { copyFileSync, openSync, readSync, closeSync, renameSync, statSync, truncateSync } from 'node:fs';

/**
 * A log file of at most about `maxBytes`, with the part before it kept as `<file>.1`. PostgreSQL writes to it directly, so that its
 * last words are there also when this process is not.
 */
export interface BoundedLog {
  /** Opens it for a child process; the caller closes the descriptor. */
  open(): number;
  size(): number;
  /** What was written after `position` (a former size()), at most the last 64 kB. */
  readSince(position: number): string;
  /** Call it now and then. */
  trim(): void;
}

const tailBytes = 65_536;

export function boundedLog(file: string, maxBytes: number): BoundedLog {
  const size = (): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return {
    open() {
      if (size() > maxBytes) renameSync(file, `${file}.1`);
      return openSync(file, 'a', 0o640);
    },
    size,
    readSince(position) {
      const end = size();
      const start = Math.max(end < position ? 0 : position, end - tailBytes);
      return readRange(file, start, end);
    },
    trim() {
      if (size() <= maxBytes) return;
      // Copy and truncate, for PostgreSQL keeps the file open; it appends, so it goes on at the new end.
      copyFileSync(file, `${file}.1`);
      truncateSync(file, 0);
    },
  };
}

function readRange(file: string, start: number, end: number): string {
  if (end <= start) return '';
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(end - start);
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, start));
  } finally {
    closeSync(descriptor);
  }
}
