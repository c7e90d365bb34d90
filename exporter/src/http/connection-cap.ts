import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../domain/service-error.ts';

/** So many more than the cap are taken, to be told; what comes beyond them is closed without a word. */
const TOLD = 100;
/** Requests of one connection that wait for an answer; hardly any client asks before it has the last one. */
const AT_ONCE = 32;

/**
 * Keeps the number of open connections of a server at `most`: each costs a file descriptor, of which the database needs some, too. The
 * first request of one that came beyond it is answered with 503, also over TLS, and the connection closed. Probes are answered all the
 * same: whoever restarts a busy exporter makes it busier.
 *
 * Nor may one connection ask for very much at once: each of its answers is held until those before it are read.
 */
export function capConnections(server: FastifyInstance, most: () => number): void {
  const { server: listener } = server;
  const beyond = new WeakSet<object>();
  const underWay = new WeakMap<object, number>();
  let open = 0;
  listener.maxConnections = most() + TOLD;
  listener.on('connection', (socket: Socket) => {
    // A reload may have changed it.
    listener.maxConnections = most() + TOLD;
    open++;
    socket.once('close', () => open--);
    if (open > most()) beyond.add(socket);
  });
  // Over TLS requests come with another socket than the one that was opened.
  listener.on('secureConnection', (socket: Socket) => {
    if (open > most()) beyond.add(socket);
  });
  server.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    const waiting = (underWay.get(socket) ?? 0) + 1;
    underWay.set(socket, waiting);
    reply.raw.once('close', () => underWay.set(socket, underWay.get(socket)! - 1));
    if (waiting > AT_ONCE) {
      void reply.header('connection', 'close');
      done(new ServiceError('overloaded', `More than ${AT_ONCE} requests of one connection wait for their answers.`));
      return;
    }
    if (!beyond.has(socket)) {
      done();
      return;
    }
    void reply.header('connection', 'close');
    if (request.url.startsWith('/-/')) done();
    else done(new ServiceError('unavailable', `There are ${most()} connections already; try again a little later.`));
  });
}
