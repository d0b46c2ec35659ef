import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../model/address.ts';
import { isIpv6, makeEndpoint } from '../model/endpoint.ts';
import type { Collector } from '../model/rules.ts';
import { servingCollectors } from './serving.ts';

interface Case {
  readonly ipv6: boolean;
  readonly isStandby: boolean;
  readonly isDown: boolean;
}

const cases: fc.Arbitrary<Case[]> = fc.array(
  fc.record({ ipv6: fc.boolean(), isStandby: fc.boolean(), isDown: fc.boolean() }),
  { minLength: 1, maxLength: 8 },
);

function collectorsOf(all: readonly Case[]): Collector[] {
  return all.map(({ ipv6, isStandby }, i) => {
    const address = ipv6 ? `2001:db8::${i + 1}` : `192.0.2.${i + 1}`;
    const endpoint = makeEndpoint(parseAddress(address) as Uint8Array, 2055);
    return { endpoint, weight: 1, ...(isStandby ? { isStandby } : {}) };
  });
}

/** H3, as it is written. */
function serving(all: readonly Case[], family: 4 | 6): number[] {
  const able = all.map((_, i) => i).filter((i) => family === 4 || all[i]?.ipv6);
  const groups = [
    able.filter((i) => !all[i]?.isDown && !all[i]?.isStandby),
    able.filter((i) => !all[i]?.isDown),
    able.filter((i) => !all[i]?.isStandby),
    able,
  ];
  return groups.find((group) => group.length > 0) ?? [];
}

function serves(all: readonly Case[], takesIpv6: boolean) {
  const collectors = collectorsOf(all);
  const isDown = (collector: Collector) => all[collectors.indexOf(collector)]?.isDown === true;
  const { order, ipv6 } = servingCollectors(collectors, isDown, takesIpv6);
  const first = order.slice(0, ipv6);
  assert.ok(first.every((i) => isIpv6((collectors[i] as Collector).endpoint)));
  const sorted = (indexes: readonly number[]) => [...indexes].sort((one, other) => one - other);
  return { ipv4: sorted(order), ipv6: sorted(first) };
}

test('H3: those that are up serve, standby ones when no other is, and all when none is', () => {
  fc.assert(
    fc.property(cases, (all) => {
      assert.deepEqual(serves(all, false).ipv4, serving(all, 4), 'a rule of an IPv4 exporter');
      const ofIpv6 = all.filter(({ ipv6 }) => ipv6);
      if (ofIpv6.length > 0)
        assert.deepEqual(serves(ofIpv6, false).ipv6, serving(ofIpv6, 6), 'of an IPv6 exporter');
    }),
  );
});

test('H3: in default outputs who serves IPv6 packets serves IPv4 packets too, if it is up', () => {
  fc.assert(
    fc.property(cases, (all) => {
      const { ipv4, ipv6 } = serves(all, true);
      const wanted = { ipv4: serving(all, 4), ipv6: serving(all, 6) };
      const isWithin = wanted.ipv6.every((i) => wanted.ipv4.includes(i));
      if (isWithin) assert.deepEqual({ ipv4, ipv6 }, wanted);
      else if (wanted.ipv6.some((i) => all[i]?.isDown))
        assert.deepEqual({ ipv4, ipv6 }, { ipv4: wanted.ipv4, ipv6: [] });
      else {
        assert.deepEqual(ipv6, wanted.ipv6);
        const both = new Set([...wanted.ipv4, ...wanted.ipv6]);
        assert.deepEqual(new Set(ipv4), both);
      }
    }),
  );
});
