import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A connection that says what no HTTP client would, and remembers what it is answered. */
export interface RawConnection {
  readonly socket: net.Socket;
  /** Everything that came back so far. */
  readonly answer: () => string;
  /** Resolves with everything that came back when the other side has closed, and with the seconds that it was open. */
  readonly closed: Promise<{ readonly answer: string; readonly seconds: number }>;
}

export async function connectRaw(baseUrl: string): Promise<RawConnection> {
  const { hostname, port } = new URL(baseUrl);
  const socket = net.connect({ port: Number(port), host: hostname });
  let answer = '';
  const began = performance.now();
  socket.setEncoding('latin1').on('data', (piece) => (answer += String(piece)));
  const closed = new Promise<{ answer: string; seconds: number }>((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ answer, seconds: (performance.now() - began) / 1000 }));
  });
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', resolve));
  return { socket, answer: () => answer, closed };
}

/** Says one thing and reads to the end; after `patienceMs` it hangs up by itself. */
export async function say(baseUrl: string, text: string, patienceMs = 5_000): Promise<string> {
  const { socket, closed } = await connectRaw(baseUrl);
  socket.write(text, 'latin1');
  const timer = setTimeout(() => socket.destroy(), patienceMs);
  return (await closed.finally(() => clearTimeout(timer))).answer;
}

/** Sends `piece` again and again until the other side has had enough. */
export async function drip(connection: RawConnection, piece: string, everyMs: number): Promise<void> {
  while (!connection.socket.destroyed) {
    connection.socket.write(piece);
    await sleep(everyMs);
  }
}

/** Status codes of all answers in what was read. */
export function statusesOf(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}
