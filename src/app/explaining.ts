import type { Explaining } from '../api/view/explain.ts';
import type { Config } from '../config/config.ts';
import type { HealthSource } from '../control/ports.ts';
import { whyUp } from '../dataplane/kernel/takes.ts';
import type { Octets } from '../model/address.ts';
import type { Collector, Output } from '../model/rules.ts';
import { homeOf } from '../table/home.ts';
import { servingCollectors } from '../table/serving.ts';
import type { KernelEngineStatus } from '../telemetry/status.ts';
import { findWays } from './find-ways.ts';

/** Who knows what moves packets. */
export interface Movers {
  readonly dataPlane: { kernelEngine(): KernelEngineStatus | undefined };
  /** Why copies to an address cannot leave as frames; undefined: they can. */
  readonly paths: { whyNoPath(octets: Octets): string | undefined };
}

/** What explanations of exporters need of kernel, table and health. */
export function makeExplaining(
  { ipv4SourcePrefix }: Pick<Config, 'ipv4SourcePrefix'>,
  health: HealthSource,
  movers: Movers,
): Explaining {
  const isDown = (collector: Collector) => health.find(collector)?.state === 'down';
  return {
    findWays,
    homeOf,
    ipv4SourcePrefix,
    whoMoves: (outputs) => whoMoves(outputs, movers),
    healthOf: (collector) => health.find(collector),
    servingOf: (collectors, { isIpv6, isDefault }) => {
      const { order, ipv6 } = servingCollectors(collectors, isDown, isDefault);
      return order.slice(0, isIpv6 ? ipv6 : undefined).map((i) => collectors[i] as Collector);
    },
  };
}

/** Undefined where all is moved by forwarders. */
function whoMoves(outputs: readonly Output[], { dataPlane, paths }: Movers): string | undefined {
  const status = dataPlane.kernelEngine();
  if (status === undefined) return undefined;
  const why = status.problem ?? whyUp(outputs, (octets) => paths.whyNoPath(octets));
  return why === undefined
    ? 'its packets are handled in the kernel'
    : `its packets go through a forwarder, not the kernel: ${why}`;
}
