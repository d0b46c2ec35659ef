/** Collectors that are dead or slow, and what the others get. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { COLLECTOR_HOST_V4, COLLECTOR_HOST_V6, PROXY_V4 } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { UdpSockets } from '../lab/traffic.ts';

const EXPORTER = { host: '203.0.113.10', port: 41_000 };
const PORT = 9995;
const PACKETS = 4_000;
const BYTES = 1_000;
const SLOW_HOST = '198.51.100.66';
/** Small, so that little has to wait to fill it; what waits for one dead neighbour is half of it. */
const SEND_BUFFER_BYTES = 256 * 1024;

/** Addresses of the proxy's own network where nobody is. */
const dead = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ host: `${prefix}${i + 100}`, port: PORT }));

describe('beside collectors in trouble', { skip: requireRoot() }, () => {
  let stage: Stage;
  let collectors: UdpSockets;
  let streams = 0;
  before(async () => {
    stage = await Stage.start({
      settings: {
        COLLECTOR_FLOXY_SEND_BUFFER_BYTES: `${SEND_BUFFER_BYTES}`,
        COLLECTOR_FLOXY_THREAD_COUNT: '1',
        // Its copies share a socket with one of so many that are dead, and would be among the errors.
        COLLECTOR_FLOXY_PROBE_INTERVAL_MS: '0',
      },
    });
    collectors = await UdpSockets.start(stage.lab.collectors);
  });
  after(async () => {
    await collectors[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  /** Sends packets to a healthy collector and others; returns what of each copy is told. */
  async function send(
    healthy: { host: string; port: number },
    others: { host: string; port: number }[][],
  ) {
    await stage.api.replace({ rules: [], defaultOutputs: [[healthy], ...others] });
    const errorsBefore = await sendErrors();
    await stage.exporters.startTraffic({
      name: `${++streams}`,
      streams: [
        {
          stream: streams,
          from: EXPORTER,
          to: { host: PROXY_V4, port: 2055 },
          sizes: { fixed: BYTES },
        },
      ],
      packetsPerSecond: 4_000,
      packetsPerStream: PACKETS,
    });
    await stage.exporters.finishTraffic(`${streams}`);
    await waitFor('all packets are taken', async () => {
      const { default_outputs, mismatched } = await stage.api.statistics();
      const sent = default_outputs
        .flatMap(({ collectors }) => collectors)
        .reduce((sum, { output }) => sum + Number(output.packets), 0);
      const copies = (1 + others.length) * PACKETS;
      return (
        Number(mismatched.packets) >= PACKETS * streams &&
        sent + (await sendErrors()) - errorsBefore >= copies
      );
    });
    const { default_outputs } = await stage.api.statistics();
    return {
      outputs: default_outputs.map(({ collectors }) =>
        collectors.reduce((sum, { output }) => sum + Number(output.packets), 0),
      ),
      errors: (await sendErrors()) - errorsBefore,
    };
  }

  async function sendErrors(): Promise<number> {
    const { forwarders } = await stage.api.status();
    return forwarders
      .flatMap(({ send_errors }) => send_errors)
      .reduce((sum, { count }) => sum + Number(count), 0);
  }

  async function arrivedAt(healthy: { host: string; port: number }): Promise<number> {
    let arrived = 0;
    await waitFor(
      () => `all packets arrive at ${healthy.host}: ${arrived} of ${PACKETS}`,
      async () => {
        arrived = (await collectors.messages(healthy)).length;
        return arrived >= PACKETS;
      },
    );
    return arrived;
  }

  for (const [family, host, prefix] of [
    ['IPv4', COLLECTOR_HOST_V4, '198.18.2.'],
    ['IPv6', COLLECTOR_HOST_V6, 'fd00:2::'],
  ] as const) {
    test(`R15: 64 dead neighbours take nothing from a living collector: ${family}`, async () => {
      const healthy = await collectors.receive({ host, port: 0 });
      const { outputs } = await send(healthy, [dead(prefix, 64)]);
      assert.equal(outputs[0], PACKETS, 'the kernel has taken all copies for it');
      assert.equal(await arrivedAt(healthy), PACKETS);
    });
  }

  test('R15: a slow link takes nothing from the collectors of others, and its losses are counted', async () => {
    await limitRate();
    const healthy = await collectors.receive({ host: COLLECTOR_HOST_V4, port: 0 });
    const { outputs, errors } = await send(healthy, [[{ host: SLOW_HOST, port: PORT }]]);
    assert.equal(outputs[0], PACKETS, 'the kernel has taken all copies for it');
    assert.equal(await arrivedAt(healthy), PACKETS);
    assert.equal(
      (outputs[1] ?? 0) + errors,
      PACKETS,
      'each copy for the slow one is sent or counted',
    );
    assert.ok(errors > 0, 'the link was too slow for all of them');
  });

  /** One collector is behind a link of its own, of 5 Mbit/s and with a long queue. */
  async function limitRate(): Promise<void> {
    const { proxy, collectors: peer } = stage.lab;
    const inProxy = (words: string) => stage.lab.run(proxy, words.split(' '));
    await inProxy(`ip link add slow type veth peer name slow netns ${peer}`);
    await stage.lab.run(peer, 'ip link set slow up'.split(' '));
    await inProxy('ip addr add 198.18.3.1/24 dev slow');
    await inProxy('ip link set slow up');
    await inProxy('ip neigh add 198.18.3.2 lladdr 02:f1:00:00:03:02 dev slow');
    await inProxy(`ip route add ${SLOW_HOST} via 198.18.3.2`);
    await inProxy('tc qdisc add dev slow root tbf rate 5mbit burst 10kb limit 20mb');
  }
});
