import type { Explaining } from '../api/view/explain.ts';
import type { Config } from '../config/config.ts';
import type { HealthSource } from '../control/ports.ts';
import type { Collector } from '../model/rules.ts';
import { homeOf } from '../table/home.ts';
import { servingCollectors } from '../table/serving.ts';
import { findWays } from './find-ways.ts';

/** What explanations of exporters need of kernel, table and health. */
export function makeExplaining(
  { ipv4SourcePrefix }: Pick<Config, 'ipv4SourcePrefix'>,
  health: HealthSource,
): Explaining {
  const isDown = (collector: Collector) => health.find(collector)?.state === 'down';
  return {
    findWays,
    homeOf,
    ipv4SourcePrefix,
    healthOf: (collector) => health.find(collector),
    servingOf: (collectors, { isIpv6, isDefault }) => {
      const { order, ipv6 } = servingCollectors(collectors, isDown, isDefault);
      return order.slice(0, isIpv6 ? ipv6 : undefined).map((i) => collectors[i] as Collector);
    },
  };
}
