/**
 * The gRPC API as a test uses it: from inside a namespace (api-agent.ts does the work), with the names and
 * shapes of the .proto files.
 */
import { Agent } from './agent.ts';
import { leavingMessage } from './leaving.ts';
import { type ExporterText, type OutputsText, outputText, type RuleSetText } from './reference.ts';
import { HANG_MS } from './shell.ts';
import type { EndpointText } from './wire.ts';

export const GRPC = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNAVAILABLE: 14,
} as const;

export interface ApiCall {
  readonly target: string;
  readonly service: string;
  readonly method: string;
  readonly request: object;
  readonly headers: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
}

export interface ApiReply<T = object> {
  readonly response: T;
  readonly headers: Readonly<Record<string, string>>;
  /** From the request to the answer, as the client saw it. */
  readonly tookMs: number;
}

/** A status other than OK. */
export interface ApiFailure extends Error {
  readonly code: number;
  readonly details: string;
}

export interface CountersMessage {
  readonly packets: string;
  readonly bytes: string;
}

/** An address in an answer: host, or octets in base64. */
export interface EndpointMessage {
  readonly host?: string;
  readonly octets?: string;
  readonly port?: number;
}

export interface OutputStatsMessage {
  readonly collectors: readonly {
    readonly endpoint: EndpointMessage;
    readonly output: CountersMessage;
    readonly health?: string;
  }[];
  readonly sampled_out?: CountersMessage;
  readonly filtered_out?: CountersMessage;
}

export interface RuleStatsMessage {
  readonly exporter: { readonly endpoint: EndpointMessage; readonly input: CountersMessage };
  readonly outputs: readonly OutputStatsMessage[];
}

export interface ProxyStatsMessage {
  readonly rules: readonly RuleStatsMessage[];
  readonly default_outputs: readonly OutputStatsMessage[];
  readonly mismatched: CountersMessage;
}

export interface ForwarderMessage {
  readonly index: number;
  readonly pid?: number;
  readonly restarts: string;
  readonly started_at?: string;
  readonly received: CountersMessage;
  readonly forwarded: CountersMessage;
  readonly dropped_by_rule: string;
  readonly no_eligible_collector: string;
  readonly hop_limit_exceeded: string;
  readonly truncated: string;
  readonly kernel_drops: string;
  readonly fragmented: string;
  readonly fragments: string;
  readonly send_retries: string;
  readonly template_copies: string;
  readonly template_resends: string;
  readonly templates_unreadable: string;
  readonly templates_unkept: string;
  readonly frames: string;
  readonly frames_refused: string;
  readonly refusals: readonly { readonly code: string; readonly count: string }[];
  readonly send_errors: readonly { readonly code: string; readonly count: string }[];
  readonly receive_errors: readonly { readonly code: string; readonly count: string }[];
}

export interface SystemStatusMessage {
  readonly kernel_engine?: {
    readonly problem?: string;
    readonly interfaces: readonly string[];
    readonly handled: CountersMessage;
    readonly up: readonly { readonly reason: string; readonly packets: string }[];
  };
  readonly listeners: readonly {
    readonly address: string;
    readonly received: CountersMessage;
    readonly kernel_drops: string;
  }[];
  readonly proxy: { readonly state: string; readonly error?: string };
  readonly database: { readonly state: string; readonly error?: string };
  readonly forwarders: readonly ForwarderMessage[];
  readonly counters_since?: string;
  readonly health?: {
    readonly watched: number;
    readonly down: number;
    readonly unknown: number;
    readonly troubled: readonly WatchedMessage[];
  };
  readonly ended_forwarders?: ForwarderMessage;
  readonly follower?: {
    readonly state: string;
    readonly leader: string;
    readonly leader_revision?: string;
    readonly applied_revision?: string;
    readonly lag_revisions?: string;
    readonly seconds_since_contact?: number;
    readonly overridden: boolean;
    readonly error?: string;
  };
}

/** What checks say of a collector. */
export interface WatchedMessage {
  readonly endpoint: EndpointMessage;
  readonly check: string;
  readonly state: string;
  readonly cause?: string;
  readonly problem?: string;
}

/** Of View.WatchTraffic: what tests look at. */
export interface TrafficMessage {
  readonly exporters: readonly {
    readonly endpoint: EndpointMessage;
    readonly rule?: EndpointMessage;
    readonly state: string;
    readonly received: CountersMessage;
    readonly protocol: string;
    readonly truncated: string;
    readonly lost: string;
  }[];
  readonly collectors: readonly {
    readonly endpoint: EndpointMessage;
    readonly sent: CountersMessage;
    readonly errors: readonly { readonly code: string; readonly count: string }[];
    readonly last_error?: { readonly code: string; readonly exporter: EndpointMessage };
    readonly route: string;
    readonly neighbour: string;
    readonly problem?: string;
    readonly health?: WatchedMessage;
  }[];
}

interface OutputMessage {
  readonly collectors: readonly {
    readonly endpoint: EndpointMessage;
    readonly weight?: number;
    readonly source?: string;
    readonly source_endpoint?: EndpointMessage;
    readonly hop_limit?: number;
    readonly dscp?: number;
    readonly ipv4_source_prefix?: string;
  }[];
  readonly balance?: string;
}

export interface ProxyRulesMessage {
  readonly rules: readonly {
    readonly exporter: { readonly endpoint: EndpointMessage };
    readonly outputs: readonly OutputMessage[];
  }[];
  readonly default_outputs: readonly OutputMessage[];
}

function exporterMessage({ prefixLength, listeningPort, ...endpoint }: ExporterText) {
  return {
    endpoint,
    ...(prefixLength !== undefined && { prefix_length: prefixLength }),
    ...(listeningPort !== undefined && { listening_port: listeningPort }),
  };
}

/** The wire form of a rule set. */
export function toMessage(ruleSet: RuleSetText): ProxyRulesMessage {
  const output = (text: OutputsText[number]) => {
    const { collectors, ...options } = outputText(text);
    return {
      collectors: collectors.map(({ host, port, weight, health, standby, ...leaving }) => ({
        endpoint: { host, ...(port !== undefined && { port }) },
        ...(weight !== undefined && { weight }),
        ...(health !== undefined && { health }),
        ...(standby !== undefined && { standby }),
        ...leavingMessage(leaving),
      })),
      ...options,
    };
  };
  return {
    rules: ruleSet.rules.map((rule) => ({
      exporter: exporterMessage(rule.exporter),
      outputs: rule.outputs.map(output),
    })),
    default_outputs: (ruleSet.defaultOutputs ?? []).map(output),
  };
}

export class Api implements AsyncDisposable {
  readonly #agent: Agent;
  readonly #target: string;

  private constructor(agent: Agent, target: string) {
    this.#agent = agent;
    this.#target = target;
  }

  /** @param target host:port of the API as seen from the namespace */
  static async start(namespace: string, target = '127.0.0.1:8853'): Promise<Api> {
    return new Api(await Agent.start(namespace, './api-agent.ts'), target);
  }

  get pid(): number {
    return this.#agent.pid;
  }

  /** One call. Fails with an ApiFailure. */
  call<T>(
    service: 'Settings' | 'Metrics' | 'View',
    method: string,
    request: object = {},
    options: { headers?: Readonly<Record<string, string>>; deadlineMs?: number } = {},
  ): Promise<ApiReply<T>> {
    const { headers = {}, deadlineMs = HANG_MS } = options;
    return this.#agent.ask('call', {
      target: this.#target,
      service,
      method,
      request,
      headers,
      deadlineMs,
    });
  }

  /** All answers of a call that streams and ends. */
  list<T>(service: 'View' | 'Metrics', method: string, request: object = {}): Promise<T[]> {
    const target = this.#target;
    const call = { target, service, method, request, headers: {}, deadlineMs: HANG_MS };
    return this.#agent.ask<T[]>('list', call);
  }

  /** Who sends, and how collectors do, once. */
  async traffic(request: object = {}): Promise<TrafficMessage> {
    const wanted = { exporters: true, collectors: true, count: 1, interval_seconds: 0.5 };
    const parts = await this.list<TrafficMessage>('View', 'WatchTraffic', {
      ...wanted,
      ...request,
    });
    return {
      exporters: parts.flatMap(({ exporters }) => exporters),
      collectors: parts.flatMap(({ collectors }) => collectors),
    };
  }

  replace(ruleSet: RuleSetText, deadlineMs = HANG_MS): Promise<ApiReply> {
    return this.call('Settings', 'ReplaceProxyRules', toMessage(ruleSet), { deadlineMs });
  }

  async update(ruleSet: RuleSetText): Promise<void> {
    await this.call('Settings', 'UpdateProxyRules', toMessage(ruleSet));
  }

  async delete(...exporters: readonly EndpointText[]): Promise<void> {
    const request = { exporters: exporters.map((endpoint) => ({ endpoint })) };
    await this.call('Settings', 'DeleteProxyRules', request);
  }

  async rules(): Promise<ProxyRulesMessage> {
    return (await this.call<ProxyRulesMessage>('Settings', 'ListProxyRules')).response;
  }

  /** Statistics of the given exporters' rules; of all when none is given. */
  async statistics(...exporters: readonly EndpointText[]): Promise<ProxyStatsMessage> {
    const request = { exporters: exporters.map((endpoint) => ({ endpoint })) };
    return (await this.call<ProxyStatsMessage>('Metrics', 'GetProxyStats', request)).response;
  }

  async status(deadlineMs = HANG_MS): Promise<SystemStatusMessage> {
    const options = { deadlineMs };
    return (await this.call<SystemStatusMessage>('Settings', 'GetSystemStatus', {}, options))
      .response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
  }
}
