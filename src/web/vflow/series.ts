import type { MetricFamily, MetricType } from '../prometheus.ts';
import {
  VFLOW_PROTOCOLS,
  type VflowCounters,
  type VflowFigures,
  type VflowProtocol,
} from './figures.ts';

/** What vFlow has of each protocol; vFlow itself calls three of the gauges counters. */
const SERIES: Readonly<
  Record<
    string,
    { readonly of: keyof VflowFigures; readonly type: MetricType; readonly help: string }
  >
> = {
  decoded_packets: { of: 'decodedCount', type: 'counter', help: 'datagrams decoded' },
  message_queue: { of: 'messageQueue', type: 'gauge', help: 'records that wait for the producer' },
  mq_error: { of: 'mqErrorCount', type: 'counter', help: 'records that the producer lost' },
  udp_packets: { of: 'udpCount', type: 'counter', help: 'datagrams received' },
  udp_queue: { of: 'udpQueue', type: 'gauge', help: 'datagrams that wait to be decoded' },
  workers: { of: 'workers', type: 'gauge', help: 'workers of all pipelines' },
};

/** vFlow's 25 series, by its names and without labels, for dashboards that have them. */
export function vflowSeries(counters: VflowCounters): MetricFamily[] {
  const figures = counters.read();
  const protocols = Object.keys(VFLOW_PROTOCOLS) as VflowProtocol[];
  const mirror: MetricFamily = {
    name: 'vflow_ipfix_udp_mirror_queue',
    help: 'vFlow ipfix: always 0, as forwarding keeps no queue',
    type: 'gauge',
    samples: [{ value: 0 }],
  };
  const families = protocols.flatMap((protocol) =>
    Object.entries(SERIES).map(
      ([name, { of, type, help }]): MetricFamily => ({
        name: `vflow_${protocol}_${name}`,
        help: `vFlow ${protocol}: ${help}`,
        type,
        samples: [{ value: figures[protocol][of] }],
      }),
    ),
  );
  return [...families, mirror];
}
