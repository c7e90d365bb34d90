import { randomFillSync } from 'node:crypto';
import http from 'node:http';
import { post } from './running-exporter.ts';

/** Stands in a body where each send puts an id of its own. */
export const PLACEHOLDER_ID = '00000000-0000-4000-8000-000000000000';
const HEADERS = { 'content-type': 'application/json' };
const HEX = Buffer.from('0123456789abcdef');

export interface Body {
  readonly bytes: Buffer;
  /** Where the ids stand. */
  readonly ids: readonly number[];
  readonly events: number;
}

export interface LoadResult {
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** @param bytes a JSON array of events whose ids are all PLACEHOLDER_ID */
export function bodyOf(bytes: Buffer): Body {
  const ids: number[] = [];
  for (let at = bytes.indexOf(PLACEHOLDER_ID); at >= 0; at = bytes.indexOf(PLACEHOLDER_ID, at + 36)) ids.push(at);
  return { bytes, ids, events: ids.length };
}

const random = Buffer.alloc(16 * 4_096);
let used = random.length;

/** New ids in place: making them must not cost the client more than the exporter. */
function freshIds({ bytes, ids }: Body): void {
  for (const start of ids) {
    if (used === random.length) {
      randomFillSync(random);
      used = 0;
    }
    let at = start;
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) at++;
      const byte = random[used++]!;
      bytes[at++] = HEX[byte >> 4]!;
      bytes[at++] = HEX[byte & 15]!;
    }
  }
}

/** Sends the bodies again and again, on so many connections, each after the answer to the one before. */
export async function load(
  url: URL,
  bodies: readonly Body[],
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<LoadResult> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const idle = [...bodies];
  const latencies: number[] = [];
  let events = 0;
  const began = performance.now();
  const end = began + seconds * 1_000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        const body = idle.shift()!;
        freshIds(body);
        const from = performance.now();
        const status = await post(url, agent, '/api/ml/predictions', HEADERS, body.bytes);
        if (status !== 200) throw new Error(`the exporter answered ${status}`);
        latencies.push(performance.now() - from);
        events += body.events;
        idle.push(body);
      }
    }),
  );
  const took = (performance.now() - began) / 1_000;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const at = (q: number) => latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))]!;
  return { events, eventsPerSecond: events / took, p50Ms: at(0.5), p99Ms: at(0.99) };
}
