import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { HttpError } from './problem-details.ts';

export interface BodyGuardOptions {
  /** Bytes of bodies, decompressed, that may be held at once by all requests together. */
  readonly heldBytes: () => number;
  /** A body must bring MINIMUM_BYTES in each such time. */
  readonly stallMs: number;
}

/** In 20 seconds: less than the slowest modem, and more than a client has that only wants to hold a connection. */
const MINIMUM_BYTES = 4_096;

/** What one request holds. */
interface Ledger {
  held: number;
  readonly take: (bytes: number) => void;
  /** Set by whoever reads the body. */
  cut: ((error: HttpError) => void) | null;
}

/** By body: those who read it find its account here, without each route having to hand it on. */
const ledgers = new WeakMap<Readable, Ledger>();

/**
 * Bounds what bodies cost: memory (the sum of all that are held, whatever the number of connections) and time (a body that drips in is
 * cut off). The account of a request is closed when its connection has its answer or is gone.
 */
export function guardBodies(server: FastifyInstance, options: BodyGuardOptions): void {
  let held = 0;
  server.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    const ledger: Ledger = {
      held: 0,
      take: (bytes) => {
        // One alone may always be as large as its own cap allows.
        if (held + bytes > options.heldBytes() && held > ledger.held)
          throw new HttpError(429, 'Too many large requests at once; retry a little later.', { 'retry-after': '1' });
        held += bytes;
        ledger.held += bytes;
      },
      cut: null,
    };
    ledgers.set(raw, ledger);
    watchProgress(raw, options.stallMs, () => {
      // Whoever has the answer and goes on with the body that nobody reads holds the connection, no more.
      if (reply.raw.writableFinished) raw.socket.destroy();
      if (reply.raw.writableFinished || ledger.cut === null) return;
      void reply.header('connection', 'close');
      ledger.cut(new HttpError(408, 'The body came in too slowly.'));
    });
    reply.raw.once('close', () => {
      held -= ledger.held;
      ledger.held = 0;
    });
    done();
  });
}

/** Counts bytes that are kept until the answer is out. Throws HttpError 429 when there are too many. */
export function holdBytes(body: Readable, bytes: number): void {
  ledgers.get(body)?.take(bytes);
}

/** `cut` is called, once at most, when the body comes in too slowly. */
export function onStalled(body: Readable, cut: (error: HttpError) => void): void {
  const ledger = ledgers.get(body);
  if (ledger !== undefined) ledger.cut = cut;
}

/** `stalled` is called each time that a body has brought too little, until it is there or its connection is gone. */
function watchProgress(raw: IncomingMessage, stallMs: number, stalled: () => void): void {
  let seen = raw.socket.bytesRead;
  const timer = setInterval(() => {
    if (raw.complete || raw.socket.destroyed) {
      clearInterval(timer);
      return;
    }
    const { bytesRead } = raw.socket;
    // Bytes that wait for us are our delay, not the client's.
    if (raw.readableLength === 0 && bytesRead - seen < MINIMUM_BYTES) stalled();
    seen = bytesRead;
  }, stallMs);
  timer.unref();
  raw.once('end', () => clearInterval(timer));
}
