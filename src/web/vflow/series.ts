import type { Metric, MetricType } from '../metric.ts';
import { VFLOW_PROTOCOLS, type VflowFigures, type VflowProtocol } from './figures.ts';

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

type Figures = Readonly<Record<VflowProtocol, VflowFigures>>;

/** vFlow's 25 series, by its names and without labels, for dashboards that have them. */
export const VFLOW_METRICS: readonly Metric<Figures>[] = [
  ...(Object.keys(VFLOW_PROTOCOLS) as VflowProtocol[]).flatMap((protocol) =>
    Object.entries(SERIES).map(
      ([name, { of, type, help }]): Metric<Figures> => ({
        name: `vflow_${protocol}_${name}`,
        help: `vFlow ${protocol}: ${help}`,
        type,
        labels: [],
        read: (figures) => [{ value: figures[protocol][of] }],
      }),
    ),
  ),
  {
    name: 'vflow_ipfix_udp_mirror_queue',
    help: 'vFlow ipfix: always 0, as forwarding keeps no queue',
    type: 'gauge',
    labels: [],
    read: () => [{ value: 0 }],
  },
];
