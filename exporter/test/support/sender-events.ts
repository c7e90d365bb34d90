import { readFileSync } from 'node:fs';
import path from 'node:path';

/** One event as its sender posts it. */
export interface SenderEvent {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** Events by case, of a file in fixtures/senders. */
export function senderEvents(file: string): Readonly<Record<string, readonly SenderEvent[]>> {
  return JSON.parse(senderFile(file).toString('utf8')) as Record<string, SenderEvent[]>;
}

export function senderFile(file: string): Buffer {
  return readFileSync(path.join(__dirname, '..', 'fixtures', 'senders', file));
}
