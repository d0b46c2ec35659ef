/** What monitoring reads, of a service that is not there. */
import type { PresentRules } from '../../src/control/statistics.ts';
import type { CollectorStatus } from '../../src/model/collector-status.ts';
import { exporterKey, type RuleSet } from '../../src/model/rules.ts';
import type { Counters } from '../../src/model/statistics.ts';
import type { RejectionCounts } from '../../src/telemetry/rejections.ts';
import type { ForwarderCounters } from '../../src/telemetry/status.ts';
import type { ProxySource, ServiceSource } from '../../src/web/service/source.ts';
import { endpoint } from './rule-sets.ts';

const BUILD_INFO = {
  version: '1.2.3',
  commit: 'abc',
  buildTime: '2026-11-26T00:00:00Z',
  nodeVersion: 'v24',
  platform: 'linux x64',
  pid: 1,
};

export const NO_TRAFFIC: Counters = { packets: 0n, bytes: 0n };

/** Counters of a forwarder to which nothing has come. */
export const IDLE: ForwarderCounters = {
  received: NO_TRAFFIC,
  forwarded: NO_TRAFFIC,
  pipelines: NO_TRAFFIC,
  kernelDrops: 0n,
  truncated: 0n,
  noEligibleCollector: 0n,
  hopLimitExceeded: 0n,
  sendErrors: [],
  refusals: [],
  receiveErrors: [],
  droppedByRule: 0n,
  fragmented: 0n,
  fragments: 0n,
  templateCopies: 0n,
  templateResends: 0n,
  templatesUnreadable: 0n,
  templatesUnkept: 0n,
  frames: 0n,
  framesRefused: 0n,
  sendRetries: 0n,
};

export const NOTHING_REJECTED: RejectionCounts = {
  credentials: 0,
  role: 0,
  tls: 0,
  silent: 0,
  slow: 0,
  connections: 0,
};

/** A collector without the proxy, and without forwarders. */
export function serviceSource(parts: Partial<ServiceSource> = {}): ServiceSource {
  return {
    buildInfo: BUILD_INFO,
    startedAt: new Date(1_700_000_000_000),
    forwarders: () => [],
    listeners: () => [],
    endedForwarders: () => undefined,
    notReady: () => undefined,
    droppedLogLines: () => 0,
    ...parts,
  };
}

const LEFT_OUT = {
  sampled: { packets: 4n, bytes: 40n },
  filtered: { packets: 5n, bytes: 50n },
};

/** @param perRule what each rule has received; each of its collectors was sent one packet of two bytes */
export function presentRules(ruleSet: RuleSet, perRule: Counters = NO_TRAFFIC): PresentRules {
  const sent = { packets: 1n, bytes: 2n };
  const ofOutputs = (outputs: RuleSet['defaultOutputs']) =>
    outputs.map(({ collectors = [0] }) => collectors.map(() => sent));
  return {
    revision: { number: 7, at: '2026-11-26T00:00:00Z' },
    ruleSet,
    setAside: 0,
    byExporter: new Map(ruleSet.rules.map((rule) => [exporterKey(rule.exporter), rule])),
    counters: {
      input: () => perRule,
      outputs: ({ outputs }) => ofOutputs(outputs),
      defaultOutputs: () => ofOutputs(ruleSet.defaultOutputs),
      leftOut: ({ outputs }) => outputs.map(() => LEFT_OUT),
      leftOutByDefault: () => ruleSet.defaultOutputs.map(() => LEFT_OUT),
      mismatched: () => ({ packets: 3n, bytes: 30n }),
    },
    isPresent: () => true,
  };
}

/** A proxy that is well. */
export function proxySource(parts: Partial<ProxySource> = {}): ProxySource {
  const none = presentRules({ rules: [], defaultOutputs: [] });
  return {
    status: () => ({
      proxy: { state: 'OK' },
      database: { state: 'OK' },
      forwarders: [],
      isDraining: false,
    }),
    presentRules: () => none,
    collectors: () => Promise.resolve([]),
    exporters: () => Promise.resolve({ since: new Date(0), seen: [], silent: [], forgotten: 0n }),
    api: () => ({
      calls: [],
      connections: 0,
      accepted: 0,
      rejected: NOTHING_REJECTED,
      hasRoles: true,
    }),
    silentExporters: () => [],
    events: () => new Map([['CollectorDown', 0]]),
    databaseBytes: () => 4096,
    ...parts,
  };
}

/** A collector that can be reached, and is up. */
export function collectorStatus(name: string, packets: bigint, bytes: bigint): CollectorStatus {
  const at = endpoint(name);
  return {
    endpoint: at,
    health: { endpoint: at, check: 'ICMP', state: 'up', since: new Date(0) },
    outputs: 1,
    sent: { packets, bytes },
    errors: [],
    route: 'ok',
    neighbour: 'reachable',
  };
}
