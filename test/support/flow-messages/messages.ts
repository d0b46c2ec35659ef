/** Writes valid messages of NetFlow v5, v9 and IPFIX, and says what they mean. */
import fc from 'fast-check';
import { OctetWriter } from './octets.ts';
import { Random } from './random.ts';
import {
  randomTemplate,
  VARIABLE,
  type WrittenField,
  type WrittenTemplate,
  writeTemplate,
} from './templates.ts';
import { lengthsOf, type WrittenValue, writeValue } from './values.ts';

export interface WrittenRecord {
  readonly template: WrittenTemplate;
  /** One for each field of the template. */
  readonly values: readonly WrittenValue[];
}

export interface WrittenMessage {
  readonly octets: Uint8Array;
  readonly version: 5 | 9 | 10;
  /** Header fields but version and length, by what they are. */
  readonly header: {
    readonly count: number;
    readonly sysUptime: number;
    readonly exportSeconds: number;
    readonly exportNanoseconds: number;
    readonly sequence: number;
    readonly domain: number;
    readonly sampling: number;
  };
  /** Flow and option records, in their order. */
  readonly records: readonly WrittenRecord[];
}

/** Makes a template with an id. */
export type MakeTemplate = (random: Random, version: 9 | 10, id: number) => WrittenTemplate;

const TEMPLATE_IDS = [256, 257, 258, 4_000, 65_535];

/** Writes what one exporter sends in one domain: all templates come before their data. */
export class MessageWriter {
  readonly #makeTemplate: MakeTemplate;
  readonly #random: Random;
  readonly #version: 9 | 10;
  readonly #domain: number;
  readonly #templates = new Map<number, WrittenTemplate>();
  #sequence: number;

  /** @param makeTemplate where templates come from; absent: any */
  constructor(seed: number, version: 9 | 10, makeTemplate: MakeTemplate = randomTemplate) {
    this.#makeTemplate = makeTemplate;
    this.#random = new Random(seed);
    this.#version = version;
    this.#domain = this.#random.u32();
    this.#sequence = this.#random.u32();
  }

  /** The next message: templates, options, data and withdrawals as chance has it. */
  next(): WrittenMessage {
    const random = this.#random;
    const body = new OctetWriter();
    const records: WrittenRecord[] = [];
    let count = 0;
    const sets = random.int(1, 6);
    for (let i = 0; i < sets; i++) {
      if (this.#templates.size === 0 || random.once(3)) count += this.#templateSet(body);
      else if (this.#version === 10 && random.once(12)) this.#withdrawal(body);
      else {
        const written = this.#dataSet(body);
        count += written.length;
        records.push(...written);
      }
    }
    return this.#message(body.done(), records, count);
  }

  /** Several template records of one kind, some of which replace others. @returns how many */
  #templateSet(to: OctetWriter): number {
    const random = this.#random;
    const first = this.#makeTemplate(random, this.#version, random.pick(TEMPLATE_IDS));
    const templates = [first];
    while (random.once(2)) {
      const more = this.#makeTemplate(random, this.#version, random.pick(TEMPLATE_IDS));
      if (more.kind === first.kind) templates.push(more);
    }
    const set = new OctetWriter();
    for (const template of templates) {
      writeTemplate(set, this.#version, template);
      this.#templates.set(template.id, template);
    }
    if (random.once(2)) set.pad(4);
    const forOptions = this.#version === 10 ? 3 : 1;
    const forData = this.#version === 10 ? 2 : 0;
    writeSet(to, first.kind === 'options' ? forOptions : forData, set.done());
    return templates.length;
  }

  /** RFC 7011, section 8.1: one template, or all of a kind. */
  #withdrawal(to: OctetWriter): void {
    const one = this.#random.pick([...this.#templates.values()]);
    const setId = one.kind === 'options' ? 3 : 2;
    const all = this.#random.once(3);
    writeSet(
      to,
      setId,
      new OctetWriter()
        .u16(all ? setId : one.id)
        .u16(0)
        .done(),
    );
    for (const { id, kind } of [...this.#templates.values()]) {
      if (id === one.id || (all && kind === one.kind)) this.#templates.delete(id);
    }
  }

  #dataSet(to: OctetWriter): WrittenRecord[] {
    const random = this.#random;
    const template = random.pick([...this.#templates.values()]);
    const set = new OctetWriter();
    const records: WrittenRecord[] = [];
    const count = random.once(10) ? random.int(100, 700) : random.int(1, 20);
    while (records.length < count && set.length < 3_000) {
      const values = template.fields.map((field) => writeField(random, set, field));
      records.push({ template, values });
    }
    // Padding is shorter than any record (RFC 7011, section 3.3.1).
    const least = template.fields.reduce((sum, { length }) => sum + leastOctets(length), 0);
    const padding = Math.min(random.int(0, 3), least - 1);
    set.add(new Uint8Array(padding));
    writeSet(to, template.id, set.done());
    return records;
  }

  #message(body: Uint8Array, records: WrittenRecord[], count: number): WrittenMessage {
    const random = this.#random;
    const version = this.#version;
    const exportSeconds = random.u32();
    const sysUptime = version === 9 ? random.u32() : 0;
    const sequence = this.#sequence;
    const domain = this.#domain;
    const to = new OctetWriter().u16(version);
    if (version === 10) to.u16(16 + body.length).u32(exportSeconds);
    else to.u16(count).u32(sysUptime).u32(exportSeconds);
    to.u32(sequence).u32(domain).add(body);
    this.#sequence = (sequence + (version === 10 ? records.length : 1)) >>> 0;
    const own = { exportSeconds, sysUptime, sequence, domain, exportNanoseconds: 0, sampling: 0 };
    const header = { ...own, count: version === 9 ? count : 0 };
    return { octets: to.done(), version, header, records };
  }
}

function writeSet(to: OctetWriter, id: number, content: Uint8Array): void {
  to.u16(id)
    .u16(4 + content.length)
    .add(content);
}

function leastOctets(length: number): number {
  return length === VARIABLE ? 1 : length;
}

function writeField(random: Random, to: OctetWriter, field: WrittenField): WrittenValue {
  const { type, length } = field;
  if (length !== VARIABLE) {
    const value = writeValue(random, type, length);
    to.add(value.octets);
    return value;
  }
  const value = writeValue(random, type, variableLength(random, field));
  const octets = value.octets.length;
  if (octets > 254 || random.once(5)) to.u8(255).u16(octets);
  else to.u8(octets);
  to.add(value.octets);
  return value;
}

function variableLength(random: Random, { type }: WrittenField): number {
  const inOctets = type === undefined || type === 'string' || type === 'octetArray';
  return random.pick(inOctets ? [0, 1, 7, 40, 254, 255, 300] : lengthsOf(type));
}

/** Messages of one exporter, of NetFlow v9 or IPFIX. */
export function arbitraryMessages(
  version: 9 | 10,
  makeTemplate?: MakeTemplate,
): fc.Arbitrary<WrittenMessage[]> {
  return fc.tuple(fc.integer(), fc.integer({ min: 1, max: 8 })).map(([seed, count]) => {
    const writer = new MessageWriter(seed, version, makeTemplate);
    return Array.from({ length: count }, () => writer.next());
  });
}
