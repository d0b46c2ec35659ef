/** A node in this process: a real control plane, store and API; only the data plane moves nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { ApiServer } from '../../src/api/server.ts';
import { followLeader } from '../../src/app/rules-source.ts';
import type { Config, FollowConfig } from '../../src/config/config.ts';
import { Backups } from '../../src/control/backups.ts';
import type { Control } from '../../src/control/control.ts';
import { ControlPlane } from '../../src/control/control-plane.ts';
import { RulesHistory } from '../../src/control/history.ts';
import type { DataPlane, PreparedRules, Sightings } from '../../src/control/ports.ts';
import { NO_COUNTERS } from '../../src/control/statistics.ts';
import type { Follower } from '../../src/follower/follower.ts';
import type { RuleSet } from '../../src/model/rules.ts';
import type { FollowerStatus } from '../../src/model/status.ts';
import { ruleSetDigest } from '../../src/rules/digest.ts';
import type { HostAddresses } from '../../src/rules/validate.ts';
import { ThreadedRuleStore } from '../../src/store/threaded-rule-store.ts';
import { FakePipelines } from '../api/fake-pipelines.ts';
import { apiConfig, BUILD_INFO, recordingLog, SURROUNDINGS } from '../api/harness.ts';
import { HISTORY_LIMITS } from '../lab/rule-store.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { host } from '../support/rule-sets.ts';

/** Takes every rule set and writes down which came into force. */
class NoDataPlane implements DataPlane {
  readonly published: RuleSet[] = [];

  status() {
    return { state: 'OK' } as const;
  }
  inForce(): boolean {
    return false;
  }
  listeners(): [] {
    return [];
  }

  kernelEngine() {
    return undefined;
  }

  forwarders(): [] {
    return [];
  }
  endedForwarders(): undefined {}
  readonly listenPorts = [2055];
  sendLosses(): [] {
    return [];
  }
  forgottenCopies(): bigint {
    return 0n;
  }
  async sightings(): Promise<Sightings> {
    return { since: new Date(), exporters: [], forgotten: 0n };
  }
  async prepare(ruleSet: RuleSet): Promise<PreparedRules> {
    return {
      putInForce: async () => {
        this.published.push(ruleSet);
        return NO_COUNTERS;
      },
      discard: () => {},
    };
  }
}

export interface NodeOptions {
  /** Where the leader is; none = the node follows nobody. */
  readonly follow?: FollowConfig | undefined;
  /** The folder of its database; none = a new one, which goes with the node. */
  readonly folder?: string;
  /** TCP port of the API; default any. */
  readonly port?: number;
  readonly tls?: Config['api']['tls'];
  readonly access?: Config['api']['access'];
  readonly hostAddresses?: () => HostAddresses;
}

export class Node implements AsyncDisposable {
  readonly control: ControlPlane;
  /** What the API serves. */
  readonly served: Control;
  readonly history: RulesHistory;
  readonly folder: string;
  /** The rule sets that came into force, in order. */
  readonly published: RuleSet[];
  readonly logged: Record<string, unknown>[];
  readonly #api: ApiServer;
  readonly #follower: Follower | undefined;
  readonly #ownsFolder: boolean;
  #isStopped = false;

  private constructor({ follow, folder, port = 0, tls, access, hostAddresses }: NodeOptions) {
    this.#ownsFolder = folder === undefined;
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'floxy-node-'));
    this.logged = [];
    const log = recordingLog(this.logged);
    const quiet = pino({ level: 'silent' });
    const dataPlane = new NoDataPlane();
    this.published = dataPlane.published;
    const path = join(this.folder, 'collector.db');
    const store = new ThreadedRuleStore({ path, historyLimits: HISTORY_LIMITS, log: quiet });
    this.control = new ControlPlane({
      store,
      dataPlane,
      hostAddresses: hostAddresses ?? (() => host()),
      log: quiet,
    });
    this.history = new RulesHistory({ control: this.control, store });
    const { follower, served } = followLeader({ follow }, this.control, log);
    this.#follower = follower;
    this.served = served;
    const config = apiConfig({ port, tls, ...(access && { access }) });
    this.#api = new ApiServer({
      control: served,
      pipelines: new FakePipelines(),
      buildInfo: BUILD_INFO,
      surroundings: SURROUNDINGS,
      rulesHistory: this.history,
      backups: new Backups(store),
      config,
      log: quiet,
    });
  }

  static async start(options: NodeOptions = {}): Promise<Node> {
    const node = new Node(options);
    await node.#api.start();
    await node.control.start();
    node.#follower?.start();
    return node;
  }

  get port(): number {
    return this.#api.boundPort;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get digest(): string {
    return ruleSetDigest(this.control.rules().ruleSet);
  }

  /** @throws Error on a node that follows nobody */
  get following(): FollowerStatus {
    const { follower } = this.served.status();
    if (follower === undefined) throw new Error('this node follows nobody');
    return follower;
  }

  /** Waits until the node has the rules of another in force and says so. @returns how long it took, in ms */
  async hasRulesOf(leader: Node): Promise<number> {
    const start = performance.now();
    const what = () => `the follower has the leader's rules: ${JSON.stringify(this.following)}`;
    const isSame = () => this.digest === leader.digest && this.following.lagRevisions === 0;
    await waitFor(
      what,
      () => isSame() && this.following.appliedRevision === leader.control.rules().revision,
      HANG_MS,
      2,
    );
    return performance.now() - start;
  }

  /** Ends it as SIGTERM does. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.#follower?.stop();
    await this.control.stop();
    await this.#api.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (this.#ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a follower of a node, or of a port, is configured with. */
export function follow(
  leader: { readonly port: number },
  tls: FollowConfig['tls'] = undefined,
): FollowConfig {
  const { port } = leader;
  return { host: '127.0.0.1', port, target: `127.0.0.1:${port}`, tls, tokenPath: undefined };
}
