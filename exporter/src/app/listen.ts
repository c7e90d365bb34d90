import type { TLSSocket } from 'node:tls';
import type { Flags } from '../config/flags.ts';
import { formatListenAddress } from '../config/listen-address.ts';
import type { TlsSettings, WebSettings } from '../config/web-config.ts';
import type { createServer, ServerTls } from '../http/server.ts';

type Server = Awaited<ReturnType<typeof createServer>>;

const REQUESTS_END_MS = 10_000;

/** A server on each address of the command line; resolves with their URLs. What was opened is in `closers`, also when one fails. */
export async function listenAll(
  flags: Flags,
  web: WebSettings,
  create: (tls: ServerTls | null) => Promise<Server>,
  closers: (() => Promise<unknown>)[],
): Promise<string[]> {
  const scheme = web.tls === null ? 'http' : 'https';
  const addresses: string[] = [];
  for (const { host, port } of flags.listenAddresses) {
    const server = await create(serverTls(web.tls));
    closers.push(() => closeServer(server));
    const { clientAuth } = web.tls ?? {};
    server.server.on('secureConnection', (socket: TLSSocket) => {
      if (isRefused(socket, clientAuth)) socket.destroy();
    });
    await server.listen({ host: host === '' ? '::' : host, port });
    const bound = server.addresses().find((address) => typeof address !== 'string')?.port ?? port;
    addresses.push(`${scheme}://${formatListenAddress({ host: host === '' ? 'localhost' : host, port: bound })}`);
  }
  return addresses;
}

/** What the handshake of node:tls has no option for: a certificate that must be there, whoever signed it; and one that must be good if it is there. */
function isRefused(socket: TLSSocket, clientAuth: TlsSettings['clientAuth'] | undefined): boolean {
  const given = Object.keys(socket.getPeerCertificate()).length > 0;
  if (clientAuth === 'RequireAnyClientCert') return !given;
  return clientAuth === 'VerifyClientCertIfGiven' && given && !socket.authorized;
}

function serverTls(tls: TlsSettings | null): ServerTls | null {
  if (tls === null) return null;
  const { cert, key, clientCa, clientAuth, minVersion, maxVersion } = tls;
  return {
    cert,
    key,
    ca: clientCa,
    requestCert: clientAuth !== 'NoClientCert',
    rejectUnauthorized: clientAuth === 'RequireAndVerifyClientCert',
    minVersion,
    maxVersion,
  };
}

/** Requests in progress are finished, but nobody holds up the end for longer than this: a supervisor would kill us. */
async function closeServer(server: Server): Promise<void> {
  const cut = setTimeout(() => server.server.closeAllConnections(), REQUESTS_END_MS);
  await server.close().finally(() => clearTimeout(cut));
}
