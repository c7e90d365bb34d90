import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * A file of its own in the system's temporary folder, readable by this user alone. Where the system allows it the name goes at once, so
 * that even a process that is killed leaves nothing behind.
 */
export class TemporaryFile {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'model-health-baseline-'));
  private readonly file = openSync(path.join(this.folder, 'rows'), 'wx+', 0o600);
  private closed = false;
  size = 0;

  constructor() {
    if (process.platform !== 'win32') this.unlink();
  }

  append(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length;)
      written += writeSync(this.file, bytes, written, bytes.length - written, this.size + written);
    this.size += bytes.length;
  }

  /** Fewer bytes than asked for at the end of the file. The memory is the caller's own. */
  read(offset: number, length: number): Buffer<ArrayBuffer> {
    const bytes = Buffer.from(new ArrayBuffer(Math.max(0, Math.min(length, this.size - offset))));
    let read = 0;
    while (read < bytes.length) {
      const count = readSync(this.file, bytes, read, bytes.length - read, offset + read);
      if (count === 0) break;
      read += count;
    }
    return bytes.subarray(0, read);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.file);
    if (process.platform === 'win32') this.unlink();
  }

  private unlink(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
