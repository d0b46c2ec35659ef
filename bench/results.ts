import type { CollectorResults } from './collector/results.ts';
import type { ProcessMemory } from './processes.ts';
import type { ContestantName, Scenario } from './scenarios.ts';
import type { Latency } from './tools.ts';

/** What kept a run from being faster. `others`: other programs, or the host, took the proxy's core away. */
export type Limit = 'proxy' | 'generator' | 'collector' | 'others';

/** One measurement under more load than the contestant can take. */
export interface Saturation {
  /** What the generator sent. */
  readonly offeredPacketsPerSecond: number;
  /** Copies that left. */
  readonly copiesPerSecond: number;
  /** Of the forwarders; of the whole core for what runs in the kernel. */
  readonly cpuSeconds: number;
  readonly copies: number;
  /** Share of the time in which the proxy core did something. */
  readonly coreBusy: number;
  /** Share of the time in which the host of a virtual machine took the core away. */
  readonly steal: number;
  readonly limit: Limit;
}

/** What happened at one rate. */
export interface Trial {
  readonly packetsPerSecond: number;
  readonly expectedCopies: number;
  readonly lostCopies: number;
  /** Copies that were still under way when the generator stopped. */
  readonly lateCopies: number;
  /** Forwarders' CPU seconds per second. */
  readonly coreShare: number;
  readonly systemShare: number;
}

export interface Measured {
  readonly scenario: Scenario;
  readonly contestant: ContestantName;
  readonly rounds: readonly Saturation[];
  /** Medians over the rounds, and CPU time over all of them. */
  readonly copiesPerSecond: number;
  readonly copiesPerCpuSecond: number;
  readonly userNsPerCopy: number;
  readonly systemNsPerCopy: number;
  readonly limit: Limit;
  /** Highest rate without loss, in packets (not copies) per second; 0 = none was found. */
  readonly losslessPacketsPerSecond: number;
  readonly latency: Latency;
  readonly memory: readonly ProcessMemory[];
  /** At the scenario's fixed rate, when it has one: medians, and losses of all rounds. */
  readonly fixedRate?: Trial;
  /** Memory of the proxy with two forwarders, when it was measured: control first. */
  readonly twoForwardersMemory?: readonly ProcessMemory[];
}

export interface Skipped {
  readonly scenario: Scenario;
  readonly contestant: ContestantName;
  readonly reason: string;
}

export interface GroupResult {
  readonly title: string;
  readonly measured: readonly Measured[];
  readonly skipped: readonly Skipped[];
}

export interface Results {
  readonly startedAt: string;
  readonly seconds: number;
  readonly isQuick: boolean;
  readonly machine: {
    readonly cpu: string;
    readonly kernel: string;
    readonly node: string;
    readonly cores: number;
  };
  readonly descriptions: Readonly<Record<string, string>>;
  readonly groups: readonly GroupResult[];
  readonly collector: CollectorResults;
}
