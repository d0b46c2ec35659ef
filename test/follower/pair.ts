/** Short ways to write tests of a leader and its follower. */
import type { RuleChange } from '../../src/model/rules.ts';
import { tellTime } from '../lab/times.ts';
import { rule } from '../support/rule-sets.ts';
import { Cable } from './cable.ts';
import { follow, Node } from './node.ts';

/** From the end of a change at the leader, or of a cut. */
const LIMIT_MS = 1000;

/** A rule with the last byte of its exporter. */
export const r = (last: number, ...collectors: string[]) =>
  rule(`192.0.2.${last}`, ...(collectors.length > 0 ? [collectors] : []));

export const add = (...last: number[]): RuleChange => ({
  kind: 'edit',
  deleted: [],
  upserts: last.map((n) => r(n, '198.51.100.1')),
});

/** Waits until a follower has the rules of its leader, and tells how long it took. */
export async function catchesUp(follower: Node, leader: Node): Promise<void> {
  tellTime('a follower has the rules of its leader', await follower.hasRulesOf(leader), LIMIT_MS);
}

/** A leader with one rule, a cable, and a follower that has the rule. */
export async function pair(resources: AsyncDisposableStack) {
  const leader = resources.use(await Node.start());
  await leader.control.change(add(1));
  const cable = resources.use(await Cable.lay(leader.port));
  const follower = resources.use(await Node.start({ follow: follow(cable) }));
  await follower.hasRulesOf(leader);
  return { leader, cable, follower };
}
