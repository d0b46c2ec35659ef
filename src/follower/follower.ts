import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../base/errors.ts';
import type { FollowConfig } from '../config/config.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import type { FollowedRevision, LeaderRevision, RuleChange, RuleSet } from '../model/rules.ts';
import type { FollowerStatus } from '../model/status.ts';
import { changeBetween } from '../rules/difference.ts';
import { hashRules, ruleSetDigest } from '../rules/digest.ts';
import type { KnownRules, LeaderRules } from './leader-rules.ts';
import { LeaderWatch } from './leader-watch.ts';
import { loadWatchCall } from './watch-call.ts';

const TICK_MS = 100;

/** Of those that a leader tells; nobody has so many nodes one behind the other. */
const MAX_NODES = 64;

const ITSELF = 'it is this node itself (COLLECTOR_FLOXY_FOLLOW)';
const CIRCLE =
  'it follows this node, directly or through others; take COLLECTOR_FLOXY_FOLLOW away at one of them and restart it';

/** Rules that could not be put in force are tried again after so long, and then after twice as long … */
const FIRST_RETRY_MS = 1000;
/** … up to this. */
const MAX_RETRY_MS = 30_000;

/** What the follower needs of the control plane. */
export type FollowedControl = Pick<
  ControlPlane,
  'nodes' | 'rules' | 'rulesProblem' | 'change' | 'followed' | 'noteFollowed'
>;

export interface FollowerOptions {
  readonly control: FollowedControl;
  readonly follow: FollowConfig;
  readonly log: Logger;
}

interface Failure {
  readonly digest: string;
  readonly error: string;
  readonly retryAtMs: number;
  readonly delayMs: number;
}

/**
 * Keeps the rules of this node the same as those of another, its leader: puts each revision that it hears of in
 * force, the last one first when there are several. A change that was made here, on purpose, stays until the
 * leader's rules change.
 */
export class Follower {
  readonly #control: FollowedControl;
  readonly #leader: string;
  readonly #log: Logger;
  readonly #watch: LeaderWatch;
  #timer: NodeJS.Timeout | undefined;
  /** The leader's rules as far as they are known since the start. */
  #target: LeaderRules | undefined;
  #work: Promise<void> | undefined;
  #failure: Failure | undefined;
  /** Why there is no word from the leader, or it has no rules to give. */
  #leaderProblem: string | undefined = 'not connected yet';
  #leaderNodes: readonly string[] = [];
  #hasLoggedLoss = false;
  #isStopped = false;

  constructor({ control, follow, log }: FollowerOptions) {
    this.#control = control;
    this.#leader = follow.target;
    this.#log = log;
    this.#watch = new LeaderWatch(follow, loadWatchCall(), {
      knownRules: () => this.#known(),
      rules: (rules) => this.#hear(rules),
      accepts: (nodes) => this.#accepts(nodes),
      problem: (reason) => this.#hearProblem(reason),
      connected: () => this.#connected(),
      disconnected: (reason) => this.#disconnected(reason),
    });
  }

  /** The control plane must have restored its rules by then. */
  start(): void {
    this.#log.info({ leader: this.#leader }, 'this node follows another');
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  /** Waits for the change at work. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#watch.close();
    await this.#work;
  }

  status(): FollowerStatus {
    const followed = this.#followed();
    const { lastContactMs, isConnected } = this.#watch;
    const error = this.#leaderProblem ?? this.#failure?.error;
    return {
      leader: this.#leader,
      isConnected,
      ...(this.#target && { leaderRevision: this.#target.revision }),
      ...(followed && { appliedRevision: followed.revision }),
      ...(this.#target && { lagRevisions: this.#lag(this.#target) }),
      ...(lastContactMs !== undefined && {
        secondsSinceContact: (performance.now() - lastContactMs) / 1000,
      }),
      isOverridden: this.#isOverridden(),
      ...(error !== undefined && { error }),
    };
  }

  /** Whether this node has had neither rules of its leader nor any of its own. */
  isWaitingForFirstRules(): boolean {
    return this.#followed() === undefined && this.#control.rules().revision === 0;
  }

  /** Identities of the leader and of the nodes that it follows, as it told them last. */
  leaderNodes(): readonly string[] {
    return this.#leaderNodes;
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#watch.tick(nowMs);
    this.#settle(nowMs);
  }

  #known(): KnownRules {
    if (this.#target !== undefined) return this.#target;
    const { ruleSet } = this.#control.rules();
    const followed = this.#followed();
    const isSound = this.#control.rulesProblem() === undefined && !this.#isOverridden();
    const digest = followed !== undefined && isSound ? followed.digest : ruleSetDigest(ruleSet);
    return { digest, ruleSet };
  }

  #hear(rules: LeaderRules): void {
    if (this.#isBlank(rules)) {
      this.#hearProblem('it has never had any; the rules of this node stay in force');
      return;
    }
    this.#leaderProblem = undefined;
    if (rules.digest !== this.#failure?.digest) this.#failure = undefined;
    this.#target = rules;
    this.#settle(performance.now());
  }

  /** Rules that come back to where they came from would change places with others for ever. */
  #accepts(nodes: readonly string[]): boolean {
    const own = new Set(this.#control.nodes());
    const self = nodes.findIndex((node) => own.has(node));
    const heard = self < 0 ? nodes : nodes.slice(0, self);
    this.#leaderNodes = heard.slice(0, MAX_NODES);
    if (self >= 0) this.#hearProblem(self === 0 ? ITSELF : CIRCLE);
    return self < 0;
  }

  #hearProblem(reason: string): void {
    const problem = `the leader has no rules to give: ${reason}`;
    if (problem !== this.#leaderProblem) this.#log.warn({ reason }, problem);
    this.#leaderProblem = problem;
  }

  #connected(): void {
    this.#leaderProblem = undefined;
    this.#hasLoggedLoss = false;
    this.#log.info({ leader: this.#leader }, 'the leader is heard');
  }

  #disconnected(reason: string): void {
    this.#leaderProblem = `no connection to the leader ${this.#leader}: ${reason}`;
    if (this.#hasLoggedLoss) return;
    this.#hasLoggedLoss = true;
    this.#log.warn({ leader: this.#leader, reason }, 'the leader is not heard');
  }

  /** Begins to put the leader's rules in force when they are not. */
  #settle(nowMs: number): void {
    if (this.#work !== undefined || this.#isStopped || !this.#isWorkLeft(nowMs)) return;
    this.#work = this.#workOff().finally(() => {
      this.#work = undefined;
    });
  }

  #isWorkLeft(nowMs: number): boolean {
    const target = this.#target;
    if (target === undefined || this.#isInForce(target)) return false;
    if (this.#failure !== undefined && nowMs < this.#failure.retryAtMs) return false;
    const isHeld = this.#isOverridden() && this.#isNoted(target);
    return !isHeld || this.#control.rulesProblem() !== undefined || this.#isSame(target);
  }

  async #workOff(): Promise<void> {
    while (!this.#isStopped && this.#isWorkLeft(performance.now())) {
      const target = this.#target;
      if (target === undefined) return;
      try {
        await this.#apply(target);
        this.#failure = undefined;
      } catch (error) {
        this.#fail(target, error);
      }
    }
  }

  async #apply(target: LeaderRules): Promise<void> {
    const own = this.#control.rules();
    const { revision, digest, ruleSet } = target;
    const follows: LeaderRevision = { leader: this.#leader, revision, digest };
    const isOwnSound = this.#control.rulesProblem() === undefined;
    await hashRules(own.ruleSet.rules);
    if (isOwnSound && this.#isSame(target)) {
      await this.#control.noteFollowed(follows, own.revision);
      this.#log.info({ leaderRevision: revision, revision: own.revision }, 'rules are the same');
      return;
    }
    const change: RuleChange = isOwnSound
      ? changeBetween(own.ruleSet, ruleSet)
      : { kind: 'replace', ruleSet };
    const wasOverridden = this.#isOverridden();
    const origin = { author: this.#leader, from: this.#leader, call: 'Follow' };
    const applied = await this.#control.change(change, own.revision, { follows, ...origin });
    const details = { leaderRevision: revision, revision: applied.revision, kind: change.kind };
    if (wasOverridden) this.#log.warn(details, 'rules of the leader replace those changed here');
    else this.#log.info(details, 'rules of the leader are in force');
  }

  #fail({ digest, revision }: LeaderRules, thrown: unknown): void {
    // Somebody changed the rules here in the meantime: look again what is to be done.
    if (thrown instanceof FloxyError && thrown.code === 'REVISION_MISMATCH') return;
    const isSame = this.#failure?.digest === digest;
    const delayMs = isSame
      ? Math.min(MAX_RETRY_MS, 2 * (this.#failure?.delayMs ?? 0))
      : FIRST_RETRY_MS;
    const reason =
      thrown instanceof FloxyError ? thrown.message : 'an internal error, see the log of this node';
    const error = `revision ${revision} of the leader cannot be put in force here: ${reason}`;
    this.#failure = { digest, error, delayMs, retryAtMs: performance.now() + delayMs };
    if (!(thrown instanceof FloxyError)) this.#log.error({ err: thrown }, messageOf(error));
    else if (!isSame) this.#log.error({ leaderRevision: revision, reason }, 'rules not applied');
  }

  /** A leader that was set up anew must not empty the node that has the only copy of its rules. */
  #isBlank({ revision, ruleSet }: LeaderRules): boolean {
    return revision === 0 && isEmpty(ruleSet) && !isEmpty(this.#control.rules().ruleSet);
  }

  #isSame({ ruleSet }: LeaderRules): boolean {
    return ruleSetDigest(this.#control.rules().ruleSet) === ruleSetDigest(ruleSet);
  }

  /** What was put in force of this leader. Of another one that was followed before it means nothing. */
  #followed(): FollowedRevision | undefined {
    const followed = this.#control.followed();
    return followed?.leader === this.#leader ? followed : undefined;
  }

  #isOverridden(): boolean {
    const followed = this.#followed();
    return followed !== undefined && followed.appliedAs !== this.#control.rules().revision;
  }

  #isNoted({ revision, digest }: LeaderRules): boolean {
    const followed = this.#followed();
    return followed?.revision === revision && followed.digest === digest;
  }

  #isInForce(target: LeaderRules): boolean {
    return (
      this.#isNoted(target) && !this.#isOverridden() && this.#control.rulesProblem() === undefined
    );
  }

  #lag(target: LeaderRules): number {
    if (this.#isNoted(target)) return 0;
    return Math.max(1, target.revision - (this.#followed()?.revision ?? 0));
  }
}

function isEmpty({ rules, defaultOutputs }: RuleSet): boolean {
  return rules.length === 0 && defaultOutputs.length === 0;
}
