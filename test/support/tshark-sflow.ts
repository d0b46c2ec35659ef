import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { ipv4Packet, udpDatagram } from './sampled-packets.ts';

/** A field that tshark shows of a frame. */
export interface ShownField {
  readonly name: string;
  /** Octets from the beginning of the frame. */
  readonly at: number;
  readonly size: number;
  /** Its octets, in hexadecimal. */
  readonly value: string;
}

/** Octets of a frame of `writeCapture` before its payload. */
export const PAYLOAD_AT = 28;

/** Writes payloads as a capture of packets of IPv4 to port 6343. */
export function writeCapture(file: string, payloads: readonly Buffer[]): void {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65_535, 16);
  head.writeUInt32LE(101, 20);
  const frames = payloads.flatMap((payload) => {
    const frame = ipv4Packet({ protocol: 17 }, udpDatagram(5000, 6343, Buffer.from(payload)));
    const record = Buffer.alloc(16);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, frame];
  });
  writeFileSync(file, Buffer.concat([head, ...frames]));
}

/** What tshark shows of each frame of a capture, layer by layer, without groups. */
export function shownFields(file: string): ShownField[][] {
  return pdml(file, '-T', 'pdml')
    .split('<packet>')
    .slice(1)
    .map((packet) => [...packet.matchAll(FIELD)].map(shown));
}

const FIELD =
  /<field name="([^"]+)"[^>]*? size="(\d+)" pos="(\d+)" show="[^"]*" value="([^"]*)"([^>]*)/g;

function shown([, name = '', size, at, value = '', rest = '']: RegExpMatchArray): ShownField {
  const unmasked = /unmaskedvalue="([^"]*)"/.exec(rest)?.[1];
  return { name, at: Number(at), size: Number(size), value: unmasked ?? value };
}

/** Values of fields of all frames, those of one frame in their order. */
export function fieldValues(
  file: string,
  filter: string,
  fields: readonly string[],
): Record<string, string[]>[] {
  const lines = pdml(
    file,
    ...['-Y', filter, '-T', 'fields', '-E', 'separator=|', '-E', 'aggregator=;'],
    ...fields.flatMap((field) => ['-e', field]),
  );
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const values = line.split('|').map((cell) => (cell === '' ? [] : cell.split(';')));
      return Object.fromEntries(fields.map((field, i) => [field, values[i] ?? []]));
    });
}

function pdml(file: string, ...args: readonly string[]): string {
  const all = ['-n', '-r', file, ...args];
  const { status, stdout } = spawnSync('tshark', all, { maxBuffer: 2 ** 28, encoding: 'utf8' });
  if (status !== 0) throw new Error(`tshark ${all.join(' ')} ended with ${status}`);
  return stdout;
}
