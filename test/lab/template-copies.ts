/**
 * What collectors get of NetFlow v9 and IPFIX messages when it is not their turn (R23), written as plainly as possible:
 * every message becomes a list of sets, and is put together again without those that nobody else needs.
 */

const V9 = 9;
const IPFIX = 10;
const MOST_SETS = 1024;

interface FlowSet {
  readonly id: number;
  readonly body: Buffer;
}

interface Template {
  readonly id: number;
  readonly isOptions: boolean;
  /** Octets of a data record; undefined: they vary, or there is no such record any more. */
  readonly recordBytes: number | undefined;
  readonly isWithdrawal: boolean;
}

/** Remembers what one exporter endpoint announces. */
export class TemplateCopies {
  /** By version, domain and id. */
  readonly #known = new Map<string, Template>();
  /** Messages that could not be read. */
  unreadable = 0;

  /** The next message of the exporter. @returns what the others get, which may be the same; undefined: nothing */
  take(payload: Buffer): Buffer | undefined {
    const version = payload.length < 2 ? 0 : payload.readUInt16BE(0);
    if (version !== V9 && version !== IPFIX) return undefined;
    const read = readMessage(version, payload);
    if (read === undefined) {
      this.unreadable++;
      return undefined;
    }
    const { sets, templates, domain } = read;
    const key = (id: number) => `${version} ${domain} ${id}`;
    for (const template of templates) this.#learn(template, key);
    const optionsOf = ({ id }: FlowSet) => {
      const template = id < 256 ? undefined : this.#known.get(key(id));
      return template?.isOptions === true ? template : undefined;
    };
    const kept = sets.filter((set) => isOfTemplates(version, set.id) || optionsOf(set));
    if (kept.length === 0) return undefined;
    if (kept.length === sets.length) return payload;
    const records = kept
      .filter(({ id }) => id >= 256)
      .map((set) => recordsIn(set, optionsOf(set)?.recordBytes))
      .reduce((sum, count) => sum + count, templates.length);
    return writeMessage(version, payload, kept, records);
  }

  #learn({ isWithdrawal, ...template }: Template, key: (id: number) => string): void {
    if (template.id >= 256) {
      if (isWithdrawal) this.#known.delete(key(template.id));
      else this.#known.set(key(template.id), { ...template, isWithdrawal });
      return;
    }
    const domain = key(0).slice(0, -1);
    for (const [known, { isOptions }] of this.#known) {
      if (known.startsWith(domain) && isOptions === template.isOptions) this.#known.delete(known);
    }
  }
}

function recordsIn({ body }: FlowSet, recordBytes: number | undefined): number {
  return recordBytes ? Math.floor(body.length / recordBytes) : 0;
}

function isOfTemplates(version: number, id: number): boolean {
  return version === V9 ? id === 0 || id === 1 : id === 2 || id === 3;
}

/** @returns undefined when it is malformed anywhere that matters */
function readMessage(version: number, payload: Buffer) {
  const header = version === V9 ? 20 : 16;
  if (payload.length < header) return undefined;
  if (version === IPFIX && payload.readUInt16BE(2) !== payload.length) return undefined;
  const sets: FlowSet[] = [];
  const templates: Template[] = [];
  for (let at = header; payload.length - at >= 4; ) {
    const id = payload.readUInt16BE(at);
    const length = payload.readUInt16BE(at + 2);
    if (length < 4 || at + length > payload.length || sets.length === MOST_SETS) return undefined;
    const body = payload.subarray(at + 4, at + length);
    sets.push({ id, body });
    if (isOfTemplates(version, id)) {
      const those = readTemplates(version, id, body);
      if (those === undefined) return undefined;
      templates.push(...those);
    }
    at += length;
  }
  return { sets, templates, domain: payload.readUInt32BE(header - 4) };
}

function readTemplates(version: number, setId: number, body: Buffer): Template[] | undefined {
  const isOptions = setId === 1 || setId === 3;
  const templates: Template[] = [];
  let rest = body;
  // Zeros to the end are padding.
  while (rest.length >= 4 && rest.some((octet) => octet !== 0)) {
    const read =
      version === V9 && isOptions ? readV9Options(rest) : readCounted(version, isOptions, rest);
    if (read === undefined) return undefined;
    const id = rest.readUInt16BE(0);
    const isWithdrawal = read.lengths.length === 0;
    const isOfAll = version === IPFIX && isWithdrawal && id === setId;
    if (id < 256 && !isOfAll) return undefined;
    const isVariable = version === IPFIX && read.lengths.includes(0xffff);
    const recordBytes = isVariable ? undefined : read.lengths.reduce((sum, one) => sum + one, 0);
    templates.push({ id, isOptions, isWithdrawal, recordBytes });
    rest = rest.subarray(read.bytes);
  }
  return templates;
}

/** Lengths of all fields, and the octets of the record of the template. */
interface Fields {
  readonly lengths: number[];
  readonly bytes: number;
}

function readV9Options(rest: Buffer): Fields | undefined {
  if (rest.length < 6) return undefined;
  const scopes = rest.readUInt16BE(2);
  const options = rest.readUInt16BE(4);
  if (scopes % 4 !== 0 || options % 4 !== 0) return undefined;
  return readFields(rest, 6, (scopes + options) / 4, false);
}

function readCounted(version: number, isOptions: boolean, rest: Buffer): Fields | undefined {
  const count = rest.readUInt16BE(2);
  const header = isOptions && count > 0 ? 6 : 4;
  if (rest.length < header) return undefined;
  return readFields(rest, header, count, version === IPFIX);
}

function readFields(rest: Buffer, from: number, count: number, mayHaveEnterprise: boolean) {
  const lengths: number[] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    if (at + 4 > rest.length) return undefined;
    const isOfEnterprise = mayHaveEnterprise && rest.readUInt16BE(at) >= 0x8000;
    lengths.push(rest.readUInt16BE(at + 2));
    at += isOfEnterprise ? 8 : 4;
    if (at > rest.length) return undefined;
  }
  return { lengths, bytes: at };
}

function writeMessage(
  version: number,
  payload: Buffer,
  sets: readonly FlowSet[],
  records: number,
): Buffer {
  const header = Buffer.from(payload.subarray(0, version === V9 ? 20 : 16));
  const written = sets.map(({ id, body }) => {
    const start = Buffer.alloc(4);
    start.writeUInt16BE(id, 0);
    start.writeUInt16BE(body.length + 4, 2);
    return Buffer.concat([start, body]);
  });
  const message = Buffer.concat([header, ...written]);
  message.writeUInt16BE(version === V9 ? records & 0xffff : message.length, 2);
  return message;
}
