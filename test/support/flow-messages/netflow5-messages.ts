import fc from 'fast-check';
import type { WrittenMessage } from './messages.ts';
import { OctetWriter } from './octets.ts';
import { Random } from './random.ts';

/** A message of NetFlow v5, whose records are 48 octets each. */
export interface Netflow5Message extends Omit<WrittenMessage, 'records'> {
  readonly version: 5;
  readonly flows: readonly Uint8Array[];
}

/** One message, with 1 to 30 records. */
export function netflow5Message(seed: number): Netflow5Message {
  const random = new Random(seed);
  const flows = Array.from({ length: random.int(1, 30) }, () => random.octets(48));
  const header = {
    count: flows.length,
    sysUptime: random.u32(),
    exportSeconds: random.u32(),
    exportNanoseconds: random.u32() % 1_000_000_000,
    sequence: random.u32(),
    domain: random.u32() & 0xffff,
    sampling: random.u32() & 0xffff,
  };
  const to = new OctetWriter().u16(5).u16(header.count).u32(header.sysUptime);
  to.u32(header.exportSeconds).u32(header.exportNanoseconds).u32(header.sequence);
  to.u16(header.domain).u16(header.sampling);
  for (const flow of flows) to.add(flow);
  return { octets: to.done(), version: 5, header, flows };
}

export function arbitraryNetflow5(): fc.Arbitrary<Netflow5Message> {
  return fc.integer().map(netflow5Message);
}
