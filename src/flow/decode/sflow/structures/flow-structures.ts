/** Flow records but the sampled header (sflow_version_5.txt, sflow_80211.txt, sflow_tunnels.txt, sflow_drops.txt, sflow_transit.txt, sflow_application.txt, sflow_http.txt …). */
import { fields, type Structure, structure } from './structure.ts';

const ethernet = [
  fields('u32', 'length'),
  fields('mac', 'src_mac=SrcMAC', 'dst_mac=DstMAC'),
  fields('u32', 'ether_type'),
];

function ip(kind: 'ipv4' | 'ipv6') {
  return [
    fields('u32', 'length', 'protocol'),
    fields(kind, 'src_addr', 'dst_addr'),
    fields('u32', 'src_port', 'dst_port', 'tcp_flags=TCPFlags', 'tos=TOS'),
  ];
}

function socket(kind: 'ipv4' | 'ipv6') {
  return [
    fields('u32', 'protocol'),
    fields(kind, 'local_addr', 'remote_addr'),
    fields('u32', 'local_port', 'remote_port'),
  ];
}

const PACKETS: readonly Structure[] = [
  structure(2, 'sampled_ethernet', ethernet),
  structure(3, 'sampled_ipv4', ip('ipv4')),
  structure(4, 'sampled_ipv6', ip('ipv6')),
];

/** The first two are vFlow's. */
const EXTENDED: readonly Structure[] = [
  structure(1001, 'ext_switch', [
    fields('u32', 'src_vlan', 'src_priority', 'dst_vlan', 'dst_priority'),
  ]),
  structure(1002, 'ext_router', [
    fields('address', 'next_hop'),
    fields('u32', 'src_mask', 'dst_mask'),
  ]),
  structure(1003, 'ext_gateway', [
    fields('address', 'next_hop'),
    fields('u32', 'as=AS', 'src_as=SrcAS', 'src_peer_as=SrcPeerAS'),
    fields(
      { list: [...fields('u32', 'type'), ...fields({ list: 'u32' }, 'path')] },
      'as_path=ASPath',
    ),
    fields({ list: 'u32' }, 'communities'),
    fields('u32', 'local_pref'),
  ]),
  structure(1004, 'ext_user', [
    fields('u32', 'src_charset'),
    fields('text', 'src_user'),
    fields('u32', 'dst_charset'),
    fields('text', 'dst_user'),
  ]),
  structure(
    1005,
    'ext_url',
    [fields('u32', 'direction'), fields('text', 'url=URL', 'host')],
    'ExtURL',
  ),
  structure(
    1006,
    'ext_mpls',
    [fields('address', 'next_hop'), fields({ list: 'u32' }, 'in_stack', 'out_stack')],
    'ExtMPLS',
  ),
  structure(1007, 'ext_nat', [fields('address', 'src_addr', 'dst_addr')], 'ExtNAT'),
  structure(
    1008,
    'ext_mpls_tunnel',
    [fields('text', 'name'), fields('u32', 'id', 'cos')],
    'ExtMPLSTunnel',
  ),
  structure(1009, 'ext_mpls_vc', [fields('text', 'name'), fields('u32', 'id', 'cos')], 'ExtMPLSVC'),
  structure(
    1010,
    'ext_mpls_ftn',
    [fields('text', 'description'), fields('u32', 'mask')],
    'ExtMPLSFTN',
  ),
  structure(1011, 'ext_mpls_ldp_fec', [fields('u32', 'prefix_length')], 'ExtMPLSLDPFEC'),
  structure(1012, 'ext_vlan_tunnel', [fields({ list: 'u32' }, 'stack')]),
  structure(1020, 'ext_nat_port', [fields('u32', 'src_port', 'dst_port')], 'ExtNATPort'),
];

const WIFI: readonly Structure[] = [
  structure(1013, 'ext_80211_payload', [
    fields('u32', 'cipher_suite', 'protocol', 'frame_length', 'stripped'),
    fields('octets', 'header'),
  ]),
  structure(1014, 'ext_80211_rx', [
    fields('text', 'ssid'),
    fields('mac', 'bssid'),
    fields('u32', 'version', 'channel'),
    fields('u64', 'speed'),
    fields('u32', 'rsni', 'rcpi', 'packet_duration'),
  ]),
  structure(1015, 'ext_80211_tx', [
    fields('text', 'ssid'),
    fields('mac', 'bssid'),
    fields('u32', 'version', 'transmissions', 'packet_duration', 'retrans_duration', 'channel'),
    fields('u64', 'speed'),
    fields('u32', 'power'),
  ]),
];

/** Tunnels of which headers were removed, and those that will be put on; what a switch did with the packet. */
const SWITCHING: readonly Structure[] = [
  structure(1021, 'ext_l2_tunnel_egress', ethernet),
  structure(1022, 'ext_l2_tunnel_ingress', ethernet),
  structure(1023, 'ext_ipv4_tunnel_egress', ip('ipv4')),
  structure(1024, 'ext_ipv4_tunnel_ingress', ip('ipv4')),
  structure(1025, 'ext_ipv6_tunnel_egress', ip('ipv6')),
  structure(1026, 'ext_ipv6_tunnel_ingress', ip('ipv6')),
  structure(1027, 'ext_decapsulate_egress', [fields('u32', 'inner_header_offset')]),
  structure(1028, 'ext_decapsulate_ingress', [fields('u32', 'inner_header_offset')]),
  structure(1029, 'ext_vni_egress', [fields('u32', 'vni')]),
  structure(1030, 'ext_vni_ingress', [fields('u32', 'vni')]),
  structure(1036, 'ext_egress_queue', [fields('u32', 'queue')]),
  structure(1037, 'ext_acl', [
    fields('u32', 'number'),
    fields('text', 'name'),
    fields('u32', 'direction'),
  ]),
  structure(1038, 'ext_function', [fields('text', 'symbol')]),
  structure(1039, 'ext_transit_delay', [fields('u32', 'delay')]),
  structure(1040, 'ext_queue_depth', [fields('u32', 'depth')]),
];

const context = fields('text', 'application', 'operation', 'attributes');

/** Operations of applications: these samples are of transactions, not of packets. */
const APPLICATIONS: readonly Structure[] = [
  structure(2100, 'ext_socket_ipv4', socket('ipv4')),
  structure(2101, 'ext_socket_ipv6', socket('ipv6')),
  structure(2102, 'ext_proxy_socket_ipv4', socket('ipv4')),
  structure(2103, 'ext_proxy_socket_ipv6', socket('ipv6')),
  structure(2200, 'memcache_operation', [
    fields('u32', 'protocol', 'command'),
    fields('text', 'key'),
    fields('u32', 'nkeys', 'value_bytes', 'duration', 'status'),
  ]),
  structure(2202, 'app_operation', [
    context,
    fields('text', 'status_descr'),
    fields('u64', 'req_bytes', 'resp_bytes'),
    fields('u32', 'duration', 'status'),
  ]),
  structure(2203, 'app_parent_context', [context]),
  structure(2204, 'app_initiator', [fields('text', 'actor')]),
  structure(2205, 'app_target', [fields('text', 'actor')]),
  structure(2206, 'http_request', [
    fields('u32', 'method', 'protocol'),
    fields('text', 'uri', 'host', 'referer', 'useragent', 'xff', 'authuser', 'mime_type'),
    fields('u64', 'req_bytes', 'resp_bytes'),
    fields('u32', 'duration', 'status'),
  ]),
  structure(2207, 'ext_proxy_request', [fields('text', 'uri', 'host')]),
  structure(2209, 'ext_tcp_info', [
    fields('u32', 'direction', 'snd_mss', 'rcv_mss', 'unacked', 'lost', 'retrans', 'pmtu'),
    fields('u32', 'rtt', 'rttvar', 'snd_cwnd', 'reordering', 'min_rtt'),
  ]),
  structure(2210, 'ext_entities', [
    fields('u32', 'src_class', 'src_index', 'dst_class', 'dst_index'),
  ]),
];

export const FLOW_STRUCTURES: readonly Structure[] = [
  ...PACKETS,
  ...EXTENDED,
  ...WIFI,
  ...SWITCHING,
  ...APPLICATIONS,
];
