/** Flow datagrams to measure with: distinct flows, the fields of exporters in use. */

/** Element id and length in octets. */
type Field = readonly [id: number, length: number];

/** 21 fields, 59 octets, as Cisco's v9 exporters send them. */
const V9_FIELDS: readonly Field[] = [
  ...([
    [1, 4],
    [2, 4],
    [4, 1],
    [5, 1],
    [6, 1],
    [7, 2],
    [8, 4],
    [9, 1],
    [10, 4],
    [11, 2],
    [12, 4],
  ] as const),
  ...([
    [13, 1],
    [14, 4],
    [15, 4],
    [16, 4],
    [17, 4],
    [18, 4],
    [21, 4],
    [22, 4],
    [48, 1],
    [61, 1],
  ] as const),
];

/** 25 fields, 80 octets, as Juniper's IPFIX exporters send them. */
const IPFIX_FIELDS: readonly Field[] = [
  ...([
    [8, 4],
    [12, 4],
    [5, 1],
    [4, 1],
    [7, 2],
    [11, 2],
    [32, 2],
    [10, 4],
    [58, 2],
    [9, 1],
    [13, 1],
  ] as const),
  ...([
    [16, 4],
    [17, 4],
    [15, 4],
    [6, 1],
    [14, 4],
    [1, 8],
    [2, 8],
    [52, 1],
    [53, 1],
    [152, 8],
  ] as const),
  ...([
    [153, 8],
    [136, 1],
    [243, 2],
    [245, 2],
  ] as const),
];

const EXPORT_SECONDS = 1_700_000_000;
const TEMPLATE_ID = 256;

export interface FlowTraffic {
  /** What makes the others readable; send it first. */
  readonly template: Buffer;
  readonly data: readonly Buffer[];
  readonly recordsEach: number;
}

/** Datagrams of NetFlow v9 with 21 fields. */
export function v9Traffic(datagrams: number, recordsEach = 22): FlowTraffic {
  const header = (sequence: number) => {
    const bytes = Buffer.alloc(20);
    bytes.writeUInt16BE(9, 0);
    bytes.writeUInt32BE(360_000, 4);
    bytes.writeUInt32BE(EXPORT_SECONDS, 8);
    bytes.writeUInt32BE(sequence, 12);
    bytes.writeUInt32BE(1, 16);
    return bytes;
  };
  const make = (sequence: number, sets: Buffer, records: number) => {
    const bytes = Buffer.concat([header(sequence), sets]);
    bytes.writeUInt16BE(records, 2);
    return bytes;
  };
  const template = make(0, templateSet(0, V9_FIELDS), 1);
  const data = Array.from({ length: datagrams }, (_, i) =>
    make(i + 1, dataSet(V9_FIELDS, i * recordsEach, recordsEach), recordsEach),
  );
  return { template, data, recordsEach };
}

/** Messages of IPFIX with 25 fields. */
export function ipfixTraffic(datagrams: number, recordsEach = 22): FlowTraffic {
  const make = (sequence: number, sets: Buffer) => {
    const header = Buffer.alloc(16);
    header.writeUInt16BE(10, 0);
    header.writeUInt16BE(header.length + sets.length, 2);
    header.writeUInt32BE(EXPORT_SECONDS, 4);
    header.writeUInt32BE(sequence, 8);
    header.writeUInt32BE(1, 12);
    return Buffer.concat([header, sets]);
  };
  const template = make(0, templateSet(2, IPFIX_FIELDS));
  const data = Array.from({ length: datagrams }, (_, i) =>
    make(i * recordsEach, dataSet(IPFIX_FIELDS, i * recordsEach, recordsEach)),
  );
  return { template, data, recordsEach };
}

function templateSet(setId: number, fields: readonly Field[]): Buffer {
  const words = [setId, 8 + fields.length * 4, TEMPLATE_ID, fields.length, ...fields.flat()];
  return Buffer.from(Uint16Array.from(words).buffer).swap16();
}

/** Padded to four octets. */
function dataSet(fields: readonly Field[], firstFlow: number, records: number): Buffer {
  const length = fields.reduce((sum, [, octets]) => sum + octets, 0);
  const bytes = Buffer.alloc(Math.ceil((4 + length * records) / 4) * 4);
  bytes.writeUInt16BE(TEMPLATE_ID, 0);
  bytes.writeUInt16BE(bytes.length, 2);
  let at = 4;
  for (let flow = firstFlow; flow < firstFlow + records; flow++) {
    for (const [id, octets] of fields) {
      writeField(bytes, at, id, octets, flow);
      at += octets;
    }
  }
  return bytes;
}

/** Values that occur; each flow has addresses and ports of its own. */
function writeField(bytes: Buffer, at: number, id: number, octets: number, flow: number): void {
  const value = VALUES[id]?.(flow) ?? 0;
  if (octets === 8) bytes.writeBigUInt64BE(BigInt(value), at);
  else bytes.writeUIntBE(value % 2 ** (8 * octets), at, octets);
}

const VALUES: Readonly<Record<number, (flow: number) => number>> = {
  1: (flow) => 64 + (flow % 1400) * 7,
  2: (flow) => 1 + (flow % 40),
  4: (flow) => (flow % 3 === 0 ? 17 : 6),
  6: () => 0x1b,
  7: (flow) => 1024 + (flow % 60_000),
  8: (flow) => 0x0a00_0000 + flow,
  9: () => 24,
  10: (flow) => 1 + (flow % 48),
  11: (flow) => [443, 80, 53, 22][flow % 4] ?? 443,
  12: (flow) => 0xc000_0200 + (flow % 250),
  13: () => 20,
  14: (flow) => 100 + (flow % 16),
  15: () => 0xc633_6401,
  16: (flow) => 64_512 + (flow % 500),
  17: (flow) => 4_200_000_000 + (flow % 500),
  18: () => 0xc633_6402,
  21: (flow) => 350_000 + (flow % 9000),
  22: (flow) => 300_000 + (flow % 9000),
  48: () => 1,
  52: () => 63,
  53: () => 63,
  136: () => 2,
  152: (flow) => (EXPORT_SECONDS - 60) * 1000 + (flow % 59_000),
  153: () => EXPORT_SECONDS * 1000,
};
