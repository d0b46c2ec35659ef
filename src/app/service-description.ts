import type { Control } from '../control/control.ts';

/** The service in a line, for `systemctl status`: `OK, 412 rules, revision 71`. */
export function describeService(control: Pick<Control, 'status' | 'rules'>): string {
  const { proxy, isDraining } = control.status();
  const { revision, ruleSet } = control.rules();
  const count = ruleSet.rules.length;
  const rules = `${count} ${count === 1 ? 'rule' : 'rules'}, revision ${revision}`;
  const draining = isDraining ? ', being drained' : '';
  const why = proxy.error === undefined ? '' : `: ${proxy.error}`;
  return `${proxy.state}${draining}, ${rules}${why}`;
}
