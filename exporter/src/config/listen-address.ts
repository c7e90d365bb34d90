import { isIP, isIPv4, isIPv6 } from 'node:net';

export interface ListenAddress {
  /** Name or address; '' is every interface. IPv6 addresses stand without brackets. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Reads `host:port`, `:port` (every interface) or `[ipv6]:port`; undefined for anything else. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, bare, port] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined;
  if (bare !== undefined && bare !== '' && isIP(bare) === 0 && !HOST_NAME.test(bare)) return undefined;
  return Number(port) > 65_535 ? undefined : { host: bracketed ?? bare ?? '', port: Number(port) };
}

/** Letters, digits and hyphens between dots; a last part of digits only would be a broken IPv4 address. */
const HOST_NAME = /^(?!.*(?:^|\.)\d+$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;

/** Whether only programs of this machine can reach the address. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === 'localhost' || (isIPv4(host) && host.startsWith('127.')) || host === '::1';
}

export function formatListenAddress({ host, port }: ListenAddress): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
