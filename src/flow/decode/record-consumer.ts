import type { FlowProtocol } from '../model/packets.ts';
import type { Session } from './session.ts';
import type { RecordSet, Template } from './template.ts';

/** The header of a NetFlow v5, v9 or IPFIX message. One object serves for all of them: copy what is to be kept. */
export interface MessageHeader {
  readonly protocol: FlowProtocol;
  readonly version: 5 | 9 | 10;
  /** Octets of the message: IPFIX says it itself, else those of the datagram. */
  readonly length: number;
  /** Records by the header (v5, v9), whatever there really is; 0 for IPFIX. */
  readonly count: number;
  /** Milliseconds since the exporter started (v5, v9); 0 for IPFIX. */
  readonly sysUptime: number;
  /** When it was sent: seconds of the Unix epoch. */
  readonly exportSeconds: number;
  /** Nanoseconds of the same (v5); else 0. */
  readonly exportNanoseconds: number;
  readonly sequence: number;
  /** As Session has it. */
  readonly domain: number;
  /** Sampling mode (two bits) and interval (14 bits) of v5; else 0. */
  readonly sampling: number;
  /** When the datagram was received: milliseconds of the Unix epoch. */
  readonly receivedMs: number;
  /** The port on which it arrived. */
  readonly listenPort: number;
}

/**
 * Takes records as the walker of NetFlow v5, v9 and IPFIX finds them. For each message that has records: `begin`, then
 * `records` and `options` set by set in their order, then `end`. Sets that had to wait for their template come later,
 * as a message of their own with the header that they came with.
 */
export interface RecordConsumer {
  begin(header: MessageHeader, session: Session): void;
  /** Flow records of one set. The template is of kind `data`. */
  records(template: Template, set: RecordSet): void;
  /** Option records of one set. The template is of kind `options`. */
  options(template: Template, set: RecordSet): void;
  end(): void;
  /** A batch of datagrams is decoded: `bytes` of sets, which were valid until now, are the source's again. */
  endBatch(): void;
}
