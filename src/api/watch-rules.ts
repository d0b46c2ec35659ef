import type { Control } from '../control/control.ts';
import type { RuleChange, RuleSet } from '../model/rules.ts';
import type { RulesRevisionMessage, WatchRequest } from '../protocol/messages.ts';
import { fromStep } from '../protocol/revision-codec.ts';
import { changeBetween } from '../rules/difference.ts';
import { hashRules, ruleSetDigest } from '../rules/digest.ts';
import { Alarm } from './alarm.ts';
import type { CallContext } from './call-context.ts';
import type { StreamHandler } from './method.ts';
import { RecentRules } from './recent-rules.ts';

/** A watcher hears something at least this often. */
export const HEARTBEAT_MS = 500;

type Watched = Pick<Control, 'rules' | 'rulesProblem' | 'onChange' | 'nodes'>;

/**
 * The handler of WatchProxyRules. Sends what is different between the rules that the watcher has and those in
 * force; all of them when it has others, or when rules changed places.
 */
export function watchRules(control: Watched): StreamHandler<WatchRequest> {
  const recent = new RecentRules();
  return async function* watch({ digest }, { signal: gone, stopping, addressFormat }) {
    const signal = AbortSignal.any([gone, stopping]);
    const alarm = new Alarm((ring) => control.onChange(ring), signal);
    const known = new KnownRules(digest, recent);
    try {
      while (!signal.aborted) {
        alarm.reset();
        for await (const message of present(control, known, addressFormat)) {
          yield { ...message, nodes: control.nodes() };
        }
        await alarm.wait(HEARTBEAT_MS);
      }
    } finally {
      alarm.end();
    }
  };
}

/** What a watcher has: rules that were sent to it, or only a digest that it named and nobody knows. */
class KnownRules {
  readonly #recent: RecentRules;
  digest: string | undefined;
  ruleSet: RuleSet | undefined;

  constructor(digest: string | undefined, recent: RecentRules) {
    this.#recent = recent;
    this.digest = digest;
    this.ruleSet = digest === undefined ? undefined : recent.find(digest);
  }

  become(digest: string, ruleSet: RuleSet): void {
    if (digest === this.digest && ruleSet === this.ruleSet) return;
    this.digest = digest;
    this.ruleSet = ruleSet;
    this.#recent.remember(digest, ruleSet);
  }
}

async function* present(
  control: Watched,
  known: KnownRules,
  format: CallContext['addressFormat'],
): AsyncGenerator<RulesRevisionMessage> {
  const error = control.rulesProblem();
  if (error !== undefined) {
    yield { error };
    return;
  }
  const { revision, ruleSet } = control.rules();
  await hashRules(ruleSet.rules);
  const digest = ruleSetDigest(ruleSet);
  if (digest === known.digest) {
    yield { revision: revision.toString(), digest };
  } else {
    const change: RuleChange =
      known.ruleSet === undefined
        ? { kind: 'replace', ruleSet }
        : changeBetween(known.ruleSet, ruleSet);
    const base = change.kind === 'edit' ? known.digest : undefined;
    yield* fromStep({ revision, digest, base, change }, format);
  }
  known.become(digest, ruleSet);
}
