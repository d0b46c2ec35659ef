/**
 * What tells rule sets of two nodes apart: equal sets have equal digests, whatever numbers their revisions
 * have and wherever they came from.
 */
import { createHash, hash } from 'node:crypto';
import { Turn } from '../base/turn.ts';
import type { Output, Rule, RuleSet } from '../model/rules.ts';
import { ruleMessage } from './message.ts';
import { outputMessage } from './output-message.ts';

/** Rules are never changed in place, so what was hashed once stays right. */
const ruleDigests = new WeakMap<Rule, string>();
const ruleSetDigests = new WeakMap<RuleSet, string>();

/**
 * SHA-256 of a rule set in hexadecimal. The order of rules, outputs and collectors counts, as it does in what
 * ListProxyRules answers. Quick for a set that differs from an earlier one in a few rules.
 */
export function ruleSetDigest(ruleSet: RuleSet): string {
  const known = ruleSetDigests.get(ruleSet);
  if (known !== undefined) return known;
  const sum = createHash('sha256');
  sum.update(ruleSet.rules.map(ruleDigest).join(''), 'latin1');
  sum.update(outputsText(ruleSet.defaultOutputs));
  const digest = sum.digest('hex');
  ruleSetDigests.set(ruleSet, digest);
  return digest;
}

/** Does the large part of ruleSetDigest() beforehand, and lets the process do other things in between. */
export async function hashRules(rules: readonly Rule[]): Promise<void> {
  const turn = new Turn();
  for (const rule of rules) {
    if (turn.isOver) await turn.next();
    ruleDigest(rule);
  }
}

/** Whether two rules are the same, the order of their outputs and collectors included. */
export function isSameRule(one: Rule, other: Rule): boolean {
  return one === other || ruleDigest(one) === ruleDigest(other);
}

export function areSameOutputs(some: readonly Output[], others: readonly Output[]): boolean {
  if (some === others) return true;
  return outputsText(some) === outputsText(others);
}

/** SHA-256 of one rule, as 32 characters of one byte each; computed once. */
export function ruleDigest(rule: Rule): string {
  const known = ruleDigests.get(rule);
  if (known !== undefined) return known;
  const digest = hash('sha256', JSON.stringify(ruleMessage(rule, 'text')), 'binary');
  ruleDigests.set(rule, digest);
  return digest;
}

function outputsText(outputs: readonly Output[]): string {
  return JSON.stringify(outputs.map((output) => outputMessage(output, 'text')));
}
