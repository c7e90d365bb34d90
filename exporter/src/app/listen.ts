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
    await server.listen({ host: host === '' ? '::' : host, port });
    const bound = server.addresses().find((address) => typeof address !== 'string')?.port ?? port;
    addresses.push(`${scheme}://${formatListenAddress({ host: host === '' ? 'localhost' : host, port: bound })}`);
  }
  return addresses;
}

/** Certificates that are given but not verified by the handshake would need a check a request: only the verified modes are offered. */
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
