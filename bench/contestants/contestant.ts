import type { ContestantName, Scenario } from '../scenarios.ts';
import type { Cores } from '../tools.ts';
import type { Path } from '../topology.ts';

/** Something that forwards, in the namespace of its path, on the proxy's core. */
export interface Running extends AsyncDisposable {
  /** The processes that move packets: their CPU time is what copies cost. Empty: the kernel does. */
  readonly forwarders: readonly number[];
  /** All its processes: their memory is counted. */
  readonly processes: readonly number[];
}

export interface Start {
  readonly path: Path;
  readonly scenario: Scenario;
  readonly cores: Cores;
  /** A folder of its own for files. */
  readonly folder: string;
}

export interface Contestant {
  readonly name: ContestantName;
  /** What it is and how it is set up, for the report. */
  readonly description: string;
  /** Debian package it comes from. */
  readonly debianPackage?: { readonly name: string; readonly command: string };
  /** IPv4 packets can go to IPv6 collectors. */
  readonly translates?: true;
  /** Returns when it forwards. */
  start(options: Start): Promise<Running>;
}

/** Family of the collectors. */
export function collectorFamily(scenario: Scenario): 'ipv4' | 'ipv6' {
  return scenario.family === 'ipv4' ? 'ipv4' : 'ipv6';
}

/** Family of the exporters. */
export function exporterFamily(scenario: Scenario): 'ipv4' | 'ipv6' {
  return scenario.family === 'ipv6' ? 'ipv6' : 'ipv4';
}
