import ipaddr from 'ipaddr.js';

/** `never`: link-local, metadata, multicast, reserved, tunnels into IPv4; no configuration allows these. */
export type AddressClass = 'public' | 'private' | 'never';

/** Metadata services that do not live on link-local addresses: Azure, Alibaba; AWS, Google and Oracle by IPv6. */
const METADATA = ['168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe'].map(
  (address) => ipaddr.parse(address).toNormalizedString(),
);
const PRIVATE = ['private', 'loopback', 'uniqueLocal', 'carrierGradeNat'];

/**
 * Whether an address may be called at all. IPv4 in IPv6 clothes is judged as what it is; tunnels (6to4, Teredo, NAT64), whose far end
 * cannot be seen, are refused.
 *
 * @param text an address, not a name; anything else is `never`
 */
export function classifyAddress(text: string): AddressClass {
  if (!ipaddr.isValid(text)) return 'never';
  // `process` unwraps ::ffff:a.b.c.d.
  const address = ipaddr.process(text);
  if (METADATA.includes(address.toNormalizedString())) return 'never';
  const range = address.range();
  if (PRIVATE.includes(range)) return 'private';
  return range === 'unicast' ? 'public' : 'never';
}
