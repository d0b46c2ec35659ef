/**
 * UTF-8 of a text that is kept for long, in memory of its own. Buffer.from() cuts small ones out of a slab of 64 KiB
 * (`Buffer.poolSize`), which stays as long as any of them does: a thousand names that are kept would hold 64 MiB.
 */
export function ownOctets(text: string): Buffer<ArrayBuffer> {
  const octets = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  octets.write(text);
  return octets;
}
