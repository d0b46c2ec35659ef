import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryRuleSet, arbitraryTwins } from '../../test/support/arbitrary-rules.ts';
import { NO_COUNTS } from '../../test/support/counters.ts';
import { makeEndpoint } from '../model/endpoint.ts';
import { MAX_SLOTS_PER_RULE_SET } from '../model/limits.ts';
import { type Exporter, makeCollector } from '../model/rules.ts';
import type { AddressFormat, Unchecked } from '../rules/endpoint-message.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import {
  fromRuleSet,
  fromStatistics,
  fromSystemStatus,
  toDeletion,
  toReplacement,
  toUpdate,
} from './codec.ts';
import { loadServices } from './definitions.ts';
import type { ProxyRulesMessage, ProxyStatsMessage } from './messages.ts';
import { PartCollector, splitMessage } from './parts.ts';

const { settings } = loadServices();

const EXPORTER: Exporter = { endpoint: makeEndpoint(Uint8Array.of(192, 0, 2, 1), 1000) };
const COLLECTOR = makeCollector(makeEndpoint(Uint8Array.of(192, 0, 2, 11), 0));

function methodNamed(name: string) {
  const method = settings[name];
  assert.ok(method);
  return method;
}

/** Sends an answer over the wire, whatever its parts. */
function encode(name: string, parts: Iterable<object>): Buffer {
  return Buffer.concat([...parts].map(methodNamed(name).responseSerialize));
}

/** Receives a request from the wire, in parts when it is large. */
function decode(name: string, bytes: Buffer): Unchecked<RuleSetMessage> {
  const collector = new PartCollector(MAX_SLOTS_PER_RULE_SET);
  for (const part of splitMessage(bytes)) collector.add(methodNamed(name).requestDeserialize(part));
  return collector.message() as Unchecked<RuleSetMessage>;
}

test('A1 A2: a rule set that goes out comes back equal, in both address formats', async () => {
  const formats = fc.constantFrom<AddressFormat>('text', 'binary');
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(arbitraryRuleSet(), arbitraryTwins),
      formats,
      async (ruleSet, format) => {
        const bytes = encode('ListProxyRules', fromRuleSet(ruleSet, format));
        const change = await toReplacement(decode('ReplaceProxyRules', bytes));
        assert.deepEqual(change, { kind: 'replace', ruleSet });
      },
    ),
  );
});

test('A1: a rule set of many parts keeps its order', async () => {
  const rules = Array.from({ length: 5000 }, (_, i) => ({
    exporter: { endpoint: makeEndpoint(Uint8Array.of(10, 0, i >> 8, i & 0xff), 0) },
    outputs: [{ collectors: [COLLECTOR] }],
  }));
  const bytes = encode('ListProxyRules', fromRuleSet({ rules, defaultOutputs: [] }, 'text'));
  assert.ok([...splitMessage(bytes)].length > 1);
  const change = await toReplacement(decode('ReplaceProxyRules', bytes));
  assert.deepEqual(change, { kind: 'replace', ruleSet: { rules, defaultOutputs: [] } });
});

test('E3 E4: answers carry host or octets, and leave out the port when there is none', () => {
  const ruleSet = {
    rules: [{ exporter: EXPORTER, outputs: [{ collectors: [COLLECTOR] }] }],
    defaultOutputs: [],
  };
  const firstRule = (format: AddressFormat) => {
    const [part] = fromRuleSet(ruleSet, format) as Iterable<ProxyRulesMessage>;
    return part?.rules?.[0];
  };
  assert.deepEqual(firstRule('text'), {
    exporter: { endpoint: { host: '192.0.2.1', port: 1000 } },
    outputs: [{ collectors: [{ endpoint: { host: '192.0.2.11' } }] }],
  });
  assert.deepEqual(firstRule('binary'), {
    exporter: { endpoint: { octets: Uint8Array.of(192, 0, 2, 1), port: 1000 } },
    outputs: [{ collectors: [{ endpoint: { octets: Uint8Array.of(192, 0, 2, 11) } }] }],
  });
});

test('the octets of a rule are its own bytes, not a view of the request', async () => {
  const bytes = encode(
    'ListProxyRules',
    fromRuleSet({ rules: [{ exporter: EXPORTER, outputs: [] }], defaultOutputs: [] }, 'binary'),
  );
  const change = await toReplacement(decode('ReplaceProxyRules', bytes));
  bytes.fill(0);
  assert.ok(change.kind === 'replace');
  assert.deepEqual(change.ruleSet.rules[0]?.exporter.endpoint.octets, EXPORTER.endpoint.octets);
});

test('A3: an update without default outputs leaves those that are there', async () => {
  assert.deepEqual(await toUpdate({ rules: [], defaultOutputs: [] }), {
    kind: 'edit',
    deleted: [],
    upserts: [],
  });
  const collectors = [{ endpoint: { host: '192.0.2.11' } }];
  assert.deepEqual(await toUpdate({ rules: [], defaultOutputs: [{ collectors }] }), {
    kind: 'edit',
    deleted: [],
    upserts: [],
    defaultOutputs: [{ collectors: [COLLECTOR] }],
  });
});

test('A4: a deletion of nothing is refused', () => {
  for (const message of [{}, { exporters: [] }]) {
    assert.throws(() => toDeletion(message), {
      code: 'INVALID_INPUT',
      message: /^exporters: empty/,
    });
  }
});

test('S1 S2: counters are exact over the whole range of 64 bits, and present when zero', () => {
  const counters = { packets: 18446744073709551615n, bytes: 9007199254740993n };
  const zero = { packets: 0n, bytes: 0n };
  const statistics = {
    rules: [
      {
        exporter: EXPORTER,
        description: 'core router',
        input: counters,
        outputs: [
          { collectors: [{ collector: COLLECTOR, output: zero }], name: 'a', description: 'b' },
        ],
      },
    ],
    defaultOutputs: [],
    mismatched: zero,
  };
  const bytes = encode('GetProxyStats', fromStatistics(statistics, 'text'));
  const message: ProxyStatsMessage = methodNamed('GetProxyStats').responseDeserialize(bytes);
  const [rule] = message.rules ?? [];
  assert.equal(rule?.exporter.input.packets, '18446744073709551615');
  assert.equal(rule?.exporter.input.bytes, '9007199254740993');
  assert.equal(rule?.outputs[0]?.collectors?.[0]?.output.packets, '0');
  assert.equal(rule?.outputs[0]?.collectors?.[0]?.output.bytes, '0');
  assert.equal(message.mismatched?.packets, '0');
  const { description, outputs: [output] = [] } = rule ?? {};
  assert.deepEqual([description, output?.name, output?.description], ['core router', 'a', 'b']);
});

test('A7: a subsystem without an error has no error field, a forwarder without a process no pid', () => {
  const forwarder = { index: 1, restarts: 0, ...NO_COUNTS };
  const message = fromSystemStatus({
    proxy: { state: 'Offline', error: 'why' },
    database: { state: 'OK' },
    forwarders: [forwarder],
    isDraining: false,
  });
  assert.deepEqual(message.proxy, { state: 'Offline', error: 'why' });
  assert.deepEqual(message.database, { state: 'OK' });
  assert.ok(!('pid' in (message.forwarders[0] ?? {})));
});

test('the status of a follower leaves out what is not known', () => {
  const status = {
    proxy: { state: 'OK' },
    database: { state: 'OK' },
    forwarders: [],
    isDraining: false,
  } as const;
  const unknown = { leader: 'node1:8853', isConnected: false, isOverridden: false };
  assert.equal(fromSystemStatus(status).follower, undefined);
  assert.deepEqual(fromSystemStatus({ ...status, follower: unknown }).follower, {
    state: 'Disconnected',
    leader: 'node1:8853',
    overridden: false,
  });
  const known = {
    ...unknown,
    isConnected: true,
    leaderRevision: 9,
    appliedRevision: 7,
    lagRevisions: 2,
    secondsSinceContact: 0.25049999999,
    isOverridden: true,
    error: 'why',
  };
  const { follower } = fromSystemStatus({ ...status, follower: known });
  assert.deepEqual(follower, {
    state: 'Connected',
    leader: 'node1:8853',
    leaderRevision: '9',
    appliedRevision: '7',
    lagRevisions: '2',
    secondsSinceContact: 0.25,
    overridden: true,
    error: 'why',
  });
});
