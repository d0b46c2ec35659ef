import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import { wayProblem } from '../control/way-problem.ts';
import type { NeighbourState, Way } from '../model/collector-status.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Output, RuleSet } from '../model/rules.ts';
import { findWays, KERNEL, type Kernel } from './find-ways.ts';

/** Longer than the kernel waits for an answer to ARP (3 s). */
const INTERVAL_MS = 5_000;

/** So many collectors are named in a line, then how many more there are. */
const MAX_NAMES = 5;

const UNKNOWN: Way = { route: 'unknown', neighbour: 'unknown' };

const ANSWERS: ReadonlySet<NeighbourState> = new Set([
  'reachable',
  'stale',
  'delay',
  'probe',
  'permanent',
  'unneeded',
]);

export interface WayWatchOptions {
  readonly log: Logger;
  /** Replaced in tests. */
  readonly kernel?: Kernel;
}

/**
 * Asks the kernel again and again for the ways to all collectors, and says in the log what has changed: one line for
 * all collectors of which the same is to be said (spec S26).
 */
export class WayWatch {
  readonly #log: Logger;
  readonly #kernel: Kernel;
  #ruleSet: RuleSet | undefined;
  #collectors: readonly Endpoint[] = [];
  #ways: ReadonlyMap<string, Way> = new Map();
  /** What is wrong with the way to an address, as it was told. */
  readonly #problems = new Map<string, string>();
  #rules: (() => RuleSet) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #error: string | undefined;

  constructor({ log, kernel = KERNEL }: WayWatchOptions) {
    this.#log = log;
    this.#kernel = kernel;
  }

  start(rules: () => RuleSet): void {
    this.#rules = rules;
    this.#timer = setTimeout(() => void this.#lookAgain(), 0);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#rules = undefined;
  }

  /** As it was at the last look. */
  find({ host }: Pick<Endpoint, 'host'>): Way {
    return this.#ways.get(host) ?? UNKNOWN;
  }

  /** Looks once. Never rejects. */
  async look(ruleSet: RuleSet): Promise<void> {
    if (ruleSet !== this.#ruleSet) {
      this.#ruleSet = ruleSet;
      this.#collectors = collectorsOf(ruleSet);
    }
    try {
      const addresses = this.#collectors.map(({ octets }) => octets);
      const found = await findWays(addresses, this.#kernel);
      for (const [host, way] of found) found.set(host, settled(way, this.#ways.get(host)));
      this.#ways = found;
      this.#error = undefined;
    } catch (error) {
      this.#complain(messageOf(error));
      return;
    }
    this.#tell();
  }

  async #lookAgain(): Promise<void> {
    const rules = this.#rules;
    if (rules === undefined) return;
    await this.look(rules());
    if (this.#rules !== undefined)
      this.#timer = setTimeout(() => void this.#lookAgain(), INTERVAL_MS);
  }

  #complain(error: string): void {
    if (error !== this.#error) this.#log.warn({ error }, 'the ways to collectors are not known');
    this.#error = error;
  }

  /** What has changed since the last look. */
  #tell(): void {
    const worse = new Map<string, string[]>();
    const better: string[] = [];
    for (const collector of this.#collectors) {
      const { host } = collector;
      const way = this.find(collector);
      const problem = wayProblem(collector, way);
      const before = this.#problems.get(host);
      if (problem === before) continue;
      if (problem !== undefined) {
        this.#problems.set(host, problem);
        const hosts = worse.get(problem) ?? [];
        hosts.push(host);
        worse.set(problem, hosts);
      } else if (way.route === 'ok' && ANSWERS.has(way.neighbour)) {
        this.#problems.delete(host);
        better.push(host);
      }
    }
    for (const [problem, hosts] of worse)
      this.#log.warn({ collectors: listed(hosts), problem }, 'collectors cannot be reached');
    if (better.length > 0)
      this.#log.info({ collectors: listed(better) }, 'collectors can be reached again');
    this.#forget();
  }

  /** Collectors that the rules do not name any more. */
  #forget(): void {
    for (const host of this.#problems.keys())
      if (!this.#ways.has(host)) this.#problems.delete(host);
  }
}

/**
 * While packets go to a neighbour that does not answer, the kernel asks it again and again: it is `incomplete` then as
 * often as `failed`. Who is asked for two looks in a row has not answered.
 */
function settled(way: Way, before: Way = UNKNOWN): Way {
  const wasAsked = before.neighbour === 'incomplete' || before.neighbour === 'failed';
  return way.neighbour === 'incomplete' && wasAsked ? { ...way, neighbour: 'failed' } : way;
}

/** Each address once. */
function collectorsOf({ rules, defaultOutputs }: RuleSet): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  // Many rules have the same outputs.
  const all = new Set<readonly Output[]>([...rules.map(({ outputs }) => outputs), defaultOutputs]);
  for (const outputs of all) {
    for (const { collectors = [] } of outputs) {
      for (const { endpoint } of collectors) found.set(endpoint.host, endpoint);
    }
  }
  return [...found.values()];
}

function listed(names: readonly string[]): string {
  const rest = names.length - MAX_NAMES;
  return `${names.slice(0, MAX_NAMES).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
