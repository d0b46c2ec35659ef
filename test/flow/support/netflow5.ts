const HEADER_BYTES = 24;
const RECORD_BYTES = 48;

/** A NetFlow v5 datagram of one record: source address 10.0.0.EXPORTER, and its number as packets and as sequence. */
export function netflow5(exporter: number, number: number): Buffer {
  const datagram = Buffer.alloc(HEADER_BYTES + RECORD_BYTES);
  datagram.writeUInt16BE(5, 0);
  datagram.writeUInt16BE(1, 2);
  datagram.writeUInt32BE(60_000, 4);
  datagram.writeUInt32BE(Math.floor(Date.now() / 1000), 8);
  datagram.writeUInt32BE(number, 16);
  datagram.set([10, 0, 0, exporter], HEADER_BYTES);
  datagram.set([10, 1, 0, 1], HEADER_BYTES + 4);
  datagram.writeUInt32BE(number, HEADER_BYTES + 16);
  datagram.writeUInt32BE(number * 100, HEADER_BYTES + 20);
  datagram[HEADER_BYTES + 38] = 17;
  return datagram;
}
