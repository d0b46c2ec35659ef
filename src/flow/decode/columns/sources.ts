import type { COLUMNS } from '../../model/columns.ts';
import type { TimeForm } from './time-kernels.ts';

export type ColumnKey = (typeof COLUMNS)[number]['key'];

/**
 * Which elements fill which column, in the order in which they count: what comes later fills only rows where what came
 * before said nothing or zero. Names as IANA has them; those of vendors are of NetFlow v9, where they have no
 * enterprise number.
 */
export const NUMBER_SOURCES = {
  observationPointId: [138],
  // octetDeltaCount, postOctetDeltaCount, octetTotalCount, layer2OctetDeltaCount, initiatorOctets, responderOctets
  bytes: [1, 23, 85, 352, 231, 232],
  // packetDeltaCount, postPacketDeltaCount, packetTotalCount, initiatorPackets, responderPackets
  packets: [2, 24, 86, 298, 299],
  etype: [256],
  proto: [4],
  // sourceTransportPort, udpSourcePort, tcpSourcePort
  srcPort: [7, 180, 182],
  dstPort: [11, 181, 183],
  // ingressInterface, ingressPhysicalInterface
  inIf: [10, 252],
  outIf: [14, 253],
  // sourceMacAddress, postSourceMacAddress
  srcMac: [56, 81],
  // destinationMacAddress, postDestinationMacAddress
  dstMac: [80, 57],
  // vlanId, dot1qVlanId; postVlanId, postDot1qVlanId
  srcVlan: [58, 243],
  dstVlan: [59, 254],
  vlanId: [58, 243],
  // ipClassOfService, postIpClassOfService
  ipTos: [5, 55],
  forwardingStatus: [89],
  // ipTTL, minimumTTL, maximumTTL
  ipTtl: [192, 52, 53],
  ipFlags: [197],
  tcpFlags: [6],
  // icmpTypeIPv4, icmpTypeIPv6
  icmpType: [176, 178],
  icmpCode: [177, 179],
  ipv6FlowLabel: [31],
  fragmentId: [54],
  fragmentOffset: [88],
  srcAs: [16],
  dstAs: [17],
  // bgpNextAdjacentAsNumber
  nextHopAs: [128],
  // sourceIPv4PrefixLength, sourceIPv6PrefixLength
  srcNet: [9, 29],
  dstNet: [13, 30],
  direction: [61],
  // mplsTopLabelStackSection
  mplsLabel: [70],
  ingressVrf: [234],
  egressVrf: [235],
  // postNAPTSourceTransportPort; 40003: NF_F_XLATE_SRC_PORT of Cisco ASA 8
  postNatSrcPort: [227, 40_003],
  postNatDstPort: [228, 40_004],
} as const satisfies Partial<Record<ColumnKey, readonly number[]>>;

/** IPv6 first: of both it is the one that says more when it is not zero. */
export const ADDRESS_SOURCES = {
  srcAddr: [27, 8],
  dstAddr: [28, 12],
  nextHop: [62, 15],
  bgpNextHop: [63, 18],
  postNatSrcAddr: [281, 225, 40_001],
  postNatDstAddr: [282, 226, 40_002],
} as const satisfies Partial<Record<ColumnKey, readonly number[]>>;

/** What is exact comes before what is not; times of observation fill in for events without a beginning and an end. */
export const TIME_SOURCES = {
  timeFlowStart: [
    [152, 'milliseconds'],
    [154, 'ntpMicroseconds'],
    [156, 'ntpNanoseconds'],
    [158, 'deltaMicroseconds'],
    [22, 'uptime'],
    [150, 'seconds'],
    [323, 'milliseconds'],
    [324, 'ntpMicroseconds'],
    [325, 'ntpNanoseconds'],
    [322, 'seconds'],
  ],
  timeFlowEnd: [
    [153, 'milliseconds'],
    [155, 'ntpMicroseconds'],
    [157, 'ntpNanoseconds'],
    [159, 'deltaMicroseconds'],
    [21, 'uptime'],
    [151, 'seconds'],
    [323, 'milliseconds'],
    [324, 'ntpMicroseconds'],
    [325, 'ntpNanoseconds'],
    [322, 'seconds'],
  ],
} as const satisfies Partial<Record<ColumnKey, readonly (readonly [number, TimeForm])[]>>;

/** Elements that more than one column is made of, or none as it is. */
export const ELEMENT = {
  systemInitTimeMilliseconds: 160,
  flowDurationMilliseconds: 161,
  flowDurationMicroseconds: 162,
  icmpTypeCodeIpv4: 32,
  icmpTypeCodeIpv6: 139,
  ipVersion: 60,
  samplingInterval: 34,
  samplerRandomInterval: 50,
  flowSamplerId: 48,
  selectorId: 302,
} as const;
