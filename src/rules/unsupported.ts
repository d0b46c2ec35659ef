/** What rules can say and this version does not do yet: refused, so that nobody takes it for done. */
import type { Problem } from '../base/errors.ts';
import type { Output, RuleSet } from '../model/rules.ts';

/** Names as in files of rules, of fields that are not in force. */
const OF_OUTPUT: Partial<Record<keyof Output, string>> = {
  sampleOneIn: 'sample_one_in',
  filter: 'filter',
};

export function findUnsupported({ rules, defaultOutputs }: RuleSet): Problem[] {
  const problems: Problem[] = [];
  const look = (value: object, names: object, path: string) => {
    for (const [key, name] of Object.entries(names)) {
      if (key in value) {
        problems.push({ path: `${path}.${name}`, message: 'this version does not do that' });
      }
    }
  };
  const known = new Set<readonly Output[]>();
  const lookAtOutputs = (outputs: readonly Output[], path: string) => {
    const before = problems.length;
    if (known.has(outputs)) return;
    outputs.forEach((output, i) => {
      look(output, OF_OUTPUT, `${path}[${i}]`);
    });
    if (problems.length === before) known.add(outputs);
  };
  rules.forEach((rule, i) => {
    lookAtOutputs(rule.outputs, `rules[${i}].outputs`);
  });
  lookAtOutputs(defaultOutputs, 'default_outputs');
  return problems;
}
