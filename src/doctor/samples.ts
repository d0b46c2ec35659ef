/** What the kernel and the service count, at one moment. */
import { FORWARDER_COUNTERS } from '../telemetry/catalogue.ts';
import { readText } from './host.ts';
import type { ForwarderReport, StatusReport } from './subject.ts';

export interface CounterSample {
  /** performance.now() */
  readonly atMs: number;
  readonly kernel: KernelCounters;
  /** What the service lost, by name; undefined when it did not answer. */
  readonly losses: ReadonlyMap<string, Loss> | undefined;
}

/** Since this host, or its network namespace, is there; undefined what cannot be read. */
export interface KernelCounters {
  /** TcpExtIPReversePathFilter: packets of all kinds. */
  readonly reversePathDrops: number | undefined;
  /** UDP packets with a wrong checksum. */
  readonly checksumErrors: number | undefined;
  /** Packets that came faster than the kernel took them from its network cards. */
  readonly backlogDrops: number | undefined;
}

export interface Loss {
  readonly count: number;
  readonly advice: string;
}

/** @param status of the service at the same moment */
export function takeSample(status: StatusReport | undefined): CounterSample {
  return {
    atMs: performance.now(),
    kernel: {
      reversePathDrops: statistic('/proc/net/netstat', 'TcpExt', 'IPReversePathFilter'),
      checksumErrors: statistic('/proc/net/snmp', 'Udp', 'InCsumErrors'),
      backlogDrops: backlogDrops(),
    },
    losses: status && lossesOf(status.forwarders ?? []),
  };
}

/** A value of a file whose lines come in pairs, names and values (proc_net_snmp(5)). */
export function statistic(file: string, group: string, name: string): number | undefined {
  const lines = readText(file)?.split('\n') ?? [];
  const [names, values] = lines.filter((line) => line.startsWith(`${group}:`));
  const index = names?.split(' ').indexOf(name) ?? -1;
  const value = index < 0 ? undefined : values?.split(' ')[index];
  return value === undefined ? undefined : Number(value);
}

/** Of all processors: the second column of softnet_stat. */
function backlogDrops(): number | undefined {
  const text = readText('/proc/net/softnet_stat');
  if (text === undefined) return undefined;
  const lines = text.split('\n').filter(Boolean);
  return lines.reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1] ?? '0', 16), 0);
}

function lossesOf(forwarders: readonly ForwarderReport[]): ReadonlyMap<string, Loss> {
  const losses = new Map<string, Loss>();
  const add = (name: string, count: number, advice: string) => {
    const before = losses.get(name)?.count ?? 0;
    if (count > 0) losses.set(name, { count: before + count, advice });
  };
  for (const row of FORWARDER_COUNTERS) {
    if (!('loss' in row)) continue;
    for (const forwarder of forwarders) {
      const value = forwarder[row.key];
      if (row.kind === 'count') add(row.loss, Number(value ?? 0), row.advice);
      else
        for (const { code, count } of errorsIn(value))
          add(`${row.loss} ${code}`, count, row.advice);
    }
  }
  return losses;
}

function errorsIn(value: unknown): { code: string; count: number }[] {
  const errors = (value ?? []) as readonly { readonly code?: string; readonly count?: string }[];
  return errors.map(({ code = '', count = '0' }) => ({ code, count: Number(count) }));
}
