import { lookup } from 'node:dns/promises';
import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { classifyAddress } from './address-class.ts';

export interface OutboundRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly allowedHosts: readonly string[];
  readonly allowPrivateAddresses: boolean;
  /** PEM of a certificate authority of its own. */
  readonly ca?: string;
  readonly signal: AbortSignal;
}

export interface OutboundReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

export type Outbound = (request: OutboundRequest) => Promise<OutboundReply>;

/** refused: we do not call there. unreachable: we would, but got no answer. */
export class OutboundError extends Error {
  readonly code: 'refused' | 'unreachable';

  constructor(code: OutboundError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'OutboundError';
    this.code = code;
  }
}

export interface Target {
  /** The address that was checked: the one to connect to. */
  readonly address: string;
  readonly port: number;
  /** Name for TLS; null: plain. */
  readonly tlsName: string | null;
  readonly ca?: string;
}

export interface OutboundParts {
  /** All addresses of a name. */
  readonly resolve: (hostname: string) => Promise<readonly string[]>;
  readonly connect: (target: Target) => Duplex;
  readonly timeoutMs: number;
}

const TIMEOUT_MS = 15_000;
const MAX_REPLY_BYTES = 1_048_576;

export const SYSTEM_OUTBOUND: OutboundParts = {
  resolve: async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address),
  connect: ({ address, port, tlsName, ca }) =>
    tlsName === null
      ? net.connect({ host: address, port })
      : tls.connect({
          host: address,
          port,
          servername: net.isIP(tlsName) === 0 ? tlsName : '',
          ...(ca === undefined ? {} : { ca }),
        }),
  timeoutMs: TIMEOUT_MS,
};

/**
 * Calls hosts of the allow-list only. The name is resolved once, every address of it is checked, and the connection goes to a checked
 * address: a name that changes between the two has no effect. Redirects are answers like any other: they are not followed.
 *
 * Rejects with OutboundError.
 */
export function createOutbound(parts: OutboundParts): Outbound {
  return async (request) => {
    const url = new URL(request.url);
    const address = await checkedAddress(url, request, parts);
    const secure = url.protocol === 'https:';
    const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
    const target = {
      address,
      port,
      tlsName: secure ? bare(url.hostname) : null,
      ...(request.ca === undefined ? {} : { ca: request.ca }),
    };
    try {
      return await exchange(parts.connect(target), url, request, parts.timeoutMs);
    } catch (error) {
      if (error instanceof OutboundError) throw error;
      throw new OutboundError(
        'unreachable',
        `${url.host} does not answer: ${error instanceof Error ? error.message : String(error)}`,
        error,
      );
    }
  };
}

async function checkedAddress(url: URL, request: OutboundRequest, { resolve }: OutboundParts): Promise<string> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new OutboundError('refused', `${url.protocol} is not called`);
  if (
    !request.allowedHosts.includes(url.host) &&
    !request.allowedHosts.includes(bare(url.hostname)) &&
    !request.allowedHosts.includes(url.hostname)
  )
    throw new OutboundError('refused', `${url.host} is not in retraining.allowed_hosts`);
  const host = bare(url.hostname);
  const addresses = net.isIP(host) === 0 ? await resolveOrThrow(host, resolve) : [host];
  if (addresses.length === 0) throw new OutboundError('unreachable', `${host} has no address`);
  for (const address of addresses) {
    const found = classifyAddress(address);
    if (found === 'never')
      throw new OutboundError('refused', `${host} has the address ${address}, which is never called`);
    if (found === 'private' && !request.allowPrivateAddresses)
      throw new OutboundError(
        'refused',
        `${host} has the private address ${address}: see retraining.allow_private_addresses`,
      );
  }
  return addresses[0]!;
}

async function resolveOrThrow(host: string, resolve: OutboundParts['resolve']): Promise<readonly string[]> {
  try {
    return await resolve(host);
  } catch (error) {
    throw new OutboundError('unreachable', `${host} cannot be resolved`, error);
  }
}

/** Of an IPv6 address as URLs write it, what stands between the brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** One request over a connection that is then closed. TLS is the connection's own affair, so that this is plain HTTP over it. */
function exchange(
  socket: Duplex,
  url: URL,
  { method, headers, body, signal }: OutboundRequest,
  timeoutMs: number,
): Promise<OutboundReply> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    const sent = http.request(
      {
        method,
        path: `${url.pathname}${url.search}`,
        headers: {
          host: url.host,
          connection: 'close',
          ...headers,
          ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        },
        createConnection: () => socket,
        signal: within,
      },
      (reply) => {
        const pieces: Buffer[] = [];
        let bytes = 0;
        reply.on('data', (piece: Buffer) => {
          bytes += piece.length;
          if (bytes > MAX_REPLY_BYTES) reply.destroy(new Error(`the answer has more than ${MAX_REPLY_BYTES} bytes`));
          else pieces.push(piece);
        });
        reply.on('error', reject);
        reply.on('end', () =>
          resolve({
            status: reply.statusCode ?? 0,
            headers: reply.headers,
            body: Buffer.concat(pieces).toString('utf8'),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.on('close', () => socket.destroy());
    sent.end(body ?? undefined);
  });
}
