/** Counters of interfaces and devices (sflow_version_5.txt, sflow_80211.txt, sflow_lag.txt, sflow_optics.txt, sflow_queue.txt …). */
import { enterpriseFormat, fields, type Structure, structure } from './structure.ts';

/** Those that vFlow writes, under its names. */
const VFLOW_STRUCTURES: readonly Structure[] = [
  structure(
    1,
    'generic_interface',
    [
      fields('u32', 'if_index=Index', 'if_type=Type'),
      fields('u64', 'if_speed=Speed'),
      fields('u32', 'if_direction=Direction', 'if_status=Status'),
      fields('u64', 'in_octets'),
      fields('u32', 'in_unicast_packets', 'in_multicast_packets', 'in_broadcast_packets'),
      fields('u32', 'in_discards', 'in_errors', 'in_unknown_protocols'),
      fields('u64', 'out_octets'),
      fields('u32', 'out_unicast_packets', 'out_multicast_packets', 'out_broadcast_packets'),
      fields('u32', 'out_discards', 'out_errors', 'promiscuous_mode'),
    ],
    'GenInt',
  ),
  structure(
    2,
    'ethernet_interface',
    [
      fields('u32', 'alignment_errors', 'fcs_errors=FCSErrors', 'single_collision_frames'),
      fields('u32', 'multiple_collision_frames', 'sqe_test_errors=SQETestErrors'),
      fields('u32', 'deferred_transmissions', 'late_collisions', 'excessive_collisions'),
      fields('u32', 'internal_mac_transmit_errors=InternalMACTransmitErrors'),
      fields('u32', 'carrier_sense_errors', 'frame_too_longs'),
      fields('u32', 'internal_mac_receive_errors=InternalMACReceiveErrors', 'symbol_errors'),
    ],
    'EthInt',
  ),
  structure(
    3,
    'token_ring_interface',
    [
      fields('u32', 'line_errors', 'burst_errors', 'ac_errors=ACErrors', 'abort_trans_errors'),
      fields('u32', 'internal_errors', 'lost_frame_errors', 'receive_congestions'),
      fields('u32', 'frame_copied_errors', 'token_errors', 'soft_errors', 'hard_errors'),
      fields('u32', 'signal_loss', 'transmit_beacons', 'recoverys', 'lobe_wires', 'removes'),
      fields('u32', 'singles', 'freq_errors'),
    ],
    'TRInt',
  ),
  structure(
    4,
    'base_vg_interface',
    [
      fields('u32', 'in_high_priority_frames'),
      fields('u64', 'in_high_priority_octets'),
      fields('u32', 'in_norm_priority_frames'),
      fields('u64', 'in_norm_priority_octets'),
      fields('u32', 'in_ipm_errors=InIPMErrors', 'in_oversize_frame_errors', 'in_data_errors'),
      fields('u32', 'in_null_addressed_frames', 'out_high_priority_frames'),
      fields('u64', 'out_high_priority_octets'),
      fields('u32', 'transition_into_trainings'),
      fields('u64', 'hc_in_high_priority_octets=HCInHighPriorityOctets'),
      fields('u64', 'hc_in_norm_priority_octets=HCInNormPriorityOctets'),
      fields('u64', 'hc_out_high_priority_octets=HCOutHighPriorityOctets'),
    ],
    'VGInt',
  ),
  structure(5, 'vlan', [
    fields('u32', 'vlan_id=ID'),
    fields('u64', 'octets'),
    fields('u32', 'unicast_packets', 'multicast_packets', 'broadcast_packets', 'discards'),
  ]),
  structure(
    1001,
    'processor',
    [
      fields('u32', 'cpu_5s=CPU5s', 'cpu_1m=CPU1m', 'cpu_5m=CPU5m'),
      fields('u64', 'total_memory', 'free_memory'),
    ],
    'Proc',
  ),
];

export const INTERFACE_COUNTERS: readonly Structure[] = [
  ...VFLOW_STRUCTURES,
  structure(6, 'ieee80211', [
    fields('u32', 'transmitted_fragments', 'multicast_transmitted_frames', 'failed', 'retries'),
    fields('u32', 'multiple_retries', 'frame_duplicates', 'rts_success', 'rts_failures'),
    fields('u32', 'ack_failures', 'received_fragments', 'multicast_received_frames'),
    fields('u32', 'fcs_errors', 'transmitted_frames', 'wep_undecryptable'),
    fields('u32', 'qos_discarded_fragments', 'associated_stations', 'qos_cf_polls_received'),
    fields('u32', 'qos_cf_polls_unused', 'qos_cf_polls_unusable', 'qos_cf_polls_lost'),
  ]),
  structure(7, 'lag_port', [
    fields('mac', 'actor_system_id', 'partner_system_id'),
    fields('u32', 'attached_agg_id', 'port_state', 'lacpdus_rx', 'marker_pdus_rx'),
    fields('u32', 'marker_response_pdus_rx', 'unknown_rx', 'illegal_rx', 'lacpdus_tx'),
    fields('u32', 'marker_pdus_tx', 'marker_response_pdus_tx'),
  ]),
  structure(8, 'slow_path', [
    fields('u32', 'unknown', 'other', 'cam_miss', 'cam_full', 'no_hw_support', 'control'),
  ]),
  structure(10, 'optics', [
    fields('u32', 'module_id', 'module_total_lanes', 'module_supply_voltage'),
    fields('i32', 'module_temperature'),
    fields(
      {
        list: [
          fields('u32', 'lane_index', 'tx_bias_current', 'tx_power', 'tx_power_min'),
          fields('u32', 'tx_power_max', 'tx_wavelength', 'rx_power', 'rx_power_min'),
          fields('u32', 'rx_power_max', 'rx_wavelength'),
        ].flat(),
      },
      'lanes',
    ),
  ]),
  structure(1002, 'radio_utilization', [
    fields('u32', 'elapsed_time', 'on_channel_time', 'on_channel_busy_time'),
  ]),
  structure(1003, 'queue_length', [
    fields('u32', 'queue_index', 'segment_size', 'queue_segments', 'queue_length_0'),
    fields('u32', 'queue_length_1', 'queue_length_2', 'queue_length_4', 'queue_length_8'),
    fields('u32', 'queue_length_32', 'queue_length_128', 'queue_length_1024'),
    fields('u32', 'queue_length_more', 'dropped'),
  ]),
  structure(1004, 'openflow_port', [fields('u64', 'datapath_id'), fields('u32', 'port_number')]),
  structure(1005, 'port_name', [fields('text', 'name')]),
  structure(enterpriseFormat(4413, 1), 'bst_device_buffers', [
    fields('i32', 'unicast_percent_100', 'multicast_percent_100'),
  ]),
  structure(enterpriseFormat(4413, 2), 'bst_port_buffers', [
    fields('i32', 'ingress_unicast_percent_100', 'ingress_multicast_percent_100'),
    fields('i32', 'egress_unicast_percent_100', 'egress_multicast_percent_100'),
    fields({ list: 'i32' }, 'egress_queue_unicast_percent_100'),
    fields({ list: 'i32' }, 'egress_queue_multicast_percent_100'),
  ]),
  structure(enterpriseFormat(4413, 3), 'hardware_tables', [
    fields('u32', 'host_entries', 'host_entries_max', 'ipv4_entries', 'ipv4_entries_max'),
    fields('u32', 'ipv6_entries', 'ipv6_entries_max', 'ipv4_ipv6_entries'),
    fields('u32', 'ipv4_ipv6_entries_max', 'long_ipv6_entries', 'long_ipv6_entries_max'),
    fields('u32', 'total_routes', 'total_routes_max', 'ecmp_nexthops', 'ecmp_nexthops_max'),
    fields('u32', 'mac_entries', 'mac_entries_max', 'ipv4_neighbors', 'ipv6_neighbors'),
    fields('u32', 'ipv4_routes', 'ipv6_routes', 'acl_ingress_entries'),
    fields('u32', 'acl_ingress_entries_max', 'acl_ingress_counters', 'acl_ingress_counters_max'),
    fields('u32', 'acl_ingress_meters', 'acl_ingress_meters_max', 'acl_ingress_slices'),
    fields('u32', 'acl_ingress_slices_max', 'acl_egress_entries', 'acl_egress_entries_max'),
    fields('u32', 'acl_egress_counters', 'acl_egress_counters_max', 'acl_egress_meters'),
    fields('u32', 'acl_egress_meters_max', 'acl_egress_slices', 'acl_egress_slices_max'),
  ]),
];
