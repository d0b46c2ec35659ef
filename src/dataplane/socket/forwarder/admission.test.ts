import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RouterHarness, type TestPacket } from '../../../../test/support/router-harness.ts';
import { endpoint, outputs, pipelineOutputs, ruleSet } from '../../../../test/support/rule-sets.ts';
import { mappedOctets } from '../../../model/address.ts';
import { type Endpoint, isIpv6, makeEndpoint } from '../../../model/endpoint.ts';
import { FLOW_PROTOCOLS, type FlowProtocol } from '../../../model/flow-protocol.ts';
import type { Filter, Output } from '../../../model/rules.ts';
import { PACKET_FLAG } from '../../../native/layout.ts';
import { PROTOCOL } from '../../../native/notes-layout.ts';

const COLLECTORS = ['192.0.2.11:1', '[2001:db8::21]:1'];
const AGENTS = ['192.0.2.7', '192.0.2.8', '2001:db8::7', '2001:db8::8'].map(endpoint);
const DOMAINS = [0, 1, 256, 0x8000_0000, 0xffff_ffff];
const PORTS = [2055, 6343, 65_535];
const EXPORTERS = ['203.0.113.1:5', '203.0.113.2:5', '[2001:db8::1]:5'].map(endpoint);

/** What the text of R22 says of a payload. */
interface Meaning {
  readonly protocol: FlowProtocol;
  readonly domain?: number;
  readonly agent?: Endpoint;
}

interface Example extends TestPacket {
  readonly meaning: Meaning;
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value >>> 0, i * 4);
  });
  return bytes;
}

/** A payload as its exporter sends it, of this meaning, cut to so many bytes. */
function payloadOf({ protocol, domain = 0, agent }: Meaning, cut: number): Uint8Array {
  const count = 7 << 16;
  const heads: Record<FlowProtocol, Uint8Array> = {
    OTHER: words(0x000c_0001, 5, 5, 5, 5, 5, 5),
    NETFLOW_V1: words(0x0001_0001, 1, 2, 3, 4, 5),
    NETFLOW_V5: words(0x0005_0001, 1, 2, 3, 4, 5),
    NETFLOW_V7: words(0x0007_0001, 1, 2, 3, 4, 5),
    NETFLOW_V9: words(0x0009_0001, 1, 2, 3, domain, count),
    IPFIX: words(0x000a_0020, 1, 2, domain, count, 6),
    SFLOW_V5: Buffer.concat([
      words(5, agent !== undefined && isIpv6(agent) ? 2 : 1),
      agent?.octets ?? words(0x7f00_0001),
      words(1, 2, 3, 4),
    ]),
  };
  return heads[protocol].slice(0, cut);
}

const NEEDED = { IPFIX: 16, NETFLOW_V9: 20 } as const;

/** What is left of the meaning of a payload that was cut. */
function meaningOf({ protocol, domain, agent }: Meaning, cut: number): Meaning {
  if (cut < 4) return { protocol: 'OTHER' };
  if (protocol === 'IPFIX' || protocol === 'NETFLOW_V9') {
    return cut < NEEDED[protocol] ? { protocol } : { protocol, domain: domain ?? 0 };
  }
  if (protocol !== 'SFLOW_V5' || agent === undefined) return { protocol };
  return cut < 8 + agent.octets.length ? { protocol } : { protocol, agent };
}

const examples: fc.Arbitrary<Example> = fc
  .record({
    protocol: fc.constantFrom(...FLOW_PROTOCOLS),
    domain: fc.constantFrom(...DOMAINS),
    agent: fc.constantFrom(...AGENTS),
    from: fc.constantFrom(...EXPORTERS),
    to: fc.constantFrom(...PORTS),
    cut: fc.oneof(fc.constant(128), fc.nat({ max: 26 })),
  })
  .map(({ from, to, cut, ...meaning }) => ({
    from,
    to,
    payload: payloadOf(meaning, cut),
    meaning: meaningOf(meaning, cut),
  }));

function some<T>(values: readonly T[]): fc.Arbitrary<T[] | undefined> {
  const lists = fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 });
  return fc.option(lists, { nil: undefined });
}

const filters: fc.Arbitrary<Filter> = fc
  .record({
    protocols: some(FLOW_PROTOCOLS),
    observationDomains: some(DOMAINS),
    agents: some(AGENTS),
    listeningPorts: some(PORTS),
  })
  .map((lists) => JSON.parse(JSON.stringify(lists)) as Filter)
  .map(({ agents, ...lists }) =>
    agents === undefined ? lists : { ...lists, agents: agents.map(({ host }) => endpoint(host)) },
  );

/** R22 as it is written. */
function matches(filter: Filter, { meaning, to }: Example): boolean {
  const { protocols, observationDomains, agents, listeningPorts } = filter;
  const { protocol, domain, agent } = meaning;
  return (
    (protocols === undefined || protocols.includes(protocol)) &&
    (observationDomains === undefined ||
      (domain !== undefined && observationDomains.includes(domain))) &&
    (agents === undefined || agents.some(({ host }) => host === agent?.host)) &&
    (listeningPorts === undefined || listeningPorts.includes(to ?? 0))
  );
}

const options = fc.record({
  filter: fc.option(filters, { nil: undefined }),
  sampleOneIn: fc.option(fc.integer({ min: 2, max: 5 }), { nil: undefined }),
});

/** What one output did with packets, by the rules as they are written. */
class Reference {
  copies = 0;
  readonly filtered = [0, 0];
  readonly sampled = [0, 0];
  #reached = 0;
  readonly #filter: Filter | undefined;
  readonly #oneIn: number;

  constructor({ filter, sampleOneIn = 1 }: Pick<Output, 'filter' | 'sampleOneIn'>) {
    this.#filter = filter;
    this.#oneIn = sampleOneIn;
  }

  /** @returns whether the output takes the packet */
  takes(packet: Example): boolean {
    const isMatch = this.#filter === undefined || matches(this.#filter, packet);
    const isTaken = isMatch && this.#reached++ % this.#oneIn === 0;
    const counted = isMatch ? this.sampled : this.filtered;
    if (!isTaken) {
      counted[0] = (counted[0] ?? 0) + 1;
      counted[1] = (counted[1] ?? 0) + packet.payload.length;
    }
    return isTaken;
  }
}

describe('Admission', () => {
  it('numbers protocols as native/include/notes.h does', () => {
    assert.deepEqual(
      FLOW_PROTOCOLS.map((name, i) => [name, i]),
      Object.entries(PROTOCOL),
    );
  });

  it('R21, R22: outputs take what the reference takes, and count what they leave out', async () => {
    const property = fc.asyncProperty(
      fc.array(options, { minLength: 1, maxLength: 5 }),
      fc.array(examples, { minLength: 1, maxLength: 64 }),
      fc.constantFrom(0, PACKET_FLAG.EXPIRED),
      async (wanted, packets, flags) => {
        const isExpired = flags !== 0;
        const all = wanted.map((given, i): Output => {
          const { filter, sampleOneIn } = given;
          const rest = {
            ...(filter && { filter }),
            ...(sampleOneIn !== undefined && { sampleOneIn }),
          };
          return i % 2 === 0
            ? { collectors: outputs(COLLECTORS)[0]?.collectors ?? [], ...rest }
            : { pipeline: `p${i}`, ...rest };
        });
        const harness = await RouterHarness.make(ruleSet([], all));
        const routed = harness.route(packets, flags);
        const references = all.map((output) => new Reference(output));
        let ended = 0;
        packets.forEach((packet, i) => {
          const taken = all.filter((_, k) => references[k]?.takes(packet));
          const toCollectors = taken.filter(({ collectors }) => collectors !== undefined);
          if (isExpired && toCollectors.length > 0) ended++;
          const copies = isExpired ? taken.length - toCollectors.length : taken.length;
          assert.equal(routed[i]?.copies.length, copies);
        });
        assert.equal(harness.router.hopLimitExceeded, ended, 'R14');
        harness.allocator.defaults.outputs.forEach(({ state }, k) => {
          const { filtered, sampled } = references[k] as Reference;
          assert.deepEqual(harness.leftOut(state), { filtered, sampled });
        });
      },
    );
    await fc.assert(property, { numRuns: 500 });
  });

  it('R21: takes exactly one of any N packets one after the other, of whatever exporter and family', async () => {
    for (const oneIn of [2, 3, 7, 63]) {
      const [output] = outputs(COLLECTORS);
      const sampled = { collectors: output?.collectors ?? [], sampleOneIn: oneIn };
      const harness = await RouterHarness.make(ruleSet([], [sampled]), -1);
      const taken: boolean[] = [];
      for (let round = 0; round < 8; round++) {
        const packets = Array.from({ length: 50 }, (_, i) => EXPORTERS[i % 3] as Endpoint);
        taken.push(...harness.route(packets).map(({ copies }) => copies.length === 1));
      }
      for (let from = 0; from + oneIn <= taken.length; from++) {
        const window = taken.slice(from, from + oneIn).filter((isTaken) => isTaken);
        assert.equal(window.length, 1, `packets ${from} to ${from + oneIn - 1}`);
      }
    }
  });

  it('R21, R3: what is left out takes no turn, and is not without a collector', async () => {
    const v4 = outputs(['192.0.2.11:1', '192.0.2.12:1'])[0]?.collectors ?? [];
    const output = { collectors: v4, sampleOneIn: 2 };
    const harness = await RouterHarness.make(ruleSet([], [output]));
    const routed = harness.route(new Array(8).fill(endpoint('203.0.113.1:5')));
    assert.deepEqual(
      routed.flatMap(({ copies }) => copies),
      ['192.0.2.11:1', '192.0.2.12:1', '192.0.2.11:1', '192.0.2.12:1'],
    );
    harness.route(new Array(8).fill(endpoint('[2001:db8::1]:5')));
    assert.equal(harness.router.noEligibleCollector, 4);
  });

  it('R22: reads no byte that is not of the packet', async () => {
    const output = { ...pipelineOutputs('a')[0], pipeline: 'a' };
    const filter: Filter = { observationDomains: [1] };
    const harness = await RouterHarness.make(ruleSet([], [{ ...output, filter }]));
    const whole = payloadOf({ protocol: 'IPFIX', domain: 1 }, 16);
    const route = (payload: Uint8Array) =>
      harness.route([{ from: EXPORTERS[0] as Endpoint, payload }])[0]?.copies.length;
    assert.equal(route(whole), 1);
    // What the packet before left is still there.
    assert.equal(route(whole.slice(0, 15)), 0);
    assert.equal(route(whole.slice(0, 0)), 0);
  });

  it('R22: an agent in IPv6 clothes is the IPv4 one (E2)', async () => {
    const filter: Filter = { agents: [endpoint('192.0.2.7')] };
    const harness = await RouterHarness.make(ruleSet([], [{ pipeline: 'a', filter }]));
    const agent = makeEndpoint(Uint8Array.from(mappedOctets(endpoint('192.0.2.7').octets)), 0);
    const payload = Buffer.concat([words(5, 2), agent.octets, words(1, 2)]);
    const [routed] = harness.route([{ from: EXPORTERS[0] as Endpoint, payload }]);
    assert.equal(routed?.copies.length, 1);
  });
});
