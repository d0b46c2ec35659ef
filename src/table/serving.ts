import { type Collector, takesIpv6 } from '../model/rules.ts';

/** Which collectors of an output get packets. */
export interface Serving {
  /** Indexes: those come first that IPv6 packets can go to. */
  readonly order: readonly number[];
  /** How many of the first ones IPv6 packets go to. */
  readonly ipv6: number;
}

/** One of these serves while there is any: what comes first is better. */
interface Choice {
  readonly indexes: readonly number[];
  /** None of them is down. */
  readonly isUp: boolean;
}

/**
 * Those that are up serve, standby ones only while no other is up; with all down it is as if all were up (spec H3). For
 * IPv4 and IPv6 packets apart, but who gets IPv6 packets gets IPv4 packets too (struct table_output).
 *
 * @param takesBoth both kinds of packets come, though there are IPv4 collectors: in default outputs
 */
export function servingCollectors(
  collectors: readonly Collector[],
  isDown: (collector: Collector) => boolean,
  takesBoth: boolean,
): Serving {
  const indexes = collectors.map((_, i) => i);
  const isOfIpv6 = (i: number) => takesIpv6(collectors[i] as Collector);
  const { indexes: chosen } = choose(indexes, collectors, isDown);
  const ipv6 = chosen.filter(isOfIpv6);
  const ipv4 = chosen.filter((i) => !isOfIpv6(i));
  if (ipv6.length > 0 || !takesBoth) return { order: [...ipv6, ...ipv4], ipv6: ipv6.length };
  // Where none of those chosen takes IPv6 packets, others that are up do; who is down would lose IPv4 packets too.
  const { indexes: others, isUp } = choose(indexes.filter(isOfIpv6), collectors, isDown);
  return isUp ? { order: [...others, ...ipv4], ipv6: others.length } : { order: ipv4, ipv6: 0 };
}

function choose(
  indexes: readonly number[],
  collectors: readonly Collector[],
  isDown: (collector: Collector) => boolean,
): Choice {
  const those = (some: readonly number[], test: (collector: Collector) => boolean) =>
    some.filter((i) => test(collectors[i] as Collector));
  const up = those(indexes, (collector) => !isDown(collector));
  const isUp = up.length > 0;
  const candidates = isUp ? up : indexes;
  const active = those(candidates, ({ isStandby }) => isStandby !== true);
  return { indexes: active.length > 0 ? active : candidates, isUp };
}
