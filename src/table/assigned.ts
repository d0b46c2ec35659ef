/** Rules together with the places where they count. */
import { type Exporter, type Output, targetKeys } from '../model/rules.ts';
import { TABLE } from './layout.ts';

/**
 * The index of the state of one output (struct table_state), and the slots of its collectors in their order; a
 * pipeline counts as one collector.
 */
export interface OutputSlots {
  readonly state: number;
  readonly collectors: readonly number[];
}

/** Where one rule counts. */
export interface RuleSlots {
  readonly input: number;
  readonly outputs: readonly OutputSlots[];
}

/** The slot of packets that match no rule, which is the input of the default outputs. It never moves. */
export const MISMATCHED_SLOT = TABLE.SLOT_MISMATCHED;

/** Outputs and where they count. */
export interface AssignedOutputs {
  readonly outputs: readonly Output[];
  readonly slots: RuleSlots;
}

export interface AssignedRule extends AssignedOutputs {
  readonly exporter: Exporter;
}

/** Slots and states. */
export interface Numbers {
  readonly slots: readonly number[];
  readonly states: readonly number[];
}

/** By output and collector. */
export function collectorKeys(outputs: readonly Output[]): string[][] {
  return outputs.map(targetKeys);
}
