import type { CollectorStatus } from '../model/collector-status.ts';
import type { ExporterReport } from '../model/exporter-status.ts';
import type { Exporter, NumberedRuleSet, Rule, RuleChange } from '../model/rules.ts';
import type { ProxyStatistics } from '../model/statistics.ts';
import type { Unfit } from '../rules/validate.ts';
import type { SystemStatus } from '../telemetry/status.ts';
import type { ChangeOptions, ChangeResult, Control } from './control.ts';

/** A control plane as another one: what does not stand in a subclass is as it is there. */
export class DelegatingControl implements Control {
  protected readonly control: Control;

  constructor(control: Control) {
    this.control = control;
  }

  rules(): NumberedRuleSet {
    return this.control.rules();
  }

  rulesProblem(): string | undefined {
    return this.control.rulesProblem();
  }

  restoring(): string | undefined {
    return this.control.restoring();
  }

  nodes(): readonly string[] {
    return this.control.nodes();
  }

  onChange(listener: () => void): () => void {
    return this.control.onChange(listener);
  }

  change(
    change: RuleChange,
    expectedRevision?: number,
    options?: ChangeOptions,
  ): Promise<ChangeResult> {
    return this.control.change(change, expectedRevision, options);
  }

  statistics(exporters: readonly Exporter[]): Promise<ProxyStatistics> {
    return this.control.statistics(exporters);
  }

  statisticsOf(rules: readonly Rule[]): ProxyStatistics {
    return this.control.statisticsOf(rules);
  }

  collectors(): Promise<readonly CollectorStatus[]> {
    return this.control.collectors();
  }

  forgottenCopies(): bigint {
    return this.control.forgottenCopies();
  }

  exporters(silentAfterMs: number): Promise<ExporterReport> {
    return this.control.exporters(silentAfterMs);
  }

  unfit(): Unfit {
    return this.control.unfit();
  }

  status(): SystemStatus {
    return this.control.status();
  }

  setDraining(isDraining: boolean): void {
    this.control.setDraining(isDraining);
  }
}
