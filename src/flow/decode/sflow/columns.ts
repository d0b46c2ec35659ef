/** Flow samples to rows of columns. Counter samples are no rows of flow. */
import { FLOW_TYPE } from '../../model/columns.ts';
import type { BatchWriter } from '../batch-writer.ts';
import { putIpv4, putIpv6, wordAt } from '../bytes/words.ts';
import { type SamplingOverride, SamplingOverrides } from '../columns/sampling-overrides.ts';
import type { Columns } from '../headers/frame.ts';
import { HEADER_PROTOCOL, HeaderParser, type TunnelLayer } from '../headers/header-parser.ts';
import {
  INTERFACE_FORMAT,
  INTERNAL_INTERFACE,
  SAMPLE_KIND,
  type SflowConsumer,
  type SflowDatagram,
  type SflowSample,
} from './consumer.ts';
import { putGateway, putMpls, putNat, putNatPorts, putRouter, putSwitch } from './extended.ts';
import { FLOW_RECORD } from './formats.ts';
import { forwardingStatus } from './forwarding-status.ts';
import { RecentKeys } from './recent-keys.ts';

export interface SflowColumnsOptions {
  /** Which packet of a tunnel goes to the columns. */
  readonly tunnelLayer?: TunnelLayer;
  /** Rates that hold whatever the agents say. */
  readonly sampling?: readonly SamplingOverride[];
}

/** Exporters whose overridden rates are kept. */
const EXPORTERS = 4096;

export class SflowColumns implements SflowConsumer {
  readonly #writer: BatchWriter;
  readonly #columns: Columns;
  readonly #headers: HeaderParser;
  readonly #overrides: SamplingOverrides | undefined;
  readonly #exporters = new RecentKeys(EXPORTERS, 4);
  readonly #rates = new Uint32Array(this.#exporters.capacity);
  /** The rate of the datagram's samples; 0: what they say. */
  #rate = 0;

  constructor(
    writer: BatchWriter,
    { tunnelLayer = 'outer', sampling = [] }: SflowColumnsOptions = {},
  ) {
    this.#overrides = sampling.length > 0 ? new SamplingOverrides(sampling) : undefined;
    this.#writer = writer;
    this.#columns = writer.batch.columns;
    this.#headers = new HeaderParser(this.#columns, tunnelLayer);
  }

  beginDatagram(datagram: SflowDatagram): void {
    if (this.#overrides !== undefined) this.#rate = this.#rateOf(samplerOf(datagram));
  }

  /** One row for each: one packet was sampled, or discarded. */
  flowSample(datagram: SflowDatagram, sample: SflowSample): void {
    this.#writer.room();
    const { batch } = this.#writer;
    const row = batch.rows;
    batch.rows = row + 1;
    this.#putDatagram(row, datagram);
    this.#putSample(row, sample);
    for (let i = 0; i < sample.records; i++) {
      this.#putRecord(
        row,
        sample.formats[i] as number,
        datagram.bytes,
        sample.starts[i] as number,
        sample.ends[i] as number,
      );
    }
  }

  counterSample(): void {}

  endDatagram(): void {}

  #putDatagram(row: number, datagram: SflowDatagram): void {
    const columns = this.#columns;
    const { receivedMs } = datagram;
    columns.type[row] = FLOW_TYPE.sflow;
    columns.timeReceived[row] = receivedMs;
    columns.timeFlowStart[row] = receivedMs;
    columns.timeFlowEnd[row] = receivedMs;
    columns.sequenceNum[row] = datagram.sequence;
    const sampler = samplerOf(datagram);
    for (let word = 0; word < 4; word++) {
      columns.samplerAddress[row * 4 + word] = sampler[word] as number;
    }
    columns.samplerPort[row] = datagram.sourcePort;
    columns.observationDomainId[row] = datagram.subAgent;
  }

  #putSample(row: number, sample: SflowSample): void {
    const columns = this.#columns;
    const isSampled = sample.kind === SAMPLE_KIND.flow;
    columns.samplingRate[row] = (isSampled && this.#rate) || sample.samplingRate;
    columns.packets.low[row] = 1;
    columns.inIf[row] = interfaceIndex(sample.inputFormat, sample.input);
    columns.outIf[row] = interfaceIndex(sample.outputFormat, sample.output);
    if (!isSampled) {
      columns.forwardingStatus[row] = forwardingStatus(sample.reason);
    } else if (sample.outputFormat === INTERFACE_FORMAT.discarded) {
      columns.forwardingStatus[row] = forwardingStatus(sample.output);
    }
  }

  #rateOf(sampler: Uint32Array): number {
    const slot = this.#exporters.slot(sampler);
    if (this.#exporters.isNew) {
      const [first = 0, second = 0, third = 0, fourth = 0] = sampler;
      this.#rates[slot] = this.#overrides?.rateOf([first, second, third, fourth]) ?? 0;
    }
    return this.#rates[slot] as number;
  }

  #putRecord(row: number, format: number, bytes: Uint8Array, start: number, end: number): void {
    const columns = this.#columns;
    switch (format) {
      case FLOW_RECORD.header:
        this.#putHeader(row, bytes, start, end);
        break;
      case FLOW_RECORD.ethernet:
        putEthernet(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.ipv4:
        putSampledIpv4(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.ipv6:
        putSampledIpv6(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.extendedSwitch:
        putSwitch(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.extendedRouter:
        putRouter(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.extendedGateway:
        putGateway(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.extendedMpls:
        putMpls(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.extendedNat:
        putNat(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.extendedNatPort:
        putNatPorts(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.extendedVlanTunnel:
        putVlanTunnel(columns, row, bytes, start, end);
        break;
      case FLOW_RECORD.extendedWifiPayload:
        this.#putWifiPayload(row, bytes, start, end);
        break;
    }
  }

  /** sampled_header: protocol, frame length, octets that were stripped, and the header. */
  #putHeader(row: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 16) return;
    this.#columns.bytes.low[row] = wordAt(bytes, start + 4);
    const last = Math.min(end, start + 16 + wordAt(bytes, start + 12));
    this.#headers.parse(wordAt(bytes, start), bytes, start + 16, last, row);
  }

  /** The decrypted payload of a frame of 802.11: cipher suite, then a sampled_header that begins with LLC. */
  #putWifiPayload(row: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 20) return;
    const last = Math.min(end, start + 20 + wordAt(bytes, start + 16));
    this.#headers.parse(HEADER_PROTOCOL.llc, bytes, start + 20, last, row);
  }
}

/** The exporter: the agent, or the source of its datagrams where it has no address. */
function samplerOf({ agent, agentType, source }: SflowDatagram): Uint32Array {
  return agentType === 0 ? source : agent;
}

/** The index that an interface has; 0 when it is none, or several. */
function interfaceIndex(format: number, value: number): number {
  return format === INTERFACE_FORMAT.index && value !== INTERNAL_INTERFACE ? value : 0;
}

/** sampled_ethernet: length, source and destination (padded to eight octets each), EtherType. */
function putEthernet(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start < 24) return;
  putLengthWhereNone(columns, row, wordAt(bytes, start));
  columns.srcMac.high[row] = wordAt(bytes, start + 4) >>> 16;
  columns.srcMac.low[row] = wordAt(bytes, start + 6);
  columns.dstMac.high[row] = wordAt(bytes, start + 12) >>> 16;
  columns.dstMac.low[row] = wordAt(bytes, start + 14);
  if (columns.etype[row] === 0) columns.etype[row] = wordAt(bytes, start + 20);
}

/** sampled_ipv4: length, protocol, addresses, ports, TCP flags, type of service. */
function putSampledIpv4(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start < 32) return;
  columns.etype[row] = 0x800;
  putIpv4(columns.srcAddr, row * 4, bytes, start + 8);
  putIpv4(columns.dstAddr, row * 4, bytes, start + 12);
  putSampledIp(columns, row, bytes, start, start + 16);
}

/** sampled_ipv6: as sampled_ipv4, with the traffic class at the end. */
function putSampledIpv6(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start < 56) return;
  columns.etype[row] = 0x86dd;
  putIpv6(columns.srcAddr, row * 4, bytes, start + 8);
  putIpv6(columns.dstAddr, row * 4, bytes, start + 24);
  putSampledIp(columns, row, bytes, start, start + 40);
}

function putSampledIp(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  ports: number,
): void {
  putLengthWhereNone(columns, row, wordAt(bytes, start));
  columns.proto[row] = wordAt(bytes, start + 4);
  columns.srcPort[row] = wordAt(bytes, ports);
  columns.dstPort[row] = wordAt(bytes, ports + 4);
  columns.tcpFlags[row] = wordAt(bytes, ports + 8);
  columns.ipTos[row] = wordAt(bytes, ports + 12);
}

/** The frame's length of a sampled header counts more than that of a packet within it. */
function putLengthWhereNone(columns: Columns, row: number, length: number): void {
  if (columns.bytes.low[row] === 0) columns.bytes.low[row] = length;
}

/** The outermost of the tags that were stripped, where the header itself has none: TPID and TCI in a word. */
function putVlanTunnel(
  columns: Columns,
  row: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start < 8 || wordAt(bytes, start) === 0) return;
  columns.vlanId[row] = wordAt(bytes, start + 4) & 0xfff;
}
