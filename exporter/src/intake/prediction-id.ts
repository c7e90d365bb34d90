import { createHash, randomUUID } from 'node:crypto';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Writes the 16-byte key of an id: the id itself when it is a uuid, else the first 16 bytes of its SHA-256 (two ids of 2^60 share
 * one with a chance of 1e-3, and then the later one is taken for a retry).
 *
 * @returns the text to keep beside the key: null for a uuid
 */
export function writeIdKey(id: string, into: Buffer, at: number): string | null {
  if (id.length === 36 && UUID.test(id)) {
    into.write(id.replaceAll('-', ''), at, 16, 'hex');
    return null;
  }
  createHash('sha256').update(id, 'utf8').digest().copy(into, at, 0, 16);
  return id;
}

export function makeId(): string {
  return randomUUID();
}
