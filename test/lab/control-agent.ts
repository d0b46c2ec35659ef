/**
 * Agent that is control and its data plane, without settings, database and API: it receives where it is told, also
 * at several addresses. Exchanged values: two-listeners.test.ts.
 */
import pino from 'pino';
import type { RuleSetCounters } from '../../src/control/ports.ts';
import { CounterColumns } from '../../src/dataplane/memory/counter-columns.ts';
import { Plane } from '../../src/dataplane/plane.ts';
import { RulePublisher } from '../../src/dataplane/rule-publisher.ts';
import { SocketEngine } from '../../src/dataplane/socket/socket-engine.ts';
import type { RuleSet } from '../../src/model/rules.ts';
import { endpoint, outputs, rule, ruleSet } from '../support/rule-sets.ts';
import { serveRequests } from './agent-loop.ts';

const MEBIBYTE = 1024 * 1024;

export interface ControlOptions {
  /** As endpoint() takes them. */
  readonly listeners: readonly string[];
  readonly forwarders: number;
  readonly runtimeDirectory: string;
}

export interface ControlRules {
  /** Collectors of the only output, by exporter. */
  readonly rules: Readonly<Record<string, readonly string[]>>;
  readonly defaults: readonly string[];
}

let plane: Plane | undefined;
let current: RuleSet = ruleSet([]);
let counters: RuleSetCounters | undefined;

function started(): Plane {
  if (plane === undefined) throw new Error('not started');
  return plane;
}

async function start(options: ControlOptions): Promise<void> {
  const log = pino({ level: 'info' }, pino.destination(2));
  const columns = new CounterColumns();
  const engine = new SocketEngine(
    {
      ...options,
      listeners: options.listeners.map(endpoint),
      sends: true,
      engine: 'socket',
      forwarderUser: { name: 'nobody', uid: 65_534, gid: 65_534 },
      ipv4SourcePrefix: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
      orphanLimitMs: 600_000,
      packetBufferBytes: 9216,
      probeIntervalMs: 100,
      receiveBufferBytes: 4 * MEBIBYTE,
      ringBytes: MEBIBYTE,
      sendBufferBytes: MEBIBYTE,
    },
    columns,
    log,
  );
  const publisher = new RulePublisher([{ port: 1 }], columns);
  plane = new Plane({ engines: [engine], publisher, columns, log });
  await plane.start();
}

async function replace({ rules, defaults }: ControlRules): Promise<void> {
  const texts = Object.entries(rules);
  current = ruleSet(
    texts.map(([exporter, collectors]) => rule(exporter, collectors)),
    outputs(defaults),
  );
  counters = await (await started().prepare(current)).putInForce();
}

/** Packets that came in, by rule, and those without one. */
function inputs(): number[] {
  const of = counters;
  if (of === undefined) return [];
  const all = [...current.rules.map((each) => of.input(each)), of.mismatched()];
  return all.map(({ packets }) => Number(packets));
}

process.on('SIGTERM', () => {});
await serveRequests({
  start,
  replace,
  inputs,
  status: () => started().status(),
  pids: () =>
    started()
      .forwarders()
      .flatMap(({ pid }) => pid ?? []),
});
await plane?.stop();
process.exit(0);
