import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { exportFlows, type Flow, FlowCollector, writeCapture } from '../lab/flow-tools.ts';
import { makeFolder, PROXY_V4, PROXY_V6 } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { receivedBy, Stage } from '../lab/stage.ts';

const C4 = { host: '198.51.100.77', port: 9995 };
const C6 = { host: '2001:db8:c::77', port: 9996 };
/** softflowd sends from the address of its namespace's link. */
const EXPORTER_V4 = '198.18.1.2';
const EXPORTER_V6 = 'fd00:1::2';

const FLOWS: Flow[] = Array.from({ length: 40 }, (_, i) => ({
  source: `10.1.0.${i + 1}`,
  sourcePort: 10_000 + i,
  destination: '10.2.0.1',
  destinationPort: 53,
  packets: 1 + (i % 5),
  bytes: (1 + (i % 5)) * (60 + i),
}));

describe('real ends', { skip: requireRoot() }, () => {
  for (const [name, version] of [
    ['NetFlow v5', 5],
    ['NetFlow v9', 9],
    ['IPFIX', 10],
  ] as const) {
    test(`${name} from softflowd reaches two nfcapd: the same flows, and the exporter's address`, async () => {
      await using stage = await Stage.start();
      const folder = makeFolder('flows');
      try {
        await using four = await FlowCollector.start(stage.lab, C4, join(folder, '4'));
        await using six = await FlowCollector.start(stage.lab, C6, join(folder, '6'));
        await stage.api.replace({ rules: [], defaultOutputs: [[C4], [C6]] });
        const capture = join(folder, 'flows.pcap');
        writeCapture(capture, FLOWS);
        const to = { host: PROXY_V4, port: 2055 };
        await exportFlows(stage.lab.exporters, { capture, to, version, folder });
        await arriveTwice(stage);
        const expected = (exporter: string) => FLOWS.map((flow) => ({ ...flow, exporter }));
        assert.deepEqual(await four.flows(), expected(EXPORTER_V4));
        assert.deepEqual(await six.flows(), expected(`::ffff:${EXPORTER_V4}`));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }

  test("IPFIX over IPv6 from softflowd reaches nfcapd with the exporter's address", async () => {
    await using stage = await Stage.start();
    const folder = makeFolder('flows');
    try {
      await using six = await FlowCollector.start(stage.lab, C6, join(folder, '6'));
      await stage.api.replace({ rules: [{ exporter: { host: EXPORTER_V6 }, outputs: [[C6]] }] });
      const capture = join(folder, 'flows.pcap');
      writeCapture(capture, FLOWS);
      const to = { host: PROXY_V6, port: 2055 };
      await exportFlows(stage.lab.exporters, { capture, to, version: 10, folder });
      await waitFor('the export arrives', () => stage.capture.arrived().length > 0);
      await stage.settle(stage.capture.arrived().length);
      assert.deepEqual(
        await six.flows(),
        FLOWS.map((flow) => ({ ...flow, exporter: EXPORTER_V6 })),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Waits until the service has sent two copies of each packet, and they have arrived. */
async function arriveTwice(stage: Stage): Promise<void> {
  const received = await waitFor('the service received something', async () => {
    const { forwarders } = await stage.api.status();
    return receivedBy(forwarders) || undefined;
  });
  await stage.settle(received);
  assert.equal(stage.capture.incomplete, 0);
}
