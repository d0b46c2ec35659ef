/** R29: frames are made where nothing is on the way of output that they would pass by, or where that is wanted. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { COLLECTOR_HOST_V4, PROXY_V4 } from '../lab/lab.ts';
import {
  host,
  inHost,
  ipCommand,
  PathNode,
  type PathsStatusText,
  withNetwork,
} from '../lab/path-lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy } from '../lab/service.ts';
import { run, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

/** Bits of `users` in the path table: who may make frames. */
const FORWARDERS_AND_KERNEL = 3;

const nft = (...words: string[]) => run(inHost('nft', ...words));

describe('who makes frames', { skip: requireRoot() }, () => {
  test('R29: auto makes no frames past something on the way of output, and says why', () =>
    withNetwork(async () => {
      await using node = await PathNode.start('auto');
      await host('neigh add 198.18.5.2 lladdr 02:00:00:00:01:02 nud permanent dev out');
      await node.want('198.18.5.2');
      const sends = async (sender: string, reason = '') => {
        let seen: PathsStatusText | undefined;
        await waitFor(
          () => `${sender} for ${reason}, not ${JSON.stringify(seen)}`,
          async () => {
            seen = await node.status();
            return seen.sender === sender && seen.reason.includes(reason);
          },
        );
        const { users } = await node.agent.ask<{ users: number }>('header');
        assert.equal(users, sender === 'frames' ? FORWARDERS_AND_KERNEL : 0);
        assert.equal(await node.agent.ask('senderTo', { host: '198.18.5.2' }), sender);
      };
      await node.says('198.18.5.2', { to: '02:00:00:00:01:02' });
      await sends('frames');
      await nft('add table inet filter');
      await nft('add chain inet filter output { type filter hook output priority 0; }');
      await nft('add chain inet filter input { type filter hook input priority 0; policy drop; }');
      await nft('add rule inet filter output udp dport 9 counter drop');
      await sends('kernel', 'nftables has an output chain (inet filter output)');
      await nft('flush chain inet filter output');
      await sends('frames');
      await nft(
        'add table ip n; add chain ip n p { type nat hook postrouting priority 100; }; add rule ip n p masquerade',
      );
      await sends('kernel', '(ip n p)');
      await nft('delete table ip n');
      await sends('frames');
      await nft('chain inet filter output { policy drop; }');
      await sends('kernel', '(inet filter output)');
      await nft('flush ruleset');
      await sends('frames');
      await host('rule add from 192.0.2.1 lookup 77 priority 100');
      await sends('kernel', 'policy rule (ip rule: priority 100)');
      await host('rule del priority 100');
      await sends('frames');
      await run(ipCommand('-6 rule add to 2001:db8::/32 lookup 77 priority 101'));
      await sends('kernel', 'policy rule (ip -6 rule: priority 101)');
      await run(ipCommand('-6 rule del priority 101'));
      await sends('frames');
      const policy = 'src 192.0.2.0/24 dst 198.18.5.2/32 dir';
      await run(
        ipCommand(
          `xfrm policy add ${policy} in tmpl src 198.18.5.1 dst 198.18.5.2 proto esp mode tunnel`,
        ),
      );
      await run(
        ipCommand(
          `xfrm policy add ${policy} out tmpl src 198.18.5.1 dst 198.18.5.2 proto esp mode tunnel`,
        ),
      );
      await sends('kernel', 'IPsec has policies');
      await run(ipCommand(`xfrm policy del ${policy} out`));
      await sends('frames');
      await run(
        ipCommand(
          `xfrm policy add ${policy} out tmpl src 198.18.5.1 dst 198.18.5.2 proto esp mode tunnel`,
        ),
      );
      await sends('kernel', 'IPsec has policies');
      await run(ipCommand('xfrm policy flush'));
      await sends('frames');
      const tc = (words: string) => run(inHost('tc', ...words.split(' ')));
      await tc('qdisc add dev out root tbf rate 1mbit burst 10k latency 50ms');
      await sends('kernel', 'out has the queueing discipline tbf');
      await tc('qdisc del dev out root');
      await sends('frames');
      const lines = await node.agent.ask<string[]>('log');
      assert.equal(lines.filter((line) => line === 'copies leave as frames').length, 9);
      assert.ok(
        lines.includes('copies leave through raw sockets: nftables has an output chain (ip n p)'),
      );
    }));

  test('R29: who cannot know of nftables makes no frames by auto, and does by link', () =>
    withNetwork(async () => {
      await using auto = await PathNode.start('auto', 'never');
      await waitFor('it knows', async () => (await auto.status()).reason.includes('CAP_NET_ADMIN'));
      assert.equal((await auto.status()).sender, 'kernel');
      await using link = await PathNode.start('link', 'never');
      assert.equal((await link.status()).sender, 'frames');
      await using raw = await PathNode.start('raw');
      assert.deepEqual(await raw.status(), {
        sender: 'kernel',
        reason: 'COLLECTOR_FLOXY_SENDER=raw',
        ready: 0,
        without: {},
      });
    }));

  test('R29: each collector tells how its copies leave, and forwarders have the table for reading', async () => {
    await using stage = await Stage.start();
    const near = { host: COLLECTOR_HOST_V4, port: 9 };
    const own = { host: PROXY_V4, port: 9 };
    await stage.api.replace({ rules: [], defaultOutputs: [[near], [own]] });
    const told = async () => {
      const text = await stage.lab.run(stage.lab.proxy, [floxy, 'collectors', '-o', 'json']);
      const { collectors } = JSON.parse(text) as { collectors: Record<string, unknown>[] };
      return collectors.map(({ sender, senderReason = '' }) => `${sender} ${senderReason}`.trim());
    };
    let seen: string[] = [];
    const tells = (...wanted: string[]) =>
      waitFor(
        () => `collectors tell ${wanted}, not ${seen}`,
        async () => {
          seen = await told();
          return wanted.every((text) => seen.includes(text));
        },
      );
    await tells('frames', 'kernel it is on this host');
    const nftables =
      'add table ip f; add chain ip f o { type filter hook output priority 0; }; add rule ip f o udp dport 1 drop';
    await stage.lab.run(stage.lab.proxy, ['nft', nftables]);
    const reason = 'nftables has an output chain (ip f o)';
    await tells(`kernel ${reason}`);
    assert.deepEqual(seen, [`kernel ${reason}`, `kernel ${reason}`]);
    const { forwarders } = await stage.api.status();
    for (const { pid } of forwarders) {
      const fds = readdirSync(`/proc/${pid}/fd`);
      const paths = fds.filter((fd) =>
        readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('/memfd:floxy-paths'),
      );
      assert.equal(paths.length, 1);
      const flags = /^flags:\s+(\d+)/m.exec(
        readFileSync(`/proc/${pid}/fdinfo/${paths[0]}`, 'latin1'),
      );
      assert.equal(Number.parseInt(flags?.[1] ?? '', 8) & 3, 0, 'O_RDONLY');
    }
  });
});
