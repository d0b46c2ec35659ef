/** R28: the path table says of each collector what the kernel would do with a copy to it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setKernelSwitches } from '../lab/namespaces.ts';
import {
  HOST,
  host,
  inHost,
  ipCommand,
  linkIndex,
  MAC,
  NET,
  net,
  PathNode,
  ping,
  state,
  withNetwork,
} from '../lab/path-lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { attempt, waitFor } from '../lab/shell.ts';
import type { PathText } from '../support/path-table.ts';

const V4 = 0x0800;
const V6 = 0x86dd;

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

describe('paths of frames', { skip: requireRoot() }, () => {
  test('R28: a collector has a path when the kernel knows route, link and neighbour of it', () =>
    withNetwork(async () => {
      await using node = await PathNode.start();
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
      await using node = await PathNode.start();
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
      await using node = await PathNode.start();
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
      await using node = await PathNode.start();
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
      await using node = await PathNode.start();
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
      await using node = await PathNode.start();
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
      await using node = await PathNode.start();
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
});
