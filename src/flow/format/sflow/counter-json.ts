import type { SflowConsumer, SflowDatagram, SflowSample } from '../../decode/sflow/consumer.ts';
import { COUNTER_RECORDS } from '../../decode/sflow/structures/catalogue.ts';
import type { Structure } from '../../decode/sflow/structures/structure.ts';
import type { EncodedBatch } from '../../model/encoded-batch.ts';
import { putDotted, putIpv6, putUint } from '../digits.ts';
import { type Literal, makeLiteral, OVERRUN, putLiteral } from '../literal.ts';
import { microseconds, putTime } from '../time-text.ts';
import { exporterName } from '../vflow/exporter-name.ts';
import { MessageBuffer } from '../vflow/message-buffer.ts';
import { planStructure, putStructure, type StructurePlan } from './structure-json.ts';

export interface SflowCounterJsonOptions {
  /** Takes messages; their memory is taken back when it returns. */
  readonly handOn: (batch: EncodedBatch) => void;
  /** Whether messages get the agent's address as key. */
  readonly keyed: boolean;
}

interface Plan {
  readonly record: Literal;
  readonly fields: StructurePlan;
}

const TYPE = makeLiteral('{"type":"sflow_counter","time_received":"');
const SAMPLER = makeLiteral('","sampler_address":"');
const DOMAIN = makeLiteral('","observation_domain_id":');
const SEQUENCE = makeLiteral(',"sequence_num":');
const SOURCE_CLASS = makeLiteral(',"source_class":');
const SOURCE_INDEX = makeLiteral(',"source_index":');
const CLOSE = makeLiteral('}');
/** Of an object without the fields of its record. */
const HEAD_ROOM = 512;

/**
 * Writes counter samples as flat JSON: an object of type `sflow_counter` for each record of a known format, with the
 * fields of the record beside those that say whose it is. Flow samples are rows, and not written here.
 */
export class SflowCounterJson implements SflowConsumer {
  readonly #out: MessageBuffer;
  readonly #keyed: boolean;
  readonly #plans: ReadonlyMap<number, Plan>;

  constructor({ handOn, keyed }: SflowCounterJsonOptions) {
    this.#out = new MessageBuffer('sflow', handOn, { keyed });
    this.#keyed = keyed;
    this.#plans = new Map([...COUNTER_RECORDS].map(([format, known]) => [format, planOf(known)]));
  }

  /** Records in messages that have not been handed on. */
  get waiting(): number {
    return this.#out.records;
  }

  /** Hands on all messages. Not within a datagram. */
  flush(): void {
    this.#out.flush();
  }

  beginDatagram(): void {
    // A message that was never ended: what wrote it was stopped by an exception.
    if (this.#out.messageBytes > 0) this.#out.dropMessage(1);
  }

  flowSample(): void {}

  counterSample(datagram: SflowDatagram, sample: SflowSample): void {
    const key = this.#keyed ? Buffer.from(exporterName(samplerOf(datagram))) : NO_KEY;
    for (let i = 0; i < sample.records; i++) {
      const plan = this.#plans.get(sample.formats[i] as number);
      if (plan === undefined) continue;
      this.#out.records++;
      this.#putHead(datagram, sample, plan);
      const { starts, ends } = sample;
      putStructure(this.#out, plan.fields, datagram.bytes, starts[i] as number, ends[i] as number);
      this.#out.at = putLiteral(this.#out.ensure(CLOSE.length + OVERRUN), this.#out.at, CLOSE);
      this.#out.endMessage(key);
    }
  }

  endDatagram(): void {}

  #putHead(datagram: SflowDatagram, sample: SflowSample, { record }: Plan): void {
    const view = this.#out.ensure(HEAD_ROOM);
    let at = putLiteral(view, this.#out.at, TYPE);
    at = putTime(view, at, microseconds(datagram.receivedMs));
    at = putAddress(view, putLiteral(view, at, SAMPLER), samplerOf(datagram));
    at = putUint(view, putLiteral(view, at, DOMAIN), datagram.subAgent);
    at = putUint(view, putLiteral(view, at, SEQUENCE), sample.sequence);
    at = putUint(view, putLiteral(view, at, SOURCE_CLASS), sample.sourceClass);
    at = putUint(view, putLiteral(view, at, SOURCE_INDEX), sample.sourceIndex);
    this.#out.at = putLiteral(view, at, record);
  }
}

const NO_KEY = Buffer.alloc(0);

/** The exporter: the agent, or the source of the datagram where the agent has no address. */
function samplerOf({ agent, agentType, source }: SflowDatagram): Uint32Array {
  return agentType === 0 ? source : agent;
}

function putAddress(view: DataView, at: number, words: Uint32Array): number {
  const isIpv4 = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  return isIpv4 ? putDotted(view, at, words[3] as number) : putIpv6(view, at, words, 0);
}

function planOf(known: Structure): Plan {
  const record = makeLiteral(`,"record":"${known.name}"`);
  // All fields follow others: each begins with a comma.
  const fields = planStructure(known, ({ key }) => key, { follows: true });
  return { record, fields };
}
