import {
  countEgressFilters,
  type PolicyRule,
  type Qdisc,
  readPolicyRules,
  readQdiscs,
} from '../native/policy.ts';
import { legacyObstacle } from './legacy-tables.ts';

/** Links by which frames would leave: names by index. */
export type Links = ReadonlyMap<number, string>;

/** Those that only queue packets, in whatever order; a link that takes them as fast as they come has none in its way. */
const QUEUES: ReadonlySet<string> = new Set([
  'noqueue',
  'mq',
  'pfifo_fast',
  'pfifo',
  'bfifo',
  'fq_codel',
  'fq',
  'cake',
  'clsact',
  'ingress',
]);

/** What this host is asked; replaced in tests. */
export interface OutputQuestions {
  readonly readPolicyRules: () => readonly PolicyRule[];
  readonly readQdiscs: () => readonly Qdisc[];
  readonly countEgressFilters: (link: number) => number;
  readonly legacyObstacle: () => string | undefined;
}

export const QUESTIONS: OutputQuestions = {
  readPolicyRules,
  readQdiscs,
  countEgressFilters,
  legacyObstacle,
};

/**
 * What this host has on the way of output by these links, nftables aside, that frames would pass by, in words. Takes a
 * tenth of a millisecond.
 *
 * @throws SystemCallError
 */
export function outputObstacles(links: Links, questions = QUESTIONS): string[] {
  const legacy = questions.legacyObstacle();
  return [
    ...(legacy === undefined ? [] : [legacy]),
    ...questions.readPolicyRules().slice(0, 1).map(ruleObstacle),
    ...questions.readQdiscs().flatMap((qdisc) => {
      const name = links.get(qdisc.link);
      return name === undefined ? [] : queueObstacle(name, qdisc, questions);
    }),
  ];
}

function ruleObstacle({ family, priority }: PolicyRule): string {
  const command = family === 4 ? 'ip rule' : 'ip -6 rule';
  return `there is a policy rule (${command}: priority ${priority})`;
}

function queueObstacle(
  name: string,
  { link, kind, hasRate }: Qdisc,
  questions: OutputQuestions,
): string[] {
  if (hasRate || !QUEUES.has(kind)) return [`${name} has the queueing discipline ${kind}`];
  if (kind === 'clsact' && questions.countEgressFilters(link) > 0)
    return [`${name} has filters at its egress (tc filter)`];
  return [];
}
