/**
 * What the walker of sFlow v5 datagrams hands over, and to whom (sflow.org/sflow_version_5.txt). There is one object for
 * all datagrams and one for all samples of a walker: consumers read them while they are called, and keep nothing.
 */

/** The datagram that is being walked. */
export interface SflowDatagram {
  /** Where all offsets of the datagram and of its samples point. */
  bytes: Uint8Array;
  /** First octet of the datagram, and the one behind its last. */
  start: number;
  end: number;
  /** When it was received, in milliseconds of the Unix epoch. */
  receivedMs: number;
  /** UDP source: four words as in `Packets.sources`, and the port. */
  readonly source: Uint32Array;
  sourcePort: number;
  /** Type of the agent's address: 1 IPv4, 2 IPv6, 0 unknown. */
  agentType: number;
  /** Four words, IPv4 as ::ffff:a.b.c.d; all 0 when unknown. */
  readonly agent: Uint32Array;
  subAgent: number;
  sequence: number;
  /** Milliseconds since the agent was started. */
  uptimeMs: number;
  /** Samples that it says it has. */
  sampleCount: number;
}

/** Of `SflowSample.kind`. */
export const SAMPLE_KIND = { flow: 1, counters: 2, discarded: 5 } as const;

/** Formats of interfaces (`interface_expanded`): what the value beside them means. */
export const INTERFACE_FORMAT = { index: 0, discarded: 1, multiple: 2 } as const;

/** Value of an interface of format 0 that is none: the packet came from, or went to, the device itself. */
export const INTERNAL_INTERFACE = 0x3fffffff;

/**
 * The sample that is being walked, plain or expanded. Its records lie within the sample, and the sample within the
 * datagram, whatever their lengths say.
 */
export interface SflowSample {
  /** A value of SAMPLE_KIND. */
  kind: number;
  sequence: number;
  /** Data source: class (0 ifIndex, 1 VLAN, 2 physical entity) and index. */
  sourceClass: number;
  sourceIndex: number;
  /** Flow samples: one in so many packets was sampled. */
  samplingRate: number;
  /** Flow samples: packets that could have been sampled, since the agent started. */
  samplePool: number;
  /** Flow samples and discarded packets: samples that the agent had to drop, since it started. */
  drops: number;
  /** Flow samples and discarded packets: INTERFACE_FORMAT and value. */
  inputFormat: number;
  input: number;
  outputFormat: number;
  output: number;
  /** Discarded packets: why (sflow.org/sflow_drops.txt). */
  reason: number;
  /** Records that came whole. */
  records: number;
  /** Of each record its format (enterprise in the upper 20 bits), its first octet and the one behind its last. */
  readonly formats: Uint32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Takes what a walker finds. Called in the order of the datagram. */
export interface SflowConsumer {
  beginDatagram(datagram: SflowDatagram): void;
  /** A flow sample or a discarded packet. */
  flowSample(datagram: SflowDatagram, sample: SflowSample): void;
  counterSample(datagram: SflowDatagram, sample: SflowSample): void;
  endDatagram(datagram: SflowDatagram): void;
}

/** Two consumers as one, in this order. */
export function bothConsumers(first: SflowConsumer, second: SflowConsumer): SflowConsumer {
  return {
    beginDatagram: (datagram) => {
      first.beginDatagram(datagram);
      second.beginDatagram(datagram);
    },
    flowSample: (datagram, sample) => {
      first.flowSample(datagram, sample);
      second.flowSample(datagram, sample);
    },
    counterSample: (datagram, sample) => {
      first.counterSample(datagram, sample);
      second.counterSample(datagram, sample);
    },
    endDatagram: (datagram) => {
      first.endDatagram(datagram);
      second.endDatagram(datagram);
    },
  };
}
