import { unwatchFile, watchFile } from 'node:fs';

const EVERY_MS = 2_000;

/**
 * Calls `onChange` when the file has other contents than before, by its time and size. It looks every two seconds instead of asking the
 * kernel: an editor or a Kubernetes ConfigMap replaces the file, and a watch of the old one would hear nothing more.
 *
 * @returns what ends it
 */
export function watchForChanges(file: string, onChange: () => void, everyMs = EVERY_MS): () => void {
  watchFile(file, { interval: everyMs, persistent: false }, (now, before) => {
    // A file that is gone for a moment is being replaced; one that stays away is told when someone asks for a reload.
    if (now.mtimeMs !== 0 && (now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino))
      onChange();
  });
  return () => unwatchFile(file);
}
