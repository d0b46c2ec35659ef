/** R28: the path table says of each collector what the kernel would do with a copy to it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Agent } from '../lab/agent.ts';
import { COLLECTOR_HOST_V4, PROXY_V4 } from '../lab/lab.ts';
import {
  addNamespaces,
  ip,
  removeNamespace,
  setKernelSwitches,
  sweepNamespaces,
} from '../lab/namespaces.ts';
import { requireRoot } from '../lab/require-root.ts';
import { floxy } from '../lab/service.ts';
import { attempt, run, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import type { PathText } from '../support/path-table.ts';

const PREFIX = `flp-${process.pid}`;
const HOST = `${PREFIX}-host`;
const NET = `${PREFIX}-net`;
const MAC = { host: '02:00:00:00:01:01', net: '02:00:00:00:01:02' };
const V4 = 0x0800;
const V6 = 0x86dd;

interface Status {
  readonly sender: string;
  readonly reason: string;
  readonly ready: number;
  readonly without: Readonly<Record<string, number>>;
}

/** A host with one link to a network, and in it the path table of the host. */
class Node implements AsyncDisposable {
  readonly agent: Agent;
  #indexes = new Map<string, number>();

  private constructor(agent: Agent) {
    this.agent = agent;
  }

  static async start(sender = 'link', privileges = 'given up'): Promise<Node> {
    const agent = await Agent.start(HOST, 'paths-agent.ts');
    await agent.ask('start', { sender, privileges });
    return new Node(agent);
  }

  async want(...hosts: string[]): Promise<void> {
    const indexes = await this.agent.ask<number[]>('want', { hosts });
    this.#indexes = new Map(hosts.map((host, i) => [host, indexes[i] ?? 0]));
  }

  row(host: string): Promise<PathText | null> {
    return this.agent.ask('row', { index: this.#indexes.get(host) });
  }

  status(): Promise<Status> {
    return this.agent.ask('status');
  }

  /** Waits until the row says this of the frames, null: that there is no path. */
  async says(host: string, wanted: Partial<PathText> | null): Promise<void> {
    let seen: PathText | null | undefined;
    const expected = JSON.stringify(wanted);
    const isWanted = async () => {
      seen = await this.row(host);
      if (seen === null || wanted === null) return seen === wanted;
      return Object.entries(wanted).every(
        ([key, value]) => JSON.stringify(seen?.[key as keyof PathText]) === JSON.stringify(value),
      );
    };
    await waitFor(() => `${host} has ${expected}, not ${JSON.stringify(seen)}`, isWanted);
  }

  async reason(host: string, problem: string): Promise<void> {
    let seen: Status | undefined;
    await waitFor(
      () => `${host} has no path by ${problem}: ${JSON.stringify(seen)}`,
      async () => {
        seen = await this.status();
        return (seen.without[problem] ?? 0) === 1;
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
  }
}

async function linkIndex(name: string): Promise<number> {
  const [link] = JSON.parse(await run(['ip', '-n', HOST, '-j', 'link', 'show', name]));
  return link.ifindex;
}

const ipCommand = (command: string) => ['ip', '-n', HOST, ...command.split(' ')];
const host = (...commands: string[]) => ip(HOST, commands);
const net = (...commands: string[]) => ip(NET, commands);
const nft = (...words: string[]) => run(inHost('nft', ...words));
const inHost = (...words: string[]) => ['ip', 'netns', 'exec', HOST, ...words];
const ping = (address: string) => run(inHost('ping', '-c1', '-W2', address));

/** Those of these links that the kernel knows, each with a network of its own. */
async function makeLinks(commands: readonly string[]) {
  const made: { readonly name: string; readonly collector: string }[] = [];
  for (const [i, command] of commands.entries()) {
    const name = `k${i}`;
    const { status } = await attempt(ipCommand(command.replace('NAME', name)));
    if (status !== 0) continue;
    // Without one in it, it has no carrier.
    if (/type (bond|bridge)/.test(command))
      await host(
        `link add ${name}p type veth peer name ${name}q`,
        `link set ${name}q up`,
        `link set ${name}p master ${name}`,
        `link set ${name}p up`,
      );
    await host(`link set ${name} up`, `addr add 10.7.${i}.1/24 dev ${name}`);
    made.push({ name, collector: `10.7.${i}.2` });
  }
  return made;
}

async function state(address: string): Promise<string> {
  const text = await run(['ip', '-n', HOST, '-j', 'neigh', 'show', address]);
  const [found] = JSON.parse(text || '[]');
  return found?.state?.[0] ?? 'NONE';
}

/** With the same neighbours again. */
async function makeNetwork(): Promise<void> {
  await addNamespaces([HOST, NET]);
  await host(
    'link set lo up',
    `link add out address ${MAC.host} type veth peer name in address ${MAC.net} netns ${NET}`,
    'link set out up',
    'addr add 198.18.5.1/24 dev out',
    'addr add fd00:5::1/64 dev out nodad',
  );
  await net(
    'link set lo up',
    'link set in up',
    ...[2, 3, 4].map((i) => `addr add 198.18.5.${i}/24 dev in`),
    ...[2, 3].map((i) => `addr add fd00:5::${i}/64 dev in nodad`),
  );
}

async function withNetwork(use: () => Promise<void>): Promise<void> {
  await makeNetwork();
  try {
    await use();
  } finally {
    for (const name of [HOST, NET]) await removeNamespace(name);
  }
}

describe('paths of frames', { skip: requireRoot() }, () => {
  before(() => sweepNamespaces(/^flp-(\d+)-/));
  after(async () => {
    for (const name of [HOST, NET]) await removeNamespace(name);
  });

  test('R28: a collector has a path when the kernel knows route, link and neighbour of it', () =>
    withNetwork(async () => {
      await using node = await Node.start();
      const link = await linkIndex('out');
      await node.want('198.18.5.2', 'fd00:5::2', '203.0.113.1', '2001:db8::1');
      const direct = { link, mtu: 1500, to: MAC.net, from: MAC.host };
      await waitFor(
        'all are looked at',
        async () => (await node.status()).without['neighbour'] === 2,
      );
      assert.equal((await node.status()).without['no route'], 2);
      await ping('198.18.5.2');
      await ping('fd00:5::2');
      await node.says('198.18.5.2', { ...direct, etherType: V4 });
      await node.says('fd00:5::2', { ...direct, etherType: V6 });
      await host(
        'route add 203.0.113.0/24 via 198.18.5.2',
        'route add 2001:db8::/32 via fd00:5::2',
      );
      await node.says('203.0.113.1', { ...direct, etherType: V4 });
      await node.says('2001:db8::1', { ...direct, etherType: V6 });
      assert.equal((await node.status()).ready, 4);
      assert.equal(await node.agent.ask('senderTo', { host: '203.0.113.1' }), 'frames');

      await host(
        'neigh flush dev out',
        'neigh replace 198.18.5.2 lladdr 02:00:00:00:01:99 dev out',
      );
      await node.says('203.0.113.1', { to: '02:00:00:00:01:99' });
      await node.says('fd00:5::2', null);
      await host('neigh replace 198.18.5.2 nud failed dev out');
      await node.says('203.0.113.1', null);
      await host('neigh replace 198.18.5.2 lladdr 02:00:00:00:01:02 nud permanent dev out');
      await node.says('203.0.113.1', direct);
    }));

  test('R28: it follows routes, links and their MTU', () =>
    withNetwork(async () => {
      await using node = await Node.start();
      const link = await linkIndex('out');
      await host(
        'neigh add 198.18.5.2 lladdr 02:00:00:00:01:02 nud permanent dev out',
        'neigh add 198.18.5.3 lladdr 02:00:00:00:01:03 nud permanent dev out',
        'neigh add fd00:5::3 lladdr 02:00:00:00:01:04 nud permanent dev out',
        'route add 203.0.113.0/24 via 198.18.5.2',
      );
      await node.want('203.0.113.1', 'fd00:5::3');
      const says = (wanted: Partial<PathText> | null) => node.says('203.0.113.1', wanted);
      await says({ link, mtu: 1500, to: '02:00:00:00:01:02' });
      await host('route replace 203.0.113.0/24 via 198.18.5.3 mtu 1400');
      await says({ mtu: 1400, to: '02:00:00:00:01:03' });
      await host('route replace 203.0.113.0/24 via inet6 fd00:5::3 dev out');
      await says({ mtu: 1500, to: '02:00:00:00:01:04', etherType: V4 });
      await setKernelSwitches(HOST, ['net.ipv6.conf.out.mtu=1280']);
      await node.says('fd00:5::3', { mtu: 1280 });
      await says({ mtu: 1500 });
      await host('link set out mtu 1300');
      await says({ mtu: 1300 });
      await host(
        'link set out address 02:00:00:00:01:77',
        'neigh replace fd00:5::3 lladdr 02:00:00:00:01:04 nud permanent dev out',
      );
      await says({ from: '02:00:00:00:01:77' });
      await net('link set in down');
      await says(null);
      await net('link set in up');
      await host(
        'neigh replace fd00:5::3 lladdr 02:00:00:00:01:04 nud permanent dev out',
        'neigh replace 198.18.5.2 lladdr 02:00:00:00:01:02 nud permanent dev out',
      );
      await says({ to: '02:00:00:00:01:04' });
      await host('route replace 203.0.113.0/24 via 198.18.5.2 encap ip id 1 dst 192.0.2.1 dev out');
      await node.reason('203.0.113.1', 'tunnel');
      await says(null);
      for (const type of ['blackhole', 'unreachable', 'prohibit']) {
        await host('route flush 203.0.113.0/24', `route add ${type} 203.0.113.0/24`);
        await node.reason('203.0.113.1', 'no route');
        await says(null);
      }
      await host('route flush 203.0.113.0/24', 'route add local 203.0.113.0/24 dev lo');
      await node.reason('203.0.113.1', 'this host');
      await host(
        'route flush table local 203.0.113.0/24',
        'route add 203.0.113.0/24 via 198.18.5.2',
      );
      await says({ to: '02:00:00:00:01:02' });
    }));

  test('R28: what the kernel has learnt of the MTU of a way counts', () =>
    withNetwork(async () => {
      await using node = await Node.start();
      await setKernelSwitches(NET, ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
      await net(
        'link add far mtu 1300 type veth peer name end mtu 1300',
        'link set far up',
        'link set end up',
        'addr add 203.0.113.254/24 dev far',
        'addr add 2001:db8::fe/64 dev far nodad',
      );
      await host(
        'route add 203.0.113.0/24 via 198.18.5.2',
        'route add 2001:db8::/32 via fd00:5::2',
        'neigh add 198.18.5.2 lladdr 02:00:00:00:01:02 nud permanent dev out',
        'neigh add fd00:5::2 lladdr 02:00:00:00:01:02 nud permanent dev out',
      );
      await node.want('203.0.113.1', '2001:db8::1', '203.0.113.2');
      for (const collector of ['203.0.113.1', '2001:db8::1']) {
        await node.says(collector, { mtu: 1500 });
        // The router says that it is too large.
        await attempt(inHost('ping', '-c1', '-W1', '-M', 'do', '-s', '1400', collector));
        await node.says(collector, { mtu: 1300 });
      }
      await node.says('203.0.113.2', { mtu: 1500 });
    }));

  test('R28: several next hops share what goes there by their weights', () =>
    withNetwork(async () => {
      await using node = await Node.start();
      await host(
        'neigh add 198.18.5.2 lladdr 02:00:00:00:01:02 nud permanent dev out',
        'neigh add 198.18.5.3 lladdr 02:00:00:00:01:03 nud permanent dev out',
        'neigh add fd00:5::2 lladdr 02:00:00:00:01:05 nud permanent dev out',
        'neigh add fd00:5::3 lladdr 02:00:00:00:01:06 nud permanent dev out',
        'route add 203.0.113.0/24 nexthop via 198.18.5.2 weight 2 nexthop via 198.18.5.3 weight 1',
        'nexthop add id 1 via fd00:5::2 dev out',
        'nexthop add id 2 via fd00:5::3 dev out',
        'nexthop add id 3 group 1/2',
        'route add 2001:db8::/32 nhid 3',
      );
      await node.want('203.0.113.1', '203.0.113.2', '2001:db8::1');
      const hopsOf = async (name: string) =>
        (await node.row(name))?.hops?.map((hop) => hop?.to.slice(-2) ?? null);
      const spreads = (name: string, wanted: (string | null)[]) =>
        waitFor(`${name} is spread`, async () => {
          return JSON.stringify(await hopsOf(name)) === JSON.stringify(wanted);
        });
      await spreads('203.0.113.1', ['02', '02', '03']);
      await spreads('203.0.113.2', ['02', '02', '03']);
      await spreads('2001:db8::1', ['05', '06']);
      await host('neigh replace 198.18.5.3 nud failed dev out');
      await spreads('203.0.113.1', ['02', '02', null]);
      await host('neigh replace 198.18.5.3 lladdr 02:00:00:00:01:03 nud permanent dev out');
      await spreads('203.0.113.1', ['02', '02', '03']);
      await host('route replace 203.0.113.0/24 via 198.18.5.3');
      await node.says('203.0.113.1', { to: '02:00:00:00:01:03' });
      assert.equal(await hopsOf('203.0.113.1'), undefined);
    }));

  test('R28: VLANs, bonds, bridges and macvlan are Ethernet', () =>
    withNetwork(async () => {
      await using node = await Node.start();
      const made = await makeLinks([
        'link add link out name NAME type vlan id 7',
        'link add NAME type bond mode active-backup',
        'link add NAME type bridge',
        'link add link out name NAME type macvlan mode bridge',
      ]);
      await node.want(...made.map(({ collector }) => collector));
      for (const { name, collector } of made) {
        await host(`neigh add ${collector} lladdr 02:00:00:00:07:01 nud permanent dev ${name}`);
        await node.says(collector, { link: await linkIndex(name), to: '02:00:00:00:07:01' });
      }
    }));

  test('R28: tunnels and dummies are not', () =>
    withNetwork(async () => {
      await using node = await Node.start();
      const made = await makeLinks([
        'link add NAME type dummy',
        'link add NAME type ipip local 198.18.5.1 remote 198.18.5.2',
        'tuntap add NAME mode tun',
      ]);
      await node.want('198.18.5.9', ...made.map(({ collector }) => collector));
      await node.reason('198.18.5.9', 'neighbour');
      for (const { collector } of made) assert.equal(await node.row(collector), null);
      const { without } = await node.status();
      assert.equal(without['not Ethernet'] ?? without['link down'] ?? 0, made.length);
    }));

  test('R29: auto makes no frames past something on the way of output, and says why', () =>
    withNetwork(async () => {
      await using node = await Node.start('auto');
      await host('neigh add 198.18.5.2 lladdr 02:00:00:00:01:02 nud permanent dev out');
      await node.want('198.18.5.2');
      const sends = async (sender: string, reason = '') => {
        let seen: Status | undefined;
        await waitFor(
          () => `${sender} for ${reason}, not ${JSON.stringify(seen)}`,
          async () => {
            seen = await node.status();
            return seen.sender === sender && seen.reason.includes(reason);
          },
        );
        const { users } = await node.agent.ask<{ users: number }>('header');
        assert.equal(users, sender === 'frames' ? 1 : 0);
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
      await using auto = await Node.start('auto', 'never');
      await waitFor('it knows', async () => (await auto.status()).reason.includes('CAP_NET_ADMIN'));
      assert.equal((await auto.status()).sender, 'kernel');
      await using link = await Node.start('link', 'never');
      assert.equal((await link.status()).sender, 'frames');
      await using raw = await Node.start('raw');
      assert.deepEqual(await raw.status(), {
        sender: 'kernel',
        reason: 'COLLECTOR_FLOXY_SENDER=raw',
        ready: 0,
        without: {},
      });
    }));

  test('R28: a neighbour that only frames go to is asked again, and one that moved is found', () =>
    withNetwork(async () => {
      // As ever, but sooner.
      await setKernelSwitches(
        HOST,
        ['ipv4', 'ipv6'].flatMap((family) =>
          ['base_reachable_time_ms=1000', 'delay_first_probe_time=1', 'retrans_time_ms=100'].map(
            (value) => `net.${family}.neigh.out.${value}`,
          ),
        ),
      );
      await using node = await Node.start();
      const each = async (use: (address: string) => Promise<unknown>) => {
        for (const address of ['198.18.5.2', 'fd00:5::2']) await use(address);
      };
      await each(ping);
      await node.want('198.18.5.2', 'fd00:5::2');
      await each(async (address) => {
        await node.says(address, { to: MAC.net });
        await host(`neigh change ${address} dev out nud stale`);
        await waitFor(`${address} answers`, async () => (await state(address)) === 'REACHABLE');
      });
      // It moves without a word: it is asked, does not answer there, and is looked for when a copy goes through the kernel.
      await net('link set in address 02:00:00:00:01:55');
      await each((address) => node.says(address, null));
      await each(async (address) => {
        await ping(address);
        await node.says(address, { to: '02:00:00:00:01:55' });
      });
      // It moves, and tells so: gratuitous ARP, and an unsolicited advertisement.
      await setKernelSwitches(NET, [
        'net.ipv4.conf.in.arp_notify=1',
        'net.ipv6.conf.in.ndisc_notify=1',
      ]);
      await net('link set in address 02:00:00:00:01:56');
      await each((address) => node.says(address, { to: '02:00:00:00:01:56' }));
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
