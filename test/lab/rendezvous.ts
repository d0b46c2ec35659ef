/**
 * Whose of several collectors an exporter is (R20), from the description in native/include/table.h and in floating point:
 * what judges the proxy must not share its code.
 */
import { type EndpointText, octetsOf } from './wire.ts';

interface Weighted extends EndpointText {
  readonly weight?: number;
}

/** Closer than the proxy's integers have it: nobody may say which of them it is. */
const UNCERTAIN = 0.005;

const IPV4_FRONT = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

/** @throws Error when it is too close to call: take another exporter */
export function homeOf<T extends Weighted>(
  exporter: EndpointText,
  collectors: readonly T[],
  balance: 'BY_EXPORTER' | 'BY_ENDPOINT',
): T | undefined {
  const number = murmur(exporter.host, balance === 'BY_ENDPOINT' ? (exporter.port ?? 0) : 0, 0);
  const [first, second] = collectors
    .map((collector) => {
      const seed = murmur(collector.host, collector.port ?? 0, 0x5eed);
      const affinity = finish(number ^ seed) || 1;
      const cost = (32 - Math.log2(affinity)) / (collector.weight ?? 1);
      return { collector, cost };
    })
    .toSorted((a, b) => a.cost - b.cost);
  const areEqual = new Set(collectors.map(({ weight = 1 }) => weight)).size <= 1;
  if (!areEqual && first && second && second.cost < first.cost * (1 + UNCERTAIN)) {
    throw new Error(`${exporter.host} is between ${first.collector.host} and others`);
  }
  return first?.collector;
}

function murmur(host: string, port: number, seed: number): number {
  const data = new DataView(new ArrayBuffer(20));
  mappedOctets(host).forEach((octet, i) => {
    data.setUint8(i, octet);
  });
  data.setUint32(16, port, true);
  let hash = seed;
  for (let at = 0; at < 20; at += 4) {
    const block = Math.imul(data.getInt32(at, true), 0xcc9e2d51);
    hash ^= Math.imul((block << 15) | (block >>> 17), 0x1b873593);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  return finish(hash ^ 20);
}

function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 16 of them, IPv4 behind ::ffff. */
function mappedOctets(host: string): number[] {
  const octets = octetsOf(host);
  return octets.length === 4 ? [...IPV4_FRONT, ...octets] : octets;
}
