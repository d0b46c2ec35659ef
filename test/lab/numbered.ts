/**
 * Numbered payloads: every byte follows from the number of the stream and of the packet in it, so sender
 * and receiver make the same ones and nothing but numbers passes between them. The first 8 bytes are these
 * two numbers, as far as they fit; the rest is a piece of a fixed block of noise.
 */

/** How large the packets of a stream are: always the same, or a mixture of 0 up to a largest size. */
export type Sizes = { readonly fixed: number } | { readonly mixedUpTo: number };

export const HEADER_BYTES = 8;
const BLOCK_BYTES = 65_536;
const PLACES = 8_191;

/** Mixes two numbers into one of 32 bits (the finaliser of MurmurHash3). */
function mix(a: number, b: number): number {
  let h = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return (h ^ (h >>> 16)) >>> 0;
}

const noise = Buffer.alloc(BLOCK_BYTES + PLACES);
for (let i = 0; i < noise.length; i++) noise[i] = mix(i, 1);

/**
 * Bytes of a packet's payload. Of a mixture, 16 of 20 are small (a tenth of the largest size at most), 3
 * are medium (a quarter), and one is of any size, so that every size occurs and the sum stays bearable.
 */
export function payloadBytes(sizes: Sizes, stream: number, sequence: number): number {
  if ('fixed' in sizes) return sizes.fixed;
  const kind = mix(sequence, stream) % 20;
  const limit =
    kind < 16 ? sizes.mixedUpTo / 10 : kind < 19 ? sizes.mixedUpTo / 4 : sizes.mixedUpTo;
  return mix(stream, sequence) % (Math.floor(limit) + 1);
}

export function numberedPayload(stream: number, sequence: number, bytes: number): Buffer {
  const place = mix(stream, sequence) % PLACES;
  const payload = Buffer.allocUnsafe(Math.max(bytes, HEADER_BYTES));
  payload.writeUInt32BE(stream, 0);
  payload.writeUInt32BE(sequence, 4);
  noise.copy(payload, HEADER_BYTES, place, place + payload.length - HEADER_BYTES);
  return payload.subarray(0, bytes);
}
