/** What follows from how control came to its rules: what may be changed, and what the status says. */
import { FloxyError } from '../base/errors.ts';
import type { RuleChange } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';

/** The rules as control has them. */
export interface RulesState {
  readonly revision: number;
  /** Why the saved rules are not known yet. */
  readonly restoring: string | undefined;
  /** Why they are lost. */
  readonly restoreError: string | undefined;
}

/** Spec A9. @throws FloxyError REVISION_MISMATCH; NOT_READY when the revision is not known yet */
export function checkExpected(
  expected: number | undefined,
  { revision, restoring }: RulesState,
): void {
  if (expected === undefined || expected === revision) return;
  if (restoring !== undefined) throw notReady(restoring);
  const message = `the rules are at revision ${revision}, not ${expected}: list them and try again`;
  throw new FloxyError('REVISION_MISMATCH', message);
}

/** Spec A10. @throws FloxyError NOT_READY or NOT_CONFIGURED: an edit needs rules that it is made to */
export function checkBase(change: RuleChange, { restoring, restoreError }: RulesState): void {
  if (change.kind === 'replace') return;
  if (restoring !== undefined) throw notReady(restoring);
  if (restoreError === undefined) return;
  const message = `only ReplaceProxyRules is possible: ${restoreError}`;
  throw new FloxyError('NOT_CONFIGURED', message);
}

/** @param problem of rules in force; the state is OK all the same (spec V8) */
export function proxyStatus(
  dataPlane: SubsystemStatus,
  { restoring, restoreError }: RulesState,
  problem: string | undefined,
): SubsystemStatus {
  if (dataPlane.state !== 'OK') return dataPlane;
  if (restoreError !== undefined) return { state: 'NotConfigured', error: restoreError };
  if (restoring !== undefined) return { state: 'Configuring', error: restoring };
  return problem === undefined ? dataPlane : { ...dataPlane, error: problem };
}

function notReady(reason: string): FloxyError {
  return new FloxyError('NOT_READY', `the saved rules are not known yet: ${reason}`);
}
