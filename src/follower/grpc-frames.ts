/** gRPC's framing: 1 byte (0 = not compressed), 4 bytes length in network order, message. */
const HEADER_BYTES = 5;

/** A stream that is not gRPC, or not ours. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
}

export function frameMessage(message: Buffer): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, HEADER_BYTES);
  return frame;
}

/** Puts messages together from the chunks in which they arrive. */
export class FrameReader {
  readonly #maxMessageBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /**
   * @returns the messages that are complete now
   * @throws FramingError for compressed messages, which nobody asked for, and for huge ones
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const messages: Buffer[] = [];
    for (;;) {
      const message = this.#take();
      if (message === undefined) return messages;
      messages.push(message);
    }
  }

  #take(): Buffer | undefined {
    if (this.#bytes < HEADER_BYTES) return undefined;
    const header = this.#head(HEADER_BYTES);
    const length = header.readUInt32BE(1);
    if (header[0] !== 0) throw new FramingError('a message is compressed');
    if (length > this.#maxMessageBytes) {
      throw new FramingError(`a message has ${length} bytes, more than ${this.#maxMessageBytes}`);
    }
    const end = HEADER_BYTES + length;
    if (this.#bytes < end) return undefined;
    const all = this.#head(end);
    this.#chunks = [all.subarray(end)];
    this.#bytes -= end;
    return all.subarray(HEADER_BYTES, end);
  }

  /** A first chunk that has at least so many bytes. Joins chunks only when it must. */
  #head(bytes: number): Buffer {
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= bytes) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}
