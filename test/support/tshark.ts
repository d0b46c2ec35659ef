import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Why tests that ask tshark are skipped; false when it is there. */
export const noTshark: string | false =
  spawnSync('tshark', ['--version']).status !== 0 &&
  'tshark is not installed (apt-get install tshark)';

/** A field of a record as tshark decodes it. */
export interface TsharkField {
  /** Its filter name: cflow.srcaddr. Empty for groups. */
  readonly name: string;
  /** Its octets, in hexadecimal. */
  readonly value: string;
  /** How tshark prints it. */
  readonly show: string;
}

/** A flow or option record: its fields in the order of their octets. */
export interface TsharkRecord {
  /** Which frame of the capture, from 1. */
  readonly frame: number;
  readonly fields: readonly TsharkField[];
}

interface Node extends TsharkField {
  readonly pos: number;
  readonly size: number;
  readonly children: Node[];
}

const NODE = /^\s*<field (.*?)(\/?)>$/;
const CLOSING = '</field>';
/** `Flow 1 (text)` where the first of its texts is shown with it. */
const RECORD = /^(Flow \d+|pdu \d+\/\d+)( |$)/;

/**
 * Decodes the flow datagrams of a capture. In two passes, so that records that come before their template are there.
 *
 * @param ports on which there is NetFlow or IPFIX
 */
export async function tsharkRecords(
  file: string,
  ports: readonly number[],
): Promise<TsharkRecord[]> {
  const as = ports.flatMap((port) => ['-d', `udp.port==${port},cflow`]);
  // Fragments and streams of other protocols are none of our business here.
  const args = ['-2', '-n', '-r', file, ...as, '-Y', 'cflow', '-J', 'cflow', '-T', 'pdml'];
  const child = spawn('tshark', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(child, 'close');
  const records: TsharkRecord[] = [];
  const parser = new RecordParser((record) => records.push(record));
  for await (const line of createInterface({ input: child.stdout })) parser.line(line);
  const [status] = await exited;
  if (status !== 0) throw new Error(`tshark ${args.join(' ')} ended with ${status}`);
  return records;
}

/** Finds records in the lines of PDML, where each element has a line of its own. */
class RecordParser {
  readonly #found: (record: TsharkRecord) => void;
  /** From the record downwards; empty outside of one. */
  #open: Node[] = [];
  #frame = 0;

  constructor(found: (record: TsharkRecord) => void) {
    this.#found = found;
  }

  line(line: string): void {
    if (line.startsWith('<packet>')) this.#frame++;
    const attributes = NODE.exec(line);
    if (attributes) this.#node(attributes[1] as string, attributes[2] === '/');
    else if (this.#open.length > 0 && line.trim() === CLOSING) this.#close();
  }

  #node(attributes: string, whole: boolean): void {
    const of = (name: string) =>
      unescaped(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1]);
    const node = {
      name: of('name'),
      show: of('show'),
      value: of('unmaskedvalue') || of('value'),
      pos: Number(of('pos')),
      size: Number(of('size')),
      children: [],
    };
    if (this.#open.length === 0) {
      if (node.name === '' && RECORD.test(node.show) && !whole) this.#open.push(node);
      return;
    }
    this.#open.at(-1)?.children.push(node);
    if (!whole) this.#open.push(node);
  }

  #close(): void {
    const closed = this.#open.pop() as Node;
    if (this.#open.length > 0) return;
    this.#found({ frame: this.#frame, fields: fieldsOf(closed) });
  }
}

function fieldsOf(record: Node): TsharkField[] {
  const nodes = record.children.flatMap(leaves);
  const ends = nodes.filter(({ name }) => END_TIMES.has(name));
  const fields = nodes.filter(({ name }) => !END_TIMES.has(name)).sort(byPosition);
  for (const end of ends) fields.splice(placeOf(end, fields, record), 0, end);
  return fields.map((field, i) => halfTime(field, fields[i + 1], record)).reduce(joined, []);
}

const byPosition = (one: Node, other: Node) => one.pos - other.pos;

const END_TIMES = new Set(['cflow.timeend', 'cflow.abstimeend']);

/** tshark says that the end of a flow is somewhere else when it comes before its start: it fills the only gap. */
function placeOf({ pos, size }: Node, fields: readonly Node[], record: Node): number {
  const later = fields.findIndex((field) => field.pos >= pos);
  const place = later < 0 ? fields.length : later;
  const before = fields[place - 1];
  const begin = before ? before.pos + before.size : record.pos;
  const end = fields[place]?.pos ?? record.pos + record.size;
  if (begin <= pos && pos + size <= end) return place;
  let at = record.pos;
  for (const [i, field] of fields.entries()) {
    if (field.pos - at === size) return i;
    at = field.pos + field.size;
  }
  return fields.length;
}

/** tshark takes eight octets of a time, and says that it was four: then four are missing behind it. */
function halfTime(node: Node, next: Node | undefined, record: Node): Node {
  if (!node.name.startsWith('cflow.abstime') || node.size !== 4) return node;
  if ((next?.pos ?? record.pos + record.size) !== node.pos + 8) return node;
  const at = (node.pos - record.pos) * 2;
  return { ...node, value: record.value.slice(at, at + 16) };
}

/** tshark shows an applicationId as two fields. */
function joined(fields: TsharkField[], field: TsharkField): TsharkField[] {
  const last = fields.at(-1);
  const first =
    field.name === SELECTOR_ID && last?.name === 'cflow.appl_id.classification_engine_id';
  if (!first || !last) return [...fields, field];
  return [...fields.slice(0, -1), { ...field, value: last.value + field.value, show: '' }];
}

const SELECTOR_ID = 'cflow.appl_id.selector_id';

/** Start and end of a flow are within their duration; other groups are of the octets of one field. */
function leaves(node: Node): Node[] {
  if (node.name === 'cflow.timedelta') return node.children.flatMap(leaves);
  return node.size > 0 && node.value !== '' ? [node] : [];
}

function unescaped(text = ''): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#x27;', "'")
    .replaceAll('&amp;', '&');
}
