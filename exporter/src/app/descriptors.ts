import { readFileSync } from 'node:fs';

/** For the database, files of retraining, uploads that wait on disk, and what Node.js itself has open. */
const RESERVED = 200;

/** How many file descriptors this process may have; Infinity where the system does not say (not Linux). */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

/** Connections that may be open without anything else running out of descriptors; at least one. */
export function connectionsWithin(descriptors: number): number {
  return Math.max(1, descriptors - RESERVED, Math.floor(descriptors / 2));
}
