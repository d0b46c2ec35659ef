import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePackets, type Packets } from '../../src/flow/model/packets.ts';
import { mappedOctets, parseAddress } from '../../src/model/address.ts';
import { DatagramReader } from '../lab/datagrams.ts';
import { CaptureReader } from '../lab/pcap.ts';

/** The folder with captures of real exporters, which the project may not bring along. */
export const capturesFolder: string | undefined = process.env['FLOXY_CAPTURES'];

/** Why tests with captures are skipped; false when there are some. */
export const noCaptures: string | false =
  capturesFolder === undefined &&
  'FLOXY_CAPTURES is not set to a folder with captures of real exporters';

/** From whom the payloads of .dat files come: these have no addresses. */
const NAMELESS = { source: '203.0.113.250', sourcePort: 2056, destinationPort: 2055 };
const START_MS = 1_700_000_000_000;

/** The UDP payloads of a capture, a second apart from each other, as sources hand them to decoders. */
export function readCapture(file: string): Packets {
  const bytes = readFileSync(join(capturesFolder ?? '.', file));
  const datagrams = file.endsWith('.dat') ? [{ ...NAMELESS, payload: bytes }] : udpOf(bytes);
  const most = Math.max(0, ...datagrams.map(({ payload }) => payload.length));
  const packets = makePackets(datagrams.length, most);
  let offset = 0;
  for (const [i, { source, sourcePort, destinationPort, payload }] of datagrams.entries()) {
    packets.bytes.set(payload, offset);
    packets.offsets[i] = offset;
    offset += payload.length;
    packets.lengths[i] = payload.length;
    packets.sources.set(addressWords(source), i * 4);
    packets.ports[i] = sourcePort;
    packets.listenPorts[i] = destinationPort;
    packets.receivedMs[i] = START_MS + i * 1000;
  }
  packets.count = datagrams.length;
  return packets;
}

/** An address as Packets have it. */
export function addressWords(text: string): [number, number, number, number] {
  const octets = parseAddress(text);
  if (octets === undefined) throw new Error(`${text} is no address`);
  const view = Buffer.from(mappedOctets(octets));
  return [0, 4, 8, 12].map((at) => view.readUInt32BE(at)) as [number, number, number, number];
}

function udpOf(bytes: Buffer) {
  const reader = new DatagramReader();
  return new CaptureReader().push(bytes).flatMap((frame) => reader.push(frame) ?? []);
}
