import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../domain/service-error.ts';

/** So many more than the cap are taken, to be told; what comes beyond them is closed without a word. */
const TOLD = 100;

/**
 * Keeps the number of open connections of a server at `most`: each costs a file descriptor, of which the database needs some, too. The
 * first request of one that came beyond it is answered with 503, also over TLS, and the connection closed. Probes are answered all the
 * same: whoever restarts a busy exporter makes it busier.
 */
export function capConnections(server: FastifyInstance, most: () => number): void {
  const { server: listener } = server;
  const beyond = new WeakSet<object>();
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
    if (!beyond.has(request.raw.socket)) {
      done();
      return;
    }
    void reply.header('connection', 'close');
    if (request.url.startsWith('/-/')) done();
    else done(new ServiceError('unavailable', `There are ${most()} connections already; try again a little later.`));
  });
}
