/** What columns say that no field says as it is: loops over rows that fields have filled. */
import type { FlowBatch, WordPairs } from '../../model/flow-batch.ts';
import { MAPPED_IPV4 } from '../bytes/words.ts';
import type { Kernel } from './kernels.ts';

type Columns = FlowBatch['columns'];
type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

const ETYPE_IPV4 = 0x800;
const ETYPE_IPV6 = 0x86dd;
const ICMP = 1;
const ICMPV6 = 58;

/** Label of an MPLS label stack entry of three octets: what is above traffic class and bottom of stack. */
export function mplsLabels({ mplsLabel }: Columns, octets: number): Kernel {
  const shift = octets === 4 ? 12 : 4;
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      mplsLabel[i] = (mplsLabel[i] as number) >>> shift;
    }
  };
}

/** fragmentFlags (197) have the flags of the IPv4 header in their three highest bits. */
export function fragmentFlags({ ipFlags }: Columns): Kernel {
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      ipFlags[i] = (ipFlags[i] as number) >>> 5;
    }
  };
}

/** Turns versions of IP that stand in column etype into EtherTypes. */
export function etypesOfVersions({ etype }: Columns): Kernel {
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      const version = etype[i];
      etype[i] = version === 4 ? ETYPE_IPV4 : version === 6 ? ETYPE_IPV6 : 0;
    }
  };
}

/** EtherTypes of rows that have none, by their addresses. */
export function etypesOfAddresses({ etype, srcAddr, dstAddr }: Columns): Kernel {
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      if (etype[i] === 0) etype[i] = etypeOf(srcAddr, i * 4) || etypeOf(dstAddr, i * 4);
    }
  };
}

/** The same, where templates have addresses of only one version. */
export function etypesOfOneVersion({ etype }: Columns, version: 4 | 6): Kernel {
  const value = version === 4 ? ETYPE_IPV4 : ETYPE_IPV6;
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      if (etype[i] === 0) etype[i] = value;
    }
  };
}

function etypeOf(addresses: Uint32Array, at: number): number {
  const first = addresses[at] as number;
  const second = addresses[at + 1] as number;
  const third = addresses[at + 2] as number;
  if (first === 0 && second === 0 && third === MAPPED_IPV4) return ETYPE_IPV4;
  return (first | second | third | (addresses[at + 3] as number)) === 0 ? 0 : ETYPE_IPV6;
}

/** Splits type and code of ICMP that stand in one number. */
export function icmpOfNumbers({ icmpType, icmpCode }: Columns, from: Uint16Array): Kernel {
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      const value = from[i] as number;
      if (value === 0) continue;
      icmpType[i] = value >>> 8;
      icmpCode[i] = value & 0xff;
    }
  };
}

/** Exporters that have no field for it put type and code of ICMP into the destination port. */
export function icmpOfPorts({ proto, dstPort, icmpType, icmpCode }: Columns): Kernel {
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      const protocol = proto[i];
      if (protocol !== ICMP && protocol !== ICMPV6) continue;
      icmpType[i] = (dstPort[i] as number) >>> 8;
      icmpCode[i] = (dstPort[i] as number) & 0xff;
    }
  };
}

/** Fills numbers where there is zero. */
export function numbersWhereZero(out: Numbers, from: Numbers): Kernel {
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      if (out[i] === 0) out[i] = from[i] as number;
    }
  };
}

/** Fills pairs of words where both are zero. */
export function pairsWhereZero(out: WordPairs, from: WordPairs): Kernel {
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      if (out.low[i] !== 0 || out.high[i] !== 0) continue;
      out.low[i] = from.low[i] as number;
      out.high[i] = from.high[i] as number;
    }
  };
}

/** Fills addresses where all words are zero. */
export function addressesWhereZero(out: Uint32Array, from: Uint32Array): Kernel {
  return ({ rows, count }) => {
    for (let n = 0; n < count; n++) {
      const i = rows[n] as number;
      const to = i * 4;
      const isSet =
        (out[to] as number) |
        (out[to + 1] as number) |
        (out[to + 2] as number) |
        (out[to + 3] as number);
      if (isSet === 0)
        for (let word = 0; word < 4; word++) out[to + word] = from[i * 4 + word] as number;
    }
  };
}
