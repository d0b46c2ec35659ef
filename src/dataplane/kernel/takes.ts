import type { Octets } from '../../model/address.ts';
import type { Output } from '../../model/rules.ts';
import { KERNEL } from '../../native/kernel-layout.ts';
import { templateFlags } from '../../table/template-rows.ts';
import { UP_REASONS } from './up-reasons.ts';

/**
 * Why packets that go to these outputs are not handled in the kernel, in words; undefined when they are, as far as rules and
 * paths say.
 *
 * @param whyNoPath why copies to an address cannot leave as frames
 */
export function whyUp(
  outputs: readonly Output[],
  whyNoPath: (octets: Octets) => string | undefined,
): string | undefined {
  if (outputs.length > KERNEL.COPIES) return `there are more than ${KERNEL.COPIES} outputs`;
  for (const output of outputs) {
    if (output.filter !== undefined) return UP_REASONS.FILTER;
    if (output.collectors === undefined) return UP_REASONS.PIPELINE;
    if (templateFlags(output) !== 0) return UP_REASONS.TEMPLATES;
    if (output.collectors.some(({ source }) => source === 'PROXY')) return UP_REASONS.LEAVE;
    for (const { endpoint } of output.collectors) {
      const why = whyNoPath(endpoint.octets);
      if (why !== undefined) return `no path to ${endpoint.host}: ${why}`;
    }
  }
  return undefined;
}
