import { ownOctets } from '../../../base/octets.ts';
import type { MessageHeader, RecordConsumer } from '../../decode/record-consumer.ts';
import type { Exporter, Session } from '../../decode/session.ts';
import type { RecordSet, Template, TemplateField } from '../../decode/template.ts';
import type { AbstractType } from '../../elements/element.ts';
import { ElementRegistry } from '../../elements/elements.ts';
import { type Literal, makeLiteral, OVERRUN, putLiteral } from '../literal.ts';
import { exporterName } from './exporter-name.ts';
import { HEADERS, putHeader } from './headers.ts';
import type { MessageBuffer } from './message-buffer.ts';
import { NETFLOW5_PLAN } from './netflow5-plan.ts';
import { putRecords } from './put-records.ts';
import { planElements, type RecordPlan } from './record-plan.ts';

/**
 * Octets from which a message is ended and another one begun, with the same header: a datagram of 64 KiB can be more
 * than a megabyte of JSON, which brokers refuse.
 */
const MESSAGE_BYTES = 900_000;

const START = '{"AgentID":"';
const END = makeLiteral(']}');

interface KnownExporter {
  /** Up to its address. */
  readonly start: Literal;
  readonly key: Buffer;
}

/** Where messages of each version go. */
export type NetflowBuffers = Readonly<Record<5 | 9 | 10, MessageBuffer>>;

/** Writes NetFlow v5, v9 and IPFIX as vFlow's JSON: a message for each datagram that has records. */
export class NetflowVflowJson implements RecordConsumer {
  readonly #buffers: NetflowBuffers;
  readonly #elements: ElementRegistry;
  readonly #plans = new WeakMap<Template, RecordPlan>();
  readonly #exporters = new WeakMap<Exporter, KnownExporter>();
  #buffer: MessageBuffer;
  #header: MessageHeader | undefined;
  #exporter: KnownExporter | undefined;
  /** Records of the message that is being written. */
  #records = 0;

  constructor(buffers: NetflowBuffers, elements: ElementRegistry = new ElementRegistry()) {
    this.#buffers = buffers;
    this.#elements = elements;
    this.#buffer = buffers[10];
  }

  begin(header: MessageHeader, session: Session): void {
    this.#buffer = this.#buffers[header.version];
    // A message that was never ended: what wrote it was stopped by an exception.
    if (this.#buffer.messageBytes > 0) this.#buffer.dropMessage(this.#records);
    this.#header = header;
    this.#exporter = this.#exporterOf(session.exporter);
    this.#beginMessage();
  }

  records(template: Template, set: RecordSet): void {
    const plan = template.version === 5 ? NETFLOW5_PLAN : this.#planOf(template);
    for (let i = 0; i < set.count; ) {
      if (this.#buffer.messageBytes > MESSAGE_BYTES) {
        this.#endMessage();
        this.#beginMessage();
      }
      const count = putRecords(this.#buffer, plan, set, i, this.#records > 0);
      this.#records += count;
      i += count;
    }
  }

  /** Option records are data sets in vFlow. */
  options(template: Template, set: RecordSet): void {
    this.records(template, set);
  }

  end(): void {
    this.#endMessage();
    this.#header = undefined;
  }

  endBatch(): void {}

  #beginMessage(): void {
    const { start } = this.#exporter as KnownExporter;
    const header = this.#header as MessageHeader;
    const plan = HEADERS[header.version];
    const out = this.#buffer.ensure(start.length + plan.room + OVERRUN);
    this.#buffer.at = putHeader(out, putLiteral(out, this.#buffer.at, start), plan, header);
    this.#records = 0;
  }

  #endMessage(): void {
    const out = this.#buffer.ensure(END.length + OVERRUN);
    this.#buffer.at = putLiteral(out, this.#buffer.at, END);
    this.#buffer.endMessage((this.#exporter as KnownExporter).key);
  }

  #planOf(template: Template): RecordPlan {
    const known = this.#plans.get(template);
    if (known) return known;
    const plan = planElements(template, (field) => this.#typeOf(template, field));
    this.#plans.set(template, plan);
    return plan;
  }

  /** Scope fields of NetFlow v9 are no elements, but numbers (RFC 3954, section 6.1). */
  #typeOf(template: Template, { pen, id, scope }: TemplateField): AbstractType | undefined {
    if (template.version === 9 && scope) return 'unsigned32';
    return this.#elements.of(pen, id)?.type;
  }

  #exporterOf(exporter: Exporter): KnownExporter {
    const known = this.#exporters.get(exporter);
    if (known) return known;
    const name = exporterName(exporter.address);
    const made = { start: makeLiteral(`${START}${name}`), key: ownOctets(name) };
    this.#exporters.set(exporter, made);
    return made;
  }
}
