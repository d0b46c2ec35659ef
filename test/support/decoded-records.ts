import { makeDecodeCounters } from '../../src/flow/decode/counters.ts';
import { Decoder } from '../../src/flow/decode/decoder.ts';
import { NetflowWalker } from '../../src/flow/decode/netflow-walker.ts';
import type { MessageHeader, RecordConsumer } from '../../src/flow/decode/record-consumer.ts';
import {
  type RecordSet,
  type Template,
  VARIABLE_LENGTH,
  variableEnd,
  variableStart,
} from '../../src/flow/decode/template.ts';
import { VflowJson } from '../../src/flow/format/vflow/vflow-json.ts';
import type { EncodedBatch } from '../../src/flow/model/encoded-batch.ts';
import type { FlowProtocol, Packets } from '../../src/flow/model/packets.ts';

/** A field of a record, as it is decoded and as vFlow's JSON has it. */
export interface DecodedField {
  readonly pen: number;
  readonly id: number;
  /** In hexadecimal. */
  readonly octets: string;
  /** A number is text that begins with `#`: no double holds all of them. */
  readonly json: unknown;
}

type Found = Omit<DecodedField, 'json'>;

/** Decodes datagrams of NetFlow v5, v9 and IPFIX: all their records, without fields that are 0 long. */
export function decodedRecords(packets: Packets): DecodedField[][] {
  const found = new Map<FlowProtocol, Found[][]>();
  const written = new Map<FlowProtocol, unknown[][]>();
  const json = new VflowJson({
    keyed: false,
    handOn: (batch) => {
      const protocol = batch.protocol as FlowProtocol;
      written.set(protocol, [...(written.get(protocol) ?? []), ...valuesOf(batch)]);
    },
  });
  const counters = makeDecodeCounters();
  const consumers = [new Finder(found), json.netflow];
  const netflow = new NetflowWalker({ counters, consumers });
  const decoder = new Decoder({
    counters,
    netflow,
    sflow: { datagram: () => undefined, endBatch: () => undefined },
  });
  decoder.decode(packets);
  netflow.stop();
  json.flush();
  return [...found].flatMap(([protocol, records]) => {
    const values = written.get(protocol) ?? [];
    if (values.length !== records.length) throw new Error(`${protocol}: records are missing`);
    return records.map((record, i) =>
      record.map((field, j) => ({ ...field, json: (values[i] as unknown[])[j] })),
    );
  });
}

class Finder implements RecordConsumer {
  readonly #found: Map<FlowProtocol, Found[][]>;
  #records: Found[][] = [];

  constructor(found: Map<FlowProtocol, Found[][]>) {
    this.#found = found;
  }

  begin({ protocol }: MessageHeader): void {
    this.#records = this.#found.get(protocol) ?? [];
    this.#found.set(protocol, this.#records);
  }

  records({ fields }: Template, { bytes, positions, stride, count }: RecordSet): void {
    const present = fields.filter(({ length }) => length > 0);
    for (let i = 0; i < count; i++) {
      const record = present.map(({ pen, id, length, run, offset }) => {
        const at = (positions[run * stride + i] as number) + offset;
        const isVariable = length === VARIABLE_LENGTH;
        const from = isVariable ? variableStart(bytes, at) : at;
        const to = isVariable ? variableEnd(bytes, at) : at + length;
        return { pen, id, octets: Buffer.from(bytes.subarray(from, to)).toString('hex') };
      });
      this.#records.push(record);
    }
  }

  options(template: Template, set: RecordSet): void {
    this.records(template, set);
  }

  end(): void {}

  endBatch(): void {}
}

function valuesOf({ bytes, ends }: EncodedBatch): unknown[][] {
  let start = 0;
  return [...ends].flatMap((end) => {
    const { DataSets, Flows } = parseExactly(bytes.toString('utf8', start, end)) as {
      DataSets?: { V: unknown }[][];
      Flows?: object[];
    };
    start = end;
    return DataSets?.map((record) => record.map(({ V }) => V)) ?? Flows?.map(Object.values) ?? [];
  });
}

/** Parses JSON. Numbers become text, `#` and what is written. */
export function parseExactly(text: string): unknown {
  const reviver = (_: string, value: unknown, { source }: { source?: string }) =>
    typeof value === 'number' ? `#${source}` : value;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}
