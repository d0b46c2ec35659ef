/** The messages of proto/capture.proto, as messages.ts shows those of the other files. */
import type { CapturedPacket } from '../model/capture.ts';
import { makeEndpoint } from '../model/endpoint.ts';
import {
  type AddressFormat,
  type EndpointMessage,
  endpointMessage,
  type Unchecked,
} from '../rules/endpoint-message.ts';

export interface CapturePacketsRequestMessage {
  readonly exporter?: Unchecked<EndpointMessage>;
  readonly packets?: number;
  readonly bytes?: number;
  readonly seconds?: number;
  readonly prefixLength?: number;
  readonly listeningPort?: number;
}

export interface CapturePacketsResponseMessage {
  readonly packets?: readonly CapturedPacketMessage[];
  readonly lost?: number;
  readonly end?: 'Packets' | 'Bytes' | 'Seconds';
}

export interface CapturedPacketMessage {
  readonly source: EndpointMessage;
  readonly listenPort: number;
  readonly receivedUs: number;
  readonly payload: Uint8Array;
  readonly truncated?: true;
}

export function fromCapturedPacket(
  { octets, sourcePort, listenPort, receivedMs, payload, isTruncated }: CapturedPacket,
  format: AddressFormat,
): CapturedPacketMessage {
  return {
    source: endpointMessage(makeEndpoint(octets, sourcePort), format),
    listenPort,
    receivedUs: Math.round(receivedMs * 1000),
    payload,
    ...(isTruncated && { truncated: true as const }),
  };
}
