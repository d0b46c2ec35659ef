import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy } from '../lab/service.ts';
import { attempt } from '../lab/shell.ts';
import { proxyFor, Stage } from '../lab/stage.ts';
import { assertWellFormed, verify } from '../lab/verify.ts';

const C1 = { host: '198.51.100.1', port: 9995 };
const C2 = { host: '198.51.100.2', port: 9995 };
const C3 = { host: '198.51.100.3', port: 9995 };
const C6A = { host: '2001:db8:c::a', port: 9996 };
const C6B = { host: '2001:db8:c::b', port: 9996 };
const C6C = { host: '2001:db8:c::c', port: 9996 };

describe('prefixes and listening ports in rules', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({ settings: { COLLECTOR_FLOXY_ADDRESS: '[::]:2055,[::]:9995' } });
  });
  after(() => stage[Symbol.asyncDispose]());

  /** Sends packets from each endpoint and holds the wire against the reference. @returns who got what from whom */
  async function forward(
    ruleSet: RuleSetText,
    from: { host: string; port: number }[],
    receivedOn = 2055,
  ) {
    await stage.api.replace(ruleSet);
    const payload = (i: number) => Buffer.from(`packet ${i}`);
    const shots = [0, 1].flatMap((i) =>
      from.map((endpoint) => ({
        from: endpoint,
        to: proxyFor(endpoint.host, receivedOn),
        payload: payload(i),
      })),
    );
    const arrived = await stage.exchange(shots);
    verify(arrived, {
      ruleSet,
      receivedOn,
      sent: from.map((endpoint) => ({ from: endpoint, count: 2, payload })),
    });
    assertWellFormed(arrived);
    const pairs = arrived.map(
      ({ source, sourcePort, destination }) => `${source} ${sourcePort} ${destination}`,
    );
    return [...new Set(pairs)].sort();
  }

  for (const [family, hosts, network, lengths, [all, wide, narrow]] of [
    [
      'IPv4',
      ['203.0.113.1', '203.0.113.9', '203.0.113.200'],
      ['0.0.0.0', '203.0.113.0', '203.0.113.0'],
      [0, 24, 28],
      [C1, C2, C3],
    ],
    [
      'IPv6',
      ['2001:db8:e::1', '2001:db8:e::9', '2001:db8:e::200'],
      ['::', '2001:db8:e::', '2001:db8:e::'],
      [0, 64, 124],
      [C6A, C6B, C6C],
    ],
  ] as const) {
    const [first, second, third] = hosts;
    const rule = (i: 0 | 1 | 2, port: number | undefined, to: { host: string; port: number }) => ({
      exporter: { host: network[i], prefixLength: lengths[i], ...(port !== undefined && { port }) },
      outputs: [[to]],
    });

    test(`R18: ${family}: the address beats all prefixes, then the longest one takes the packet`, async () => {
      const ruleSet = {
        rules: [rule(0, undefined, all), rule(2, undefined, narrow), rule(1, undefined, wide)],
      };
      const from = hosts.map((host) => ({ host, port: 5000 }));
      assert.deepEqual(
        await forward(ruleSet, from),
        [
          `${first} 5000 ${narrow.host}`,
          `${third} 5000 ${wide.host}`,
          `${second} 5000 ${narrow.host}`,
        ].sort(),
      );
      const exact = { exporter: { host: second }, outputs: [[all]] };
      const withAddress = { rules: [...ruleSet.rules, exact] };
      const arrived = await forward(withAddress, from);
      assert.ok(arrived.includes(`${second} 5000 ${all.host}`), `${arrived}`);
    });

    test(`R18: ${family}: a prefix with a port takes that port alone, and beats one of the same length`, async () => {
      const ruleSet = {
        rules: [rule(2, 5001, all), rule(1, 5001, narrow), rule(1, undefined, wide)],
      };
      const from = [first, third].flatMap((host) => [
        { host, port: 5000 },
        { host, port: 5001 },
      ]);
      assert.deepEqual(
        await forward(ruleSet, from),
        [
          `${first} 5000 ${wide.host}`,
          `${first} 5001 ${all.host}`,
          `${third} 5000 ${wide.host}`,
          `${third} 5001 ${narrow.host}`,
        ].sort(),
      );
    });

    test(`R19: ${family}: a rule that names the listening port takes what comes to it, and no other`, async () => {
      const exporter = { host: first };
      const rules = (listeningPort: number) => ({
        rules: [
          { exporter, outputs: [[wide]] },
          { exporter: { ...exporter, listeningPort }, outputs: [[all]] },
          {
            ...rule(0, undefined, narrow),
            exporter: { ...rule(0, undefined, narrow).exporter, listeningPort },
          },
        ],
        defaultOutputs: [[wide]],
      });
      const from = [first, second].map((host) => ({ host, port: 5000 }));
      const named = [`${first} 5000 ${all.host}`, `${second} 5000 ${narrow.host}`].sort();
      const others = [`${first} 5000 ${wide.host}`, `${second} 5000 ${wide.host}`].sort();
      for (const port of [2055, 9995]) {
        assert.deepEqual(await forward(rules(2055), from, port), port === 2055 ? named : others);
        assert.deepEqual(await forward(rules(9995), from, port), port === 9995 ? named : others);
        assert.deepEqual(await forward(rules(2056), from, port), others);
      }
    });
  }

  test('R18: a default route of one family takes nothing of the other', async () => {
    const rules = [{ exporter: { host: '::', prefixLength: 0 }, outputs: [[C6A]] }];
    const from = [{ host: '203.0.113.1', port: 5000 }];
    assert.deepEqual(await forward({ rules }, from), []);
  });

  test('S1, R18: rules of prefixes are counted, listed, compared, undone and deleted by their names', async () => {
    const cli = async (...args: string[]) => {
      const run = await attempt(['ip', 'netns', 'exec', stage.lab.proxy, floxy, ...args]);
      assert.equal(run.status, 0, run.stderr);
      return run.stdout;
    };
    await stage.api.replace({ rules: [] });
    await cli('rules', 'set', '203.0.113.0/24', '198.51.100.1:9995');
    await cli('rules', 'set', '[2001:db8:e::/64]:5000@2055', '[2001:db8:c::a]:9996');
    await stage.exchange([
      { from: { host: '203.0.113.1', port: 5000 }, payload: Buffer.from('four') },
      { from: { host: '203.0.113.2', port: 5001 }, payload: Buffer.from('four') },
      { from: { host: '2001:db8:e::1', port: 5000 }, payload: Buffer.from('six') },
      { from: { host: '2001:db8:e::1', port: 5001 }, payload: Buffer.from('mismatched') },
    ]);
    const stats = await cli('stats', '-o', 'table');
    assert.match(stats, /^203\.0\.113\.0\/24 +2 +8 +198\.51\.100\.1:9995 +2 +8$/m);
    assert.match(stats, /^\[2001:db8:e::\/64\]:5000@2055 +1 +3 +\[2001:db8:c::a\]:9996 +1 +3$/m);
    assert.match(await cli('stats', '203.0.113.0/24'), /prefix_length: 24/);
    assert.match(
      await cli('rules', 'list', '-o', 'table'),
      /^203\.0\.113\.0\/24 +198\.51\.100\.1:9995$/m,
    );
    const listed = await cli('rules', 'list', '-o', 'table', '--exporter', '203.0.113.77');
    assert.match(listed, /203\.0\.113\.0\/24/);
    assert.doesNotMatch(listed, /2001/);
    assert.match(await cli('rules', 'get', '203.0.113.0/24'), /prefix_length: 24/);
    const exporters = await cli('exporters');
    assert.match(exporters, /^203\.0\.113\.2:5001 +203\.0\.113\.0\/24 /m);
    assert.match(exporters, /^\[2001:db8:e::1\]:5000 +\[2001:db8:e::\/64\]:5000@2055 /m);
    assert.match(exporters, /^\[2001:db8:e::1\]:5001 +default /m);
    const explained = await cli('explain', '203.0.113.77:9');
    assert.match(
      explained,
      /^203\.0\.113\.77:9 to port 2055: rule 203\.0\.113\.0\/24, by a prefix of /,
    );
    const way =
      /198\.51\.100\.1:9995 {2}source 203\.0\.113\.77:9, via 198\.18\.2\.2 dev \S+, mtu 1500, neighbour /;
    assert.match(explained, way, 'A60');
    await cli('rules', 'delete', '203.0.113.0/24');
    const history = await cli('rules', 'history', '--exporter', '203.0.113.0/24', '-o', 'json');
    const [gone] = JSON.parse(history).revisions;
    assert.equal(gone.call, 'DeleteProxyRules', history);
    await cli('rules', 'rollback', String(Number(gone.number) - 1));
    assert.match(await cli('rules', 'list'), /prefix_length: 24/);
  });
});
