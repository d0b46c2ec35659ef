/** Counters of hosts, virtual machines and applications (sflow_host.txt, sflow_host_ip.txt, sflow_application.txt, sflow_http.txt, sflow_jvm.txt, sflow_memcache.txt). */
import { enterpriseFormat, fields, type Structure, structure } from './structure.ts';

const HOSTS: readonly Structure[] = [
  structure(2000, 'host_descr', [
    fields('text', 'hostname'),
    fields('uuid', 'uuid'),
    fields('u32', 'machine_type', 'os_name'),
    fields('text', 'os_release'),
  ]),
  structure(2001, 'host_adapters', [
    fields(
      { list: [...fields('u32', 'if_index'), ...fields({ list: 'mac' }, 'macs')] },
      'adapters',
    ),
  ]),
  structure(2002, 'host_parent', [fields('u32', 'container_type', 'container_index')]),
  structure(2003, 'host_cpu', [
    fields('f32', 'load_one', 'load_five', 'load_fifteen'),
    fields('u32', 'proc_run', 'proc_total', 'cpu_num', 'cpu_speed', 'uptime', 'cpu_user'),
    fields('u32', 'cpu_nice', 'cpu_system', 'cpu_idle', 'cpu_wio', 'cpu_intr', 'cpu_sintr'),
    fields('u32', 'interrupts', 'contexts', 'cpu_steal', 'cpu_guest', 'cpu_guest_nice'),
  ]),
  structure(2004, 'host_memory', [
    fields('u64', 'mem_total', 'mem_free', 'mem_shared', 'mem_buffers', 'mem_cached'),
    fields('u64', 'swap_total', 'swap_free'),
    fields('u32', 'page_in', 'page_out', 'swap_in', 'swap_out'),
  ]),
  structure(2005, 'host_disk_io', [
    fields('u64', 'disk_total', 'disk_free'),
    fields('u32', 'part_max_used', 'reads'),
    fields('u64', 'bytes_read'),
    fields('u32', 'read_time', 'writes'),
    fields('u64', 'bytes_written'),
    fields('u32', 'write_time'),
  ]),
  structure(2006, 'host_net_io', netIo()),
  structure(2007, 'mib2_ip_group', [
    fields('u32', 'ip_forwarding', 'ip_default_ttl', 'ip_in_receives', 'ip_in_hdr_errors'),
    fields('u32', 'ip_in_addr_errors', 'ip_forw_datagrams', 'ip_in_unknown_protos'),
    fields('u32', 'ip_in_discards', 'ip_in_delivers', 'ip_out_requests', 'ip_out_discards'),
    fields('u32', 'ip_out_no_routes', 'ip_reasm_timeout', 'ip_reasm_reqds', 'ip_reasm_oks'),
    fields('u32', 'ip_reasm_fails', 'ip_frag_oks', 'ip_frag_fails', 'ip_frag_creates'),
  ]),
  structure(2008, 'mib2_icmp_group', [
    fields('u32', 'icmp_in_msgs', 'icmp_in_errors', 'icmp_in_dest_unreachs'),
    fields('u32', 'icmp_in_time_excds', 'icmp_in_param_probs', 'icmp_in_src_quenchs'),
    fields('u32', 'icmp_in_redirects', 'icmp_in_echos', 'icmp_in_echo_reps'),
    fields('u32', 'icmp_in_timestamps', 'icmp_in_addr_masks', 'icmp_in_addr_mask_reps'),
    fields('u32', 'icmp_out_msgs', 'icmp_out_errors', 'icmp_out_dest_unreachs'),
    fields('u32', 'icmp_out_time_excds', 'icmp_out_param_probs', 'icmp_out_src_quenchs'),
    fields('u32', 'icmp_out_redirects', 'icmp_out_echos', 'icmp_out_echo_reps'),
    fields('u32', 'icmp_out_timestamps', 'icmp_out_timestamp_reps', 'icmp_out_addr_masks'),
    fields('u32', 'icmp_out_addr_mask_reps'),
  ]),
  structure(2009, 'mib2_tcp_group', [
    fields('u32', 'tcp_rto_algorithm', 'tcp_rto_min', 'tcp_rto_max', 'tcp_max_conn'),
    fields('u32', 'tcp_active_opens', 'tcp_passive_opens', 'tcp_attempt_fails'),
    fields('u32', 'tcp_estab_resets', 'tcp_curr_estab', 'tcp_in_segs', 'tcp_out_segs'),
    fields('u32', 'tcp_retrans_segs', 'tcp_in_errs', 'tcp_out_rsts', 'tcp_in_csum_errors'),
  ]),
  structure(2010, 'mib2_udp_group', [
    fields('u32', 'udp_in_datagrams', 'udp_no_ports', 'udp_in_errors', 'udp_out_datagrams'),
    fields('u32', 'udp_rcvbuf_errors', 'udp_sndbuf_errors', 'udp_in_csum_errors'),
  ]),
  structure(enterpriseFormat(5703, 1), 'nvidia_gpu', [
    fields('u32', 'device_count', 'processes', 'gpu_time', 'mem_time'),
    fields('u64', 'mem_total', 'mem_free'),
    fields('u32', 'ecc_errors', 'energy', 'temperature', 'fan_speed'),
  ]),
];

const VIRTUAL: readonly Structure[] = [
  structure(2100, 'virt_node', [
    fields('u32', 'mhz', 'cpus'),
    fields('u64', 'memory', 'memory_free'),
    fields('u32', 'num_domains'),
  ]),
  structure(2101, 'virt_cpu', [fields('u32', 'state', 'cpu_time', 'nr_virt_cpu')]),
  structure(2102, 'virt_memory', [fields('u64', 'memory', 'max_memory')]),
  structure(2103, 'virt_disk_io', [
    fields('u64', 'capacity', 'allocation', 'available'),
    fields('u32', 'rd_req'),
    fields('u64', 'rd_bytes'),
    fields('u32', 'wr_req'),
    fields('u64', 'wr_bytes'),
    fields('u32', 'errs'),
  ]),
  structure(2104, 'virt_net_io', netIo()),
];

const APPLICATIONS: readonly Structure[] = [
  structure(2105, 'jvm_runtime', [fields('text', 'vm_name', 'vm_vendor', 'vm_version')]),
  structure(2106, 'jvm_statistics', [
    fields('u64', 'heap_initial', 'heap_used', 'heap_committed', 'heap_max'),
    fields('u64', 'non_heap_initial', 'non_heap_used', 'non_heap_committed', 'non_heap_max'),
    fields('u32', 'gc_count', 'gc_time', 'classes_loaded', 'classes_total', 'classes_unloaded'),
    fields('u32', 'compilation_time', 'thread_num_live', 'thread_num_daemon'),
    fields('u32', 'thread_num_started', 'fd_open_count', 'fd_max_count'),
  ]),
  structure(2201, 'http', [
    fields('u32', 'method_option_count', 'method_get_count', 'method_head_count'),
    fields('u32', 'method_post_count', 'method_put_count', 'method_delete_count'),
    fields('u32', 'method_trace_count', 'method_connect_count', 'method_other_count'),
    fields('u32', 'status_1xx_count', 'status_2xx_count', 'status_3xx_count'),
    fields('u32', 'status_4xx_count', 'status_5xx_count', 'status_other_count'),
  ]),
  structure(2202, 'app_operations', [
    fields('text', 'application'),
    fields('u32', 'success', 'other', 'timeout', 'internal_error', 'bad_request', 'forbidden'),
    fields('u32', 'too_large', 'not_implemented', 'not_found', 'unavailable', 'unauthorized'),
  ]),
  structure(2203, 'app_resources', [
    fields('u32', 'user_time', 'system_time'),
    fields('u64', 'mem_used', 'mem_max'),
    fields('u32', 'fd_open', 'fd_max', 'conn_open', 'conn_max'),
  ]),
  structure(2204, 'memcache', [
    fields('u32', 'cmd_set', 'cmd_touch', 'cmd_flush', 'get_hits', 'get_misses'),
    fields('u32', 'delete_hits', 'delete_misses', 'incr_hits', 'incr_misses', 'decr_hits'),
    fields('u32', 'decr_misses', 'cas_hits', 'cas_misses', 'cas_badval', 'auth_cmds'),
    fields('u32', 'auth_errors', 'threads', 'conn_yields', 'listen_disabled_num'),
    fields('u32', 'curr_connections', 'rejected_connections', 'total_connections'),
    fields('u32', 'connection_structures', 'evictions', 'reclaimed', 'curr_items'),
    fields('u32', 'total_items'),
    fields('u64', 'bytes_read', 'bytes_written', 'bytes', 'limit_maxbytes'),
  ]),
  structure(2206, 'app_workers', [
    fields('u32', 'workers_active', 'workers_idle', 'workers_max', 'req_delayed', 'req_dropped'),
  ]),
  structure(2207, 'ovs_datapath', [
    fields('u32', 'hits', 'misses', 'lost', 'mask_hits', 'flows', 'masks'),
  ]),
];

export const HOST_COUNTERS: readonly Structure[] = [...HOSTS, ...VIRTUAL, ...APPLICATIONS];

function netIo() {
  return [
    fields('u64', 'bytes_in'),
    fields('u32', 'packets_in', 'errors_in', 'drops_in'),
    fields('u64', 'bytes_out'),
    fields('u32', 'packets_out', 'errors_out', 'drops_out'),
  ];
}
