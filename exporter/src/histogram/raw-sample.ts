/**
 * Whether the features of a prediction are stored, when a share of them is. By the id alone, so that every replica and every retry says
 * the same, and by a hash of all of it: the first bytes of many uuids are a time.
 *
 * FNV-1a over the 16 bytes, then the finalizer of MurmurHash3, whose every output bit depends on every input bit; kept when the hash is
 * below share x 2^32.
 *
 * @param share 0 (none) to 1 (all)
 */
export function keepsFeatures(share: number, ids: Uint8Array, at: number): boolean {
  if (share >= 1) return true;
  let hash = 0x811c9dc5;
  for (let i = at; i < at + 16; i++) hash = Math.imul(hash ^ ids[i]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0 < share * 2 ** 32;
}
