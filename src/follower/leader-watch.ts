import type { FollowConfig } from '../config/config.ts';
import type { RulesRevisionMessage } from '../protocol/messages.ts';
import { LeaderLine, type LineEnd } from './leader-line.ts';
import { type KnownRules, type LeaderRules, ProtocolError, RulesAssembly } from './leader-rules.ts';
import type { WatchCall } from './watch-call.ts';

/** The leader says something twice a second. After so much silence it is looked for on new lines, too. */
const SUSPECT_AFTER_MS = 1250;

/** After so much silence the leader counts as gone. */
const SILENCE_LIMIT_MS = 3000;

/**
 * A new line is tried so often, however long the leader has been gone: a follower has to have a change within a
 * second of the end of a cut. It costs a packet or two.
 */
const TRY_INTERVAL_MS = 300;

/** The same when somebody is there who refuses: that does not change within seconds. */
const REFUSED_INTERVAL_MS = 2000;

/** Lines that have not brought a word after so long are given up. Longer than any sane network needs. */
const FIRST_WORD_LIMIT_MS = 4000;

/** More time between two ticks means that this process was busy: the leader's words may wait unread then. */
const LATE_TICK_MS = 500;

export interface WatchEvents {
  /** What the request names; the leader sends what is different. */
  knownRules(): KnownRules;
  /** The leader's identity, and those of the nodes that it follows. @returns whether its rules may be taken over */
  accepts(nodes: readonly string[]): boolean;
  /** The rules of the leader are known to be these. Also comes with each heartbeat. */
  rules(rules: LeaderRules): void;
  /** The leader is there and has no rules to give. */
  problem(reason: string): void;
  /** The leader is heard again; or it is not any more, and why. */
  connected(): void;
  disconnected(reason: string): void;
}

interface Candidate {
  readonly line: LeaderLine;
  readonly assembly: RulesAssembly;
  /** It named no rules that need not be sent. */
  readonly asksForAll: boolean;
  readonly openedMs: number;
}

/**
 * Stays in touch with the leader. One line is in use; while it is silent, or there is none, new ones are opened,
 * and the first to bring a word takes its place. New lines are closed when the old one speaks again: so
 * whatever a line says is newer than all that the lines before it have said.
 */
export class LeaderWatch {
  readonly #follow: FollowConfig;
  readonly #call: WatchCall;
  readonly #events: WatchEvents;
  #current: Candidate | undefined;
  readonly #candidates = new Set<Candidate>();
  #lastContactMs: number | undefined;
  #lastTryMs = Number.NEGATIVE_INFINITY;
  #lastTickMs: number | undefined;
  #silentSinceMs = 0;
  #tryIntervalMs = TRY_INTERVAL_MS;
  /** What was sent did not fit what we have: all has to be sent again. */
  #isMisled = false;
  #isConnected = false;
  #isClosed = false;

  constructor(follow: FollowConfig, call: WatchCall, events: WatchEvents) {
    this.#follow = follow;
    this.#call = call;
    this.#events = events;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** When the leader was heard last, in the time of performance.now(). */
  get lastContactMs(): number | undefined {
    return this.#lastContactMs;
  }

  /** Has to be called every 100 ms or so. @param nowMs performance.now() */
  tick(nowMs: number): void {
    if (this.#isClosed) return;
    const isLate = nowMs - (this.#lastTickMs ?? nowMs) > LATE_TICK_MS;
    this.#lastTickMs = nowMs;
    if (isLate) this.#silentSinceMs = nowMs;
    const silenceMs = nowMs - this.#silentSinceMs;
    if (this.#current !== undefined && silenceMs > SILENCE_LIMIT_MS) {
      this.#current.line.close();
      this.#lose(`nothing was heard for ${SILENCE_LIMIT_MS / 1000} s`);
    }
    this.#giveUpOldCandidates(nowMs);
    const isNeeded = this.#current === undefined || silenceMs > SUSPECT_AFTER_MS;
    if (isNeeded && nowMs - this.#lastTryMs >= this.#tryIntervalMs) this.#try(nowMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#current?.line.close();
    this.#current = undefined;
    this.#closeCandidates();
    this.#isConnected = false;
  }

  #try(nowMs: number): void {
    this.#lastTryMs = nowMs;
    const known = this.#isMisled ? undefined : this.#events.knownRules();
    const candidate: Candidate = {
      assembly: new RulesAssembly(known),
      asksForAll: known === undefined,
      openedMs: nowMs,
      line: new LeaderLine(this.#follow, this.#call.request(known?.digest), {
        message: (bytes) => this.#take(candidate, this.#call.decode(bytes)),
        end: (end) => this.#ended(candidate, end),
      }),
    };
    this.#candidates.add(candidate);
  }

  #take(from: Candidate, message: RulesRevisionMessage): void {
    if (from !== this.#current) this.#promote(from);
    this.#closeCandidates();
    this.#heard();
    if (!this.#events.accepts(message.nodes ?? [])) return;
    if (message.error !== undefined) {
      this.#events.problem(message.error);
      return;
    }
    const rules = this.#add(from, message);
    if (rules === undefined) return;
    this.#isMisled = false;
    this.#events.rules(rules);
  }

  #add({ assembly }: Candidate, message: RulesRevisionMessage): LeaderRules | undefined {
    try {
      return assembly.add(message);
    } catch (error) {
      this.#isMisled = error instanceof ProtocolError;
      throw error;
    }
  }

  #promote(candidate: Candidate): void {
    this.#current?.line.close();
    this.#candidates.delete(candidate);
    this.#current = candidate;
    this.#tryIntervalMs = TRY_INTERVAL_MS;
  }

  #heard(): void {
    const nowMs = performance.now();
    this.#lastContactMs = nowMs;
    this.#silentSinceMs = nowMs;
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#events.connected();
  }

  #ended(candidate: Candidate, { kind, reason }: LineEnd): void {
    const isWorthAsking = kind === 'unreachable' || (this.#isMisled && !candidate.asksForAll);
    this.#tryIntervalMs = isWorthAsking ? TRY_INTERVAL_MS : REFUSED_INTERVAL_MS;
    this.#candidates.delete(candidate);
    if (candidate === this.#current) this.#lose(reason);
    else if (this.#current === undefined) this.#events.disconnected(reason);
  }

  #lose(reason: string): void {
    this.#current = undefined;
    this.#isConnected = false;
    this.#events.disconnected(reason);
  }

  #giveUpOldCandidates(nowMs: number): void {
    for (const candidate of this.#candidates) {
      if (nowMs - candidate.openedMs <= FIRST_WORD_LIMIT_MS) continue;
      candidate.line.close();
      this.#candidates.delete(candidate);
      const reason = `no answer within ${FIRST_WORD_LIMIT_MS / 1000} s`;
      if (this.#current === undefined) this.#events.disconnected(reason);
    }
  }

  #closeCandidates(): void {
    for (const { line } of this.#candidates) line.close();
    this.#candidates.clear();
  }
}
