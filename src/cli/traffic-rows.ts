/** Rows of exporters and collectors, of `floxy exporters`, `collectors` and `top`. */

import { described } from '../model/described.ts';
import { SEQUENCE_UNITS } from '../model/exporter-status.ts';
import type {
  CollectorTrafficMessage,
  ExporterTrafficMessage,
  TrafficMessage,
} from '../protocol/view-messages.ts';
import { endpointText, exporterText } from './endpoint-text.ts';
import type { Shown } from './shown.ts';
import type { TableColumn } from './table.ts';
import { byteRate, shortCount, shortRate, shortTime } from './units.ts';

type ShownExporter = Shown<ExporterTrafficMessage>;
type ShownCollector = Shown<CollectorTrafficMessage>;

const COUNT_COLUMNS: readonly TableColumn[] = [
  { head: 'EXPORTER' },
  { head: 'RULE' },
  { head: 'PPS', isNumber: true },
  { head: 'BYTES/S', isNumber: true },
  { head: 'PACKETS', isNumber: true },
  { head: 'LOST', isNumber: true },
];

const LAST_COLUMNS: readonly TableColumn[] = [
  { head: 'PROTOCOL' },
  { head: 'LAST SEEN' },
  { head: 'STATE' },
];

/** Of `floxy exporters`, and of `top`, which has less room. */
export const EXPORTER_COLUMNS = [...COUNT_COLUMNS, { head: 'MISSED' }, ...LAST_COLUMNS];
export const TOP_EXPORTER_COLUMNS = [...COUNT_COLUMNS, ...LAST_COLUMNS];

export function exporterRow(exporter: ShownExporter, now: Date): string[] {
  const { protocol = '', protocols = [], state, expectEvery } = exporter;
  // A service that does not tell all of them has told the last one.
  const all = protocols.length === 0 ? [protocol] : protocols;
  const isExpected = state === 'Silent' && expectEvery !== undefined;
  return [
    ...countCells(exporter, exporter.description),
    missedText(exporter),
    all.map((one = '') => PROTOCOLS[one] ?? '-').join(', '),
    timeAgo(exporter.lastSeen, now),
    `${stateText(exporter)}${isExpected ? ` (expected every ${expectEvery})` : ''}`,
  ];
}

export function topExporterRow(exporter: ShownExporter, now: Date): string[] {
  const protocol = PROTOCOLS[exporter.protocol ?? ''] ?? '-';
  const last = [protocol, timeAgo(exporter.lastSeen, now), stateText(exporter)];
  return [...countCells(exporter), ...last];
}

function countCells(exporter: ShownExporter, description?: string): string[] {
  const { endpoint, rate, received, lost = '0' } = exporter;
  return [
    endpointText(endpoint),
    described(ruleText(exporter), description),
    shortRate(rate?.packetsPerSecond ?? 0),
    byteRate(rate?.bytesPerSecond ?? 0),
    shortCount(Number(received?.packets ?? 0)),
    shortCount(Number(lost)),
  ];
}

function ruleText({ rule, rulePrefixLength, ruleListeningPort }: ShownExporter): string {
  if (rule === undefined) return 'default';
  const [prefixLength, listeningPort] = [rulePrefixLength, ruleListeningPort];
  return exporterText({ endpoint: rule, prefixLength, listeningPort });
}

/** What people call them. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  NETFLOW_V1: 'NetFlow 1',
  NETFLOW_V5: 'NetFlow 5',
  NETFLOW_V7: 'NetFlow 7',
  NETFLOW_V9: 'NetFlow 9',
  IPFIX: 'IPFIX',
  SFLOW_V5: 'sFlow 5',
  OTHER: 'other',
};

/** `12 flows`, `0`; `-` where nothing has numbers. */
function missedText({ missed = [] }: ShownExporter): string {
  if (missed.length === 0) return '-';
  const some = missed.filter((one) => Number(one?.lost ?? 0) > 0);
  if (some.length === 0) return '0';
  return some
    .map(({ protocol = '', lost = '0' } = {}) => {
      const unit = Object.entries(SEQUENCE_UNITS).find(([name]) => name === protocol)?.[1] ?? '';
      return `${shortCount(Number(lost))} ${unit}`.trimEnd();
    })
    .join(', ');
}

function stateText({ state }: ShownExporter): string {
  return STATES[state ?? ''] ?? '';
}

const STATES: Readonly<Record<string, string>> = {
  Sending: 'ok',
  Unknown: 'unknown',
  Silent: 'silent',
};

export const COLLECTOR_COLUMNS: readonly TableColumn[] = [
  { head: 'COLLECTOR' },
  { head: 'PPS', isNumber: true },
  { head: 'BYTES/S', isNumber: true },
  { head: 'SENT', isNumber: true },
  { head: 'ERRORS' },
  { head: 'SENDER' },
  { head: 'NEIGHBOUR' },
  { head: 'HEALTH' },
  { head: 'STATE' },
];

export function collectorRow(collector: ShownCollector, now: Date): string[] {
  const { endpoint, rate, sent, errors = [], sender = '-', health } = collector;
  const { neighbour = 'unknown' } = collector;
  return [
    described(endpointText(endpoint), collector.description),
    shortRate(rate?.packetsPerSecond ?? 0),
    byteRate(rate?.bytesPerSecond ?? 0),
    shortCount(Number(sent?.packets ?? 0)),
    errors.map(({ code, count = '0' }) => `${code} ${shortCount(Number(count))}`).join(', ') || '-',
    sender,
    neighbour === 'unknown' ? '-' : neighbour,
    health === undefined ? '-' : `${health.state} (${health.check})`,
    collectorState(collector, now),
  ];
}

function collectorState({ problem, outputs = 0, lastError }: ShownCollector, now: Date): string {
  if (problem !== undefined) return problem.replaceAll('`', '');
  const state = outputs === 0 ? 'no rule names it any more' : 'ok';
  if (lastError === undefined) return state;
  const { code = '', at, exporter } = lastError;
  // Nobody knows whose copy came back.
  const whose = exporter === undefined ? 'it came back' : `exporter ${endpointText(exporter)}`;
  return `${state}, ${code} ${timeAgo(at, now)} (${whose})`;
}

/** `in 41.2k pps 57.6 MB/s, out …, lost 12 (send error ENETUNREACH 12)`: of an interval. */
export function totalText(total: Shown<TrafficMessage> | undefined): string {
  if (total === undefined) return 'no traffic was measured yet';
  const { received, forwarded, losses = [] } = total;
  const lost = losses.reduce((sum, { packets = '0' }) => sum + Number(packets), 0);
  const kinds = losses.map(({ kind = '', packets = '0' }) => `${kind} ${packets}`).join(', ');
  const rate = ({ packetsPerSecond = 0, bytesPerSecond = 0 } = {}) =>
    `${shortRate(packetsPerSecond)} pps ${byteRate(bytesPerSecond)}`;
  const why = kinds === '' ? '' : ` (${kinds})`;
  return `in ${rate(received)}, out ${rate(forwarded)}, lost ${lost.toLocaleString('en')}${why}`;
}

function timeAgo(rfc3339: string | undefined, now: Date): string {
  if (rfc3339 === undefined) return 'never';
  return `${shortTime((now.getTime() - Date.parse(rfc3339)) / 1000).replace(/ .*/, '')} ago`;
}
