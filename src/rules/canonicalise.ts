import type { Endpoint } from '../model/endpoint.ts';
import type { RuleSet } from '../model/rules.ts';
import type { MemberInput, RuleSetInput } from './input.ts';

/** Being written. */
export function canonicaliseRuleSet(_input: RuleSetInput): RuleSet {
  throw new Error('being written');
}

/** Being written. @param field what the list is called in paths of problems, such as `exporters` */
export function canonicaliseExporters(_inputs: readonly MemberInput[], _field: string): Endpoint[] {
  throw new Error('being written');
}
