import type { Endpoint } from '../model/endpoint.ts';
import type { NumberedRuleSet, RuleChange } from '../model/rules.ts';
import type { ProxyStatistics } from '../model/statistics.ts';
import type { SystemStatus } from '../model/status.ts';

/** What the API needs of the control plane. Failures are FloxyErrors. */
export interface Control {
  rules(): NumberedRuleSet;
  /**
   * Validates a canonical change and applies it wholly or not at all. Changes are applied one after the
   * other; each resolves when it is on disk and in force in every running forwarder.
   *
   * @param expectedRevision fails with REVISION_MISMATCH when the rules are at another revision then
   * @returns the new revision
   */
  change(change: RuleChange, expectedRevision?: number): Promise<number>;
  /** @param exporters exactly as in the rules; none = all. NOT_FOUND names the first without a rule. */
  statistics(exporters: readonly Endpoint[]): ProxyStatistics;
  status(): SystemStatus;
}
