import { SEND_ERRORS_ADVICE } from './send-errors.ts';

/**
 * The counters of a forwarder: each is described here once. Status, API, loss log and documents follow.
 *
 * - `traffic`: packets and their payload bytes.
 * - `count`: one number.
 * - `errors`: one number for each errno.
 */
export type CounterKind = 'traffic' | 'count' | 'errors';

/** One counter of a forwarder. Cumulative, never reset while the forwarder's memory lives. */
export interface ForwarderCounter {
  /** As in ForwarderStatus; in snake_case the field of ForwarderStatus in proto/settings.proto. */
  readonly key: string;
  readonly kind: CounterKind;
  /**
   * Where packet I/O writes it: the name in `enum pio_counter` without PIO_ (of `traffic` without _PACKETS and
   * _BYTES too; of `errors` that of errno 0). Absent: it comes from elsewhere.
   */
  readonly counter?: string;
  /** What it counts. The comment in proto/settings.proto says `key counts` or `key are`, and then this. */
  readonly meaning: string;
  /** What the log calls packets or copies that were lost so; absent where nothing is lost, or all as wanted. */
  readonly loss?: string;
  /** What helps against it: in the log, and in the table of losses in docs/operating.md. */
  readonly advice?: string;
}

export const FORWARDER_COUNTERS = [
  {
    key: 'received',
    kind: 'traffic',
    counter: 'RECEIVED',
    meaning:
      'the packets taken from its socket: each of them is in the input of one rule or in mismatched',
  },
  {
    key: 'forwarded',
    kind: 'traffic',
    counter: 'FORWARDED',
    meaning: 'the copies that the kernel accepted, to all collectors',
  },
  {
    key: 'pipelines',
    kind: 'traffic',
    counter: 'PIPELINES',
    meaning: 'the packets handed over to pipelines of this node, each once however many take it',
  },
  {
    key: 'kernelDrops',
    kind: 'count',
    meaning:
      'packets that the kernel dropped before the proxy could take them: receive buffer full, or a wrong checksum',
    loss: 'kernel drops',
    advice:
      'more forwarders, a larger `COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES` (without CAP_NET_ADMIN also `sysctl net.core.rmem_max`)',
  },
  {
    key: 'truncated',
    kind: 'count',
    counter: 'TRUNCATED',
    meaning: 'packets that were larger than the packet buffer and forwarded cut',
    loss: 'truncated',
    advice: 'raise `COLLECTOR_FLOXY_PACKET_BUFFER_SIZE`',
  },
  {
    key: 'noEligibleCollector',
    kind: 'count',
    counter: 'NO_ELIGIBLE_COLLECTOR',
    meaning:
      'copies that no collector of an output could take (an IPv6 packet, an output of IPv4 collectors)',
    loss: 'no eligible collector',
    advice: 'add IPv6 collectors to the output',
  },
  {
    key: 'hopLimitExceeded',
    kind: 'count',
    counter: 'HOP_LIMIT_EXCEEDED',
    meaning:
      'packets that arrived with a hop limit (IPv4: TTL) of 1, which ends here: they circle, or their exporter sends them so',
    loss: 'hop limit exceeded',
    advice:
      'find the circle: a collector that is this proxy, or another proxy that sends here; or raise the TTL at the exporter',
  },
  {
    key: 'sendErrors',
    kind: 'errors',
    counter: 'SEND_ERRORS',
    meaning: 'the copies that could not be sent, by error',
    loss: 'send error',
    advice: SEND_ERRORS_ADVICE,
  },
  {
    key: 'refusals',
    kind: 'errors',
    counter: 'REFUSALS',
    meaning:
      'the copies from an address of this host that were sent and came back by ICMP, by error: a closed port, no such host',
    loss: 'refused',
    advice: 'is the collector running, and is its port right? `floxy collectors` names it',
  },
  {
    key: 'receiveErrors',
    kind: 'errors',
    counter: 'RECEIVE_ERRORS',
    meaning: 'failed attempts to receive, by error',
    loss: 'receive error',
    advice: 'the kernel says why in `dmesg`, if anywhere',
  },
  {
    key: 'droppedByRule',
    kind: 'count',
    counter: 'DROPPED_BY_RULE',
    meaning: 'packets whose rule, or the default, has no outputs',
    advice: 'nothing: the rules want it',
  },
  {
    key: 'frames',
    kind: 'count',
    counter: 'FRAMES',
    meaning: "copies that were sent as whole Ethernet frames, past the kernel's own way of sending",
  },
  {
    key: 'framesRefused',
    kind: 'count',
    counter: 'FRAMES_REFUSED',
    meaning:
      'frames that a link refused: their copies, and those behind them, left through raw sockets instead',
    advice: 'nothing, unless they grow: the link is down, or full',
  },
  {
    key: 'fragmented',
    kind: 'count',
    counter: 'FRAGMENTED',
    meaning: 'copies that were sent as IP fragments',
  },
  {
    key: 'fragments',
    kind: 'count',
    counter: 'FRAGMENTS',
    meaning: 'the IP fragments sent for them',
  },
  {
    key: 'templateCopies',
    kind: 'count',
    counter: 'TEMPLATE_COPIES',
    meaning:
      'copies with templates, without flows, for collectors of an output whose turn it was not: forwarded, or in send_errors',
  },
  {
    key: 'templateResends',
    kind: 'count',
    counter: 'TEMPLATE_RESENDS',
    meaning:
      'messages with known templates for collectors that are new to an exporter or have come back: forwarded, or in send_errors',
  },
  {
    key: 'templatesUnreadable',
    kind: 'count',
    counter: 'TEMPLATES_UNREADABLE',
    meaning:
      'packets of NetFlow v9 or IPFIX that cannot be read: they are forwarded as they are, to the collector whose turn it is',
    advice:
      'look at them (`floxy capture`): when they are cut, raise `COLLECTOR_FLOXY_PACKET_BUFFER_SIZE`; else their exporter breaks the protocol',
  },
  {
    key: 'templatesUnkept',
    kind: 'count',
    counter: 'TEMPLATES_UNKEPT',
    meaning:
      'templates that there was no room to keep: who needs them later has to wait until their exporter sends them again',
    advice:
      'nothing, unless exporters are real: more forwarders keep more (16,384 exporter endpoints and domains each)',
  },
  {
    key: 'sendRetries',
    kind: 'count',
    counter: 'SEND_RETRIES',
    meaning: 'waits for room in a full send buffer',
  },
] as const satisfies readonly ForwarderCounter[];

/** The rows of the catalogue. */
export type KnownCounter = (typeof FORWARDER_COUNTERS)[number];
