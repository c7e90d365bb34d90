/**
 * CRC-32 of a concatenation out of the CRCs of its parts, without touching their bytes: appending n bytes multiplies the CRC so far,
 * a polynomial over GF(2), by x^(8n) modulo the CRC's polynomial. Bits are reflected: the highest bit is x^0.
 * Reference: Mark Adler, zlib 1.2.12 crc32.c, crc32_combine_gen and crc32_combine_op.
 */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

/** x^(2^k) for k = 0..31; the order of x divides 2^32 - 1, so that exponents wrap and the table is used cyclically. */
const SQUARES = squares();

/** What appending `bytes` bytes does to a CRC: an operator for crc32Append. Costs about log2(bytes) multiplications; keep it. */
export function crc32Shift(bytes: number): number {
  let power = ONE;
  // 8 * bytes has the bits of bytes, three places up.
  for (let k = 3, n = bytes; n > 0; k++, n = Math.floor(n / 2)) {
    if (n % 2 === 1) power = multiply(SQUARES[k & 31]!, power);
  }
  return power;
}

/** CRC of A followed by B, from the CRC of A, the CRC of B and crc32Shift(length of B). */
export function crc32Append(first: number, second: number, shiftOfSecond: number): number {
  return (multiply(shiftOfSecond, first) ^ second) >>> 0;
}

/** a * b modulo the polynomial. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let rest = a | 0; rest !== 0; rest <<= 1) {
    if (rest < 0) product ^= b;
    b = (b & 1) === 1 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1;
  }
  return product >>> 0;
}

function squares(): Uint32Array {
  const table = new Uint32Array(32);
  table[0] = ONE >>> 1;
  for (let k = 1; k < 32; k++) table[k] = multiply(table[k - 1]!, table[k - 1]!);
  return table;
}
