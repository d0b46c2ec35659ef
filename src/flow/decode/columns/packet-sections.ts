/** Records that have the first octets of a sampled packet in place of fields (RFC 5477 section 8.5, RFC 7133). */
import type { FlowBatch } from '../../model/flow-batch.ts';
import { fieldEnd, fieldStart, findField } from '../field-values.ts';
import { HEADER_PROTOCOL, HeaderParser, type TunnelLayer } from '../headers/header-parser.ts';
import type { Template, TemplateField } from '../template.ts';
import { type Kernel, u64Kernel } from './kernels.ts';

/** dataLinkFrameSection; layer2packetSectionData of Cisco's NetFlow v9 */
const FRAMES = [315, 104] as const;
/** ipHeaderPacketSection */
const PACKETS = [313] as const;
/** dataLinkFrameSize, ipTotalLength */
const SIZES = [312, 224] as const;

type Columns = FlowBatch['columns'];

/** Fills rows by sampled packets. Fields that records have besides come after it, and hold. */
export class PacketSections {
  readonly #columns: Columns;
  readonly #parser: HeaderParser;

  constructor(columns: Columns, tunnelLayer?: TunnelLayer) {
    this.#columns = columns;
    this.#parser = new HeaderParser(columns, tunnelLayer);
  }

  kernels(template: Template): Kernel[] {
    const frame = findField(template, ...FRAMES);
    const packet = findField(template, ...PACKETS);
    const section = frame ?? packet;
    if (section === undefined) return [];
    const size = findField(template, ...SIZES);
    const kernels = [this.#parse(section, frame !== undefined), this.#onePacket()];
    return size ? [...kernels, u64Kernel(size, this.#columns.bytes)] : kernels;
  }

  #parse(field: TemplateField, isFrame: boolean): Kernel {
    const parser = this.#parser;
    return (records) => {
      const { bytes, rows, count } = records;
      for (let i = 0; i < count; i++) {
        const start = fieldStart(records, i, field);
        const end = fieldEnd(records, i, field);
        if (start === end) continue;
        const protocol = isFrame ? HEADER_PROTOCOL.ethernet : ipProtocolOf(bytes[start] as number);
        parser.parse(protocol, bytes, start, end, rows[i] as number);
      }
    };
  }

  #onePacket(): Kernel {
    const { low } = this.#columns.packets;
    return ({ rows, count }) => {
      for (let i = 0; i < count; i++) low[rows[i] as number] = 1;
    };
  }
}

/** By the version that an IP header begins with. */
function ipProtocolOf(first: number): number {
  return first >>> 4 === 6 ? HEADER_PROTOCOL.ipv6 : HEADER_PROTOCOL.ipv4;
}
