import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, openSync, rmSync, statfsSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '../support/test-server.ts';

/** A file system of its own for what lies in `folder`, which can really be filled. */
export interface SmallDisk {
  /** Takes all that is free. Throws where some is left. */
  fill(): void;
  free(): void;
  close(): void;
}

/** A block of the file system, and what is too little for anything. */
const BLOCK = 4_096;
const NOTHING = 16 * BLOCK;
/** What the metadata of a large file may need: written byte by byte, as it were, afterwards. */
const METADATA = 4 << 20;

/**
 * ext4 in a file that takes only what is written to it, so that its size may be that of the longest run. Takes root, on Linux: null
 * where a file cannot be mounted.
 */
export function mountSmallDisk(folder: string, gigabytes: number): SmallDisk | null {
  const backing = temporaryFolder();
  const image = path.join(backing, 'disk');
  const filler = path.join(folder, 'filler');
  const done = (program: string, ...words: string[]) => spawnSync(program, words).status === 0;
  closeSync(openSync(image, 'w'));
  truncateSync(image, gigabytes * 2 ** 30);
  // Nothing is kept back for root, which the filler belongs to and PostgreSQL does not.
  if (!done('mkfs.ext4', '-q', '-m', '0', image) || !done('mount', '-o', 'loop', image, folder)) {
    rmSync(backing, { recursive: true });
    return null;
  }
  chmodSync(folder, 0o711);
  const left = () => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };
  return {
    fill: () => {
      // Allocated, not written: at once, however much it is.
      done('fallocate', '--length', String(Math.max(BLOCK, left() - METADATA)), filler);
      const file = openSync(filler, 'a');
      const block = Buffer.alloc(BLOCK);
      try {
        for (;;) writeSync(file, block);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      } finally {
        closeSync(file);
      }
      if (left() > NOTHING) throw new Error(`the disk is not full: ${left()} bytes are left`);
    },
    free: () => rmSync(filler, { force: true }),
    close: () => {
      done('umount', '-l', folder);
      rmSync(backing, { recursive: true, force: true });
    },
  };
}
