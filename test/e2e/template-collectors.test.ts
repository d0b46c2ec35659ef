import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  exportFlows,
  type Flow,
  FlowCollector,
  type RecordedFlow,
  writeCapture,
} from '../lab/flow-tools.ts';
import { makeFolder, PROXY_V4 } from '../lab/lab.ts';
import type { RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { receivedBy, type Shot, Stage } from '../lab/stage.ts';
import { ipfixMessage, netflow9Message, set, u16, u32 } from '../support/netflow-writer.ts';

const SHARING = [1, 2, 3].map((i) => ({ host: `198.51.100.${i}`, port: 9995 }));
const ALONE = { host: '198.51.100.9', port: 9995 };
const RULES: RuleSetText = { rules: [], defaultOutputs: [SHARING, [ALONE]] };
type Four = [FlowCollector, FlowCollector, FlowCollector, FlowCollector];
const FROM = { host: '203.0.113.1', port: 5000 };
const MANY: Flow[] = Array.from({ length: 600 }, (_, i) => ({
  source: `10.1.${i >> 8}.${i & 255}`,
  sourcePort: 10_000 + i,
  destination: '10.2.0.1',
  destinationPort: 53,
  packets: 1,
  bytes: 60 + (i % 50),
}));

/** A template of addresses, ports, packets and octets of 4 and 2 bytes. */
const TEMPLATE_ID = 256;
const FIELDS = [
  [8, 4],
  [12, 4],
  [7, 2],
  [11, 2],
  [2, 4],
  [1, 4],
] as const;
const TEMPLATE = [
  ...u16(TEMPLATE_ID),
  ...u16(FIELDS.length),
  ...FIELDS.flatMap(([id, length]) => [...u16(id), ...u16(length)]),
];

function record({ source, sourcePort, destination, destinationPort, packets, bytes }: Flow) {
  const address = (text: string) => text.split('.').map(Number);
  return [
    ...address(source),
    ...address(destination),
    ...u16(sourcePort),
    ...u16(destinationPort),
    ...u32(packets),
    ...u32(bytes),
  ];
}

describe('collectors of others behind one output', { skip: requireRoot() }, () => {
  let stage: Stage;
  let folder: string;
  let collectors: FlowCollector[];
  before(async () => {
    stage = await Stage.start();
    await stage.api.replace(RULES);
  });
  after(() => stage[Symbol.asyncDispose]());

  /** Three that share, and one that gets all. */
  async function startAll(resources: AsyncDisposableStack): Promise<void> {
    folder = makeFolder('flows');
    resources.defer(() => rmSync(folder, { recursive: true, force: true }));
    collectors = [];
    for (const at of [...SHARING, ALONE]) collectors.push(await startOne(resources, at));
  }

  /** The rules, with the second of those that share watched. */
  async function replaceWatched(): Promise<void> {
    const health = { check: 'PORT', interval: '1s', rise: 1, fall: 1 };
    const sharing = SHARING.map((endpoint, i) => ({ endpoint, ...(i === 1 && { health }) }));
    const outputs = [{ collectors: sharing }, { collectors: [{ endpoint: ALONE }] }];
    await stage.api.call('Settings', 'ReplaceProxyRules', { default_outputs: outputs });
  }

  /** Whether packets of another exporter come to a collector. */
  async function isServed(collector: number): Promise<boolean> {
    const stranger = { from: { ...FROM, port: 4000 }, payload: Buffer.from('none of NetFlow') };
    const arrived = await stage.exchange(SHARING.map(() => stranger));
    return arrived.some(
      ({ destination, payload }) => destination === SHARING[collector]?.host && payload.length > 0,
    );
  }

  async function startOne(resources: AsyncDisposableStack, at: typeof ALONE) {
    const name = `${at.host} ${collectors.length}`;
    return resources.use(await FlowCollector.start(stage.lab, at, join(folder, name)));
  }

  /** What those that share have recorded together, and what the one alone has. */
  async function recorded(sharing: readonly FlowCollector[], alone: FlowCollector) {
    const parts: RecordedFlow[][] = [];
    for (const collector of sharing) parts.push(await collector.flows());
    return { parts, together: sorted(parts.flat()), alone: sorted(await alone.flows()) };
  }

  function message(version: 9 | 10, i: number): Shot {
    const flows = MANY.slice(i * 5, i * 5 + 5);
    const data = set(TEMPLATE_ID, flows.flatMap(record));
    // Only the first has the template, and all others nothing but data.
    const sets = i === 0 ? [set(version === 9 ? 0 : 2, TEMPLATE), data] : [data];
    const payload =
      version === 9
        ? netflow9Message(sets, { sequence: i, count: flows.length + (i === 0 ? 1 : 0) })
        : ipfixMessage(sets, { sequence: i * 5 });
    return { from: { ...FROM, port: FROM.port + version }, payload: Buffer.from(payload) };
  }

  test('R24: an nfcapd that starts anew is told when it is up again, though its exporter was silent meanwhile', async () => {
    await using resources = new AsyncDisposableStack();
    await startAll(resources);
    const [first, second, third, alone] = collectors as Four;
    await replaceWatched();
    const send = (from: number, to: number) =>
      stage.exchange(Array.from({ length: to - from }, (_, i) => message(9, from + i)));
    await send(0, 30);
    const flowsOfSecond = await second.flows();
    // Nothing is sent meanwhile: the kernel answers so many packets to closed ports in a second, and no more.
    await waitFor('it is down', async () => (await stage.api.status()).health?.down === 1);
    // Told first, then in force.
    await waitFor('nothing comes to it', async () => !(await isServed(1)));
    const again = await startOne(resources, SHARING[1] as typeof ALONE);
    await waitFor('packets come to it again', () => isServed(1));
    await send(30, 120);
    await stage.api.replace(RULES);
    const { parts, together, alone: all } = await recorded([first, again, third], alone);
    assert.equal(all.length, MANY.length, 'all flows came');
    assert.deepEqual(sorted([...flowsOfSecond, ...together]), all);
    assert.equal(parts[1]?.length, 150, 'it has its third of the last ones');
  });

  for (const [name, version] of [
    ['NetFlow v9', 9],
    ['IPFIX', 10],
  ] as const) {
    test(`R23: ${name} from softflowd: three nfcapd record together what one alone does, each flow once`, async () => {
      await using resources = new AsyncDisposableStack();
      await startAll(resources);
      const capture = join(folder, 'flows.pcap');
      writeCapture(capture, MANY);
      const before = receivedBy((await stage.api.status()).forwarders);
      const to = { host: PROXY_V4, port: 2055 };
      await exportFlows(stage.lab.exporters, { capture, to, version, folder });
      const received = await waitFor('the service received something', async () => {
        return receivedBy((await stage.api.status()).forwarders) - before || undefined;
      });
      await stage.settle(received);
      const { parts, together, alone } = await recorded(
        collectors.slice(0, 3),
        collectors[3] as FlowCollector,
      );
      assert.equal(alone.length, MANY.length, 'all flows came');
      assert.deepEqual(together, alone);
      for (const part of parts) assert.ok(part.length > 0, 'each has some of them');
    });

    test(`R24: ${name}: an nfcapd that starts anew and comes back knows the templates at once`, async () => {
      await using resources = new AsyncDisposableStack();
      await startAll(resources);
      const [first, second, third, alone] = collectors as Four;
      const send = (from: number, to: number) =>
        stage.exchange(Array.from({ length: to - from }, (_, i) => message(version, from + i)));
      await send(0, 30);
      // It ends, and nothing comes to it until it is there again.
      const without = [SHARING[0], SHARING[2]].flatMap((at) => at ?? []);
      await stage.api.replace({ rules: [], defaultOutputs: [without, [ALONE]] });
      const flowsOfSecond = await second.flows();
      await send(30, 60);
      const again = await startOne(resources, SHARING[1] as typeof ALONE);
      await stage.api.replace(RULES);
      await send(60, 120);
      const rest = await recorded([first, again, third], alone);
      assert.equal(rest.alone.length, MANY.length, 'all flows came');
      assert.deepEqual(sorted([...flowsOfSecond, ...rest.together]), rest.alone);
      assert.equal(rest.parts[1]?.length, 100, 'it has its third of the last ones');
    });
  }
});

function sorted(flows: readonly RecordedFlow[]): readonly RecordedFlow[] {
  return flows.toSorted((a, b) => a.sourcePort - b.sourcePort);
}
