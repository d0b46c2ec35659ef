/** 16 octets of an address. @param words four of them, as Packets have addresses */
export function octetsOf(words: ArrayLike<number>): Uint8Array {
  const octets = new Uint8Array(16);
  const view = new DataView(octets.buffer);
  for (let i = 0; i < 4; i++) view.setUint32(i * 4, words[i] as number);
  return octets;
}

/** The other way round. @param octets 16 of them */
export function wordsOf({ buffer, byteOffset }: Uint8Array): [number, number, number, number] {
  const view = new DataView(buffer, byteOffset, 16);
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
}
