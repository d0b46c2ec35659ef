import type { Config, ConfigProblem, UnknownVariable } from '../config/config.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { RuleSet } from '../model/rules.ts';
import type { CounterSample } from './samples.ts';

/** Who runs: a service, or this command. */
export interface Build {
  readonly version: string;
  readonly commit: string;
}

/** The settings that the service has, or would have. */
export interface SubjectSettings {
  /** Undefined: they cannot be used, see problems. */
  readonly config: Config | undefined;
  readonly problems: readonly ConfigProblem[];
  readonly unknown: readonly UnknownVariable[];
  /** Where they were found, in words. */
  readonly from: string;
}

/** JSON form of collector.proto.SubsystemStatus. */
export interface SubsystemReport {
  readonly state?: string;
  readonly error?: string;
}

/** JSON form of collector.proto.SystemStatus, as far as it is looked at. */
export interface StatusReport {
  readonly proxy?: SubsystemReport;
  readonly database?: SubsystemReport;
  readonly draining?: boolean;
  readonly countersSince?: string;
  readonly follower?: {
    readonly state?: string;
    readonly leader?: string;
    readonly error?: string;
  };
  readonly forwarders?: readonly ForwarderReport[];
  readonly kernelEngine?: { readonly problem?: string };
}

/** JSON form of collector.proto.ForwarderStatus. */
export type ForwarderReport = {
  readonly index?: number;
  readonly pid?: number;
  readonly restarts?: string;
} & Readonly<Record<string, unknown>>;

/** A service that answers. */
export interface ServiceReport {
  readonly build: Build;
  /** Of control and forwarders, where they are processes of this host that can be seen; else none. */
  readonly pids: readonly number[];
  /** Of control; undefined when it cannot be seen here. */
  readonly pid: number | undefined;
  readonly status: StatusReport;
}

/** The rules to look at. */
export interface SubjectRules {
  readonly ruleSet: RuleSet;
  /** `the rules in force`, or the name of a file. */
  readonly name: string;
}

/** A host to which copies go, asked for rules of its own. */
export interface PeerReport {
  readonly host: string;
  /** Where it sends; undefined: it is no proxy, or tells nothing. */
  readonly collectors: readonly Endpoint[] | undefined;
}

/** What is looked at. */
export interface Subject {
  readonly own: Build;
  readonly settings: SubjectSettings;
  /** Where the API was asked. */
  readonly target: string;
  /** Undefined: it did not answer. */
  readonly service: ServiceReport | undefined;
  /** Why it did not. */
  readonly serviceError?: string | undefined;
  readonly rules: SubjectRules | undefined;
  /** Why there are no rules to look at. */
  readonly rulesError?: string | undefined;
  /** Asks the hosts of collectors; undefined when there are no rules. */
  readonly askPeers: (() => Promise<readonly PeerReport[]>) | undefined;
  /** Two looks at what the kernel and the service count, a while apart. */
  readonly samples: readonly [CounterSample, CounterSample];
}
