import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Datagram } from '../lab/datagrams.ts';
import { ip } from '../lab/namespaces.ts';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { receivedBy, Stage } from '../lab/stage.ts';

/** Becomes the proxy itself, and goes on being a collector beside others. */
const MOVING = '198.51.100.7';
const RULES = {
  rules: [
    {
      exporter: { host: '203.0.113.1' },
      outputs: [[{ host: MOVING, port: 2055 }], [{ host: '198.51.100.1', port: 1 }]],
    },
    { exporter: { host: '203.0.113.2' }, outputs: [[{ host: '198.51.100.2', port: 2 }]] },
  ],
  defaultOutputs: [[{ host: MOVING }], [{ host: '198.51.100.3', port: 3 }]],
};
const PACKETS = 20;
/** Of three exporters: each of the rules, and one without. */
const EXPORTERS = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];

const problemOf = async ({ api }: Stage) => (await api.status()).proxy.error;

/** How many datagrams came to each collector. */
function byCollector(datagrams: readonly Datagram[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { destination, destinationPort } of datagrams) {
    const key = `${destination}:${destinationPort}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** Sends packets of all exporters. @returns copies by collector */
async function exchange(stage: Stage): Promise<Record<string, number>> {
  const shots = EXPORTERS.flatMap((host) =>
    Array.from({ length: PACKETS }, (_, i) => ({
      from: { host, port: 30_000 },
      payload: Buffer.from(`packet ${i}`),
    })),
  );
  return byCollector(await stage.exchange(shots));
}

async function inputs({ api }: Stage): Promise<number[]> {
  const { rules, mismatched } = await api.statistics();
  return [...rules.map(({ exporter }) => exporter.input), mismatched].map(({ packets }) =>
    Number(packets),
  );
}

describe('addresses of the host that change', { skip: requireRoot() }, () => {
  for (const [how, add, remove] of [
    ['an address', `address add ${MOVING}/32 dev lo`, `address del ${MOVING}/32 dev lo`],
    ['a route', 'route add local 198.51.100.6/31 dev lo', 'route del local 198.51.100.6/31 dev lo'],
  ] as const) {
    test(`V4, V8: what has a collector that becomes the proxy itself by ${how} is set aside by name until it is none`, async () => {
      await using stage = await Stage.start();
      await stage.api.replace(RULES);
      const whole = {
        [`${MOVING}:2055`]: 2 * PACKETS,
        '198.51.100.1:1': PACKETS,
        '198.51.100.2:2': PACKETS,
        '198.51.100.3:3': PACKETS,
      };
      assert.deepEqual(await exchange(stage), whole);
      assert.deepEqual(await inputs(stage), [PACKETS, PACKETS, PACKETS]);

      await ip(stage.lab.proxy, [add]);
      const told = await waitFor('the state tells', () => problemOf(stage));
      assert.match(
        told,
        /not in force: the rule of 203\.0\.113\.1 \(outputs\[0\].*198\.51\.100\.7 port 2055 is the proxy itself: packets would circle\), a default output \(198\.51\.100\.7/,
      );
      assert.equal((await stage.api.status()).proxy.state, 'OK');
      assert.ok(stage.service.log.includes('198.51.100.7 port 2055 is the proxy itself'));
      // As if the rule and the output were not there: its exporter's packets go to the other default output.
      assert.deepEqual(await exchange(stage), {
        '198.51.100.2:2': PACKETS,
        '198.51.100.3:3': 2 * PACKETS,
      });
      const { forwarders } = await stage.api.status();
      assert.equal(receivedBy(forwarders), 2 * EXPORTERS.length * PACKETS, 'nothing came back');
      assert.deepEqual(await inputs(stage), [0, 2 * PACKETS, 3 * PACKETS]);
      await assert.rejects(
        stage.api.replace(RULES),
        /198\.51\.100\.7 port 2055 is the proxy itself/,
      );

      await ip(stage.lab.proxy, [remove]);
      await waitFor('all are in force again', async () => (await problemOf(stage)) === undefined);
      assert.deepEqual(await exchange(stage), whole);
      assert.deepEqual(await inputs(stage), [PACKETS, 3 * PACKETS, 4 * PACKETS]);
      assert.equal((await stage.api.rules()).rules.length, 2);
    });
  }

  test('V8: rules without the collector end it at once', async () => {
    await using stage = await Stage.start();
    await stage.api.replace({ rules: [], defaultOutputs: [[{ host: MOVING }]] });
    await ip(stage.lab.proxy, [`address add ${MOVING}/32 dev lo`]);
    await waitFor('the state tells', async () => (await problemOf(stage))?.includes(MOVING));
    await stage.api.replace({ rules: [] });
    assert.equal(await problemOf(stage), undefined);
  });
});
