import { PATHS } from '../native/paths-layout.ts';

/**
 * One row for each part of the traffic: a hop has as many as its weight, of 64 at most, and one at least.
 *
 * @returns undefined when there are more than that
 */
export function spread<Hop extends { readonly weight: number }>(
  hops: readonly Hop[],
): Hop[] | undefined {
  if (hops.length > PATHS.HOPS_MAX) return undefined;
  const divisor = hops.map(({ weight }) => weight).reduce(greatestDivisor);
  const parts = hops.map(({ weight }) => weight / divisor);
  const sum = parts.reduce((all, part) => all + part, 0);
  const scale = sum <= PATHS.HOPS_MAX ? undefined : (PATHS.HOPS_MAX - hops.length) / sum;
  const rows = parts.map((part) => (scale === undefined ? part : 1 + Math.floor(part * scale)));
  return hops.flatMap((hop, i) => Array.from({ length: rows[i] ?? 0 }, () => hop));
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
