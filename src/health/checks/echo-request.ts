const TYPE = { 4: 8, 6: 128 } as const;

export const ECHO_HEADER_BYTES = 8;

/** An echo request (RFC 792, RFC 4443) without its checksum, with so many octets of zero behind its header. */
export function echoRequest(family: 4 | 6, id: number, sequence: number, octets: number): Buffer {
  const message = Buffer.alloc(ECHO_HEADER_BYTES + octets);
  message[0] = TYPE[family];
  message.writeUInt16BE(id, 4);
  message.writeUInt16BE(sequence, 6);
  return message;
}
