/** What the collector has to reach. */
export interface Target {
  readonly what: string;
  /** Id of a measurement: per CPU second, unless `figure` names something else that it found. */
  readonly of: string;
  readonly figure?: string;
  /** The value is divided by that of this measurement, round by round. */
  readonly over?: string;
  readonly least?: number;
  readonly most?: number;
}

const MILLION = 1e6;

export const TARGETS: readonly Target[] = [
  {
    what: 'columns of NetFlow v9, 22 records a packet',
    of: 'decode/v9 columns',
    least: 8 * MILLION,
  },
  { what: 'columns of IPFIX, 22 records a packet', of: 'decode/ipfix columns', least: 8 * MILLION },
  {
    what: 'columns of the IPFIX capture of many sources',
    of: 'decode/multi-source columns',
    least: 3.5 * MILLION,
  },
  {
    what: 'variable-length templates, of the same with fixed length',
    of: 'decode/variable-length columns',
    over: 'decode/ipfix columns',
    least: 1 / 3,
  },
  { what: 'goflow2 protobuf of v9', of: 'formats/protobuf', least: 2.5 * MILLION },
  { what: "vFlow's JSON of v9", of: 'formats/vflow json', least: 2 * MILLION },
  { what: 'flat JSON of v9', of: 'formats/flat json', least: 1.5 * MILLION },
  {
    what: "flat JSON, over nfacctd's JSON",
    of: 'formats/flat json',
    over: 'rivals/nfacctd json',
    least: 8,
  },
  { what: 'sFlow samples to columns', of: 'sflow/columns', least: 2.5 * MILLION },
  {
    what: 'socket to columns, all processes, over nfcapd',
    of: 'pipeline/socket to columns',
    over: 'rivals/nfcapd',
    least: 1.2,
  },
  {
    what: 'throughput of forwarders that write everything to a ring, of those that do not',
    of: 'ring/forwarder with ring',
    over: 'ring/forwarder without ring',
    least: 0.95,
  },
  {
    what: '100,000 packets/s × 22 records, one core: records lost after warm-up',
    of: 'pipeline/100,000 packets a second',
    figure: 'lost',
    most: 0,
  },
  { what: 'rows to ClickHouse, our side', of: 'producers/clickhouse', least: 2.5 * MILLION },
  { what: 'Kafka, one record a message', of: 'producers/kafka 1', least: 150_000 },
  { what: 'Kafka, 50 records a message', of: 'producers/kafka 50', least: 500_000 },
  {
    what: 'memory of a worker, 1,000 exporters × 10 templates, MB',
    of: 'pipeline/memory',
    figure: 'megabytes',
    most: 200,
  },
];
