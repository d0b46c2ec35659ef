import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { toMessage } from '../lab/api.ts';
import { COLLECTOR_HOST_V4 } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { TestReader } from '../lab/rings.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { STEADY_RULES, STEADY_STREAMS, startSteadyTraffic } from '../lab/steady-traffic.ts';

const V4 = { host: '203.0.113.10', port: 41_000 };
const V6 = { host: '2001:db8:e::10', port: 41_001 };
const C4 = { endpoint: { host: COLLECTOR_HOST_V4, port: 9995 } };
const PORT = 2055;
const WAIT_MS = 20_000;
const ONE = { COLLECTOR_FLOXY_THREAD_COUNT: '1', COLLECTOR_FLOXY_ORPHAN_SECONDS: '60' };

interface PipelineStats {
  readonly default_outputs: readonly {
    readonly pipeline?: { readonly name: string; readonly output: { readonly packets: string } };
  }[];
}

async function replace({ api }: Service | Stage, request: object): Promise<void> {
  await api.call('Settings', 'ReplaceProxyRules', request);
}

async function readerOf(service: Service, pipeline = 0): Promise<TestReader> {
  const [pid] = await service.forwarderPids();
  assert.ok(pid);
  return new TestReader(pid, 0, pipeline);
}

describe('packets for pipelines', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({ settings: ONE });
  });
  after(() => stage[Symbol.asyncDispose]());

  test('R17, S7: are handed over once, of both families and any hop limit, beside their copies', async () => {
    await replace(stage, {
      rules: [{ exporter: { endpoint: { host: V4.host } }, outputs: [{ pipeline: 'a' }] }],
      default_outputs: [{ pipeline: 'b' }, { collectors: [C4] }, { pipeline: 'a' }],
    });
    const reader = await readerOf(stage.service);
    const started = Date.now();
    const long = Buffer.alloc(4000, 'long');
    const shots = [
      { from: V4, payload: Buffer.from('a'), hopLimit: 1 },
      { from: V6, payload: Buffer.from('both'), hopLimit: 1 },
      { from: { host: '203.0.113.11', port: 7 }, payload: long },
    ];
    const arrived = await stage.exchange(shots);
    assert.deepEqual(
      arrived.map(({ payload }) => payload.length),
      [1496],
    );
    const taken = reader.takeAll();
    assert.deepEqual(
      taken.map(({ payload }) => payload.toString()),
      ['a', 'both', long.toString().slice(0, 1496)],
    );
    assert.deepEqual(taken[0]?.source, [0, 0, 0xffff, 0xcb00710a]);
    assert.deepEqual(taken[1]?.source, [0x20010db8, 0x000e0000, 0, 0x10]);
    assert.deepEqual(
      taken.map(({ sourcePort, listenPort }) => [sourcePort, listenPort]),
      [
        [V4.port, PORT],
        [V6.port, PORT],
        [7, PORT],
      ],
    );
    assert.ok(taken.every((one) => one.receivedMs >= started && one.receivedMs <= Date.now()));
    assert.equal(reader.states.account(0, 0)?.truncated, 1);
    const { response } = await stage.api.call<PipelineStats>('Metrics', 'GetProxyStats');
    assert.deepEqual(
      response.default_outputs.map(({ pipeline }) => pipeline?.output.packets),
      ['2', undefined, '2'],
    );
  });

  test('R17: nobody takes them, and forwarding goes on', async () => {
    await replace(stage, { default_outputs: [{ pipeline: 'a' }, { collectors: [C4] }] });
    const shots = Array.from({ length: 50 }, () => ({ from: V4, payload: Buffer.alloc(1400) }));
    for (let i = 0; i < 20; i++) assert.equal((await stage.exchange(shots)).length, 50);
  });
});

describe('packets that pipelines have not read', { skip: requireRoot() }, () => {
  const ways: Readonly<Record<string, (service: Service) => Promise<void>>> = {
    'in an upgrade': async (service) => {
      process.kill(service.pid, 'SIGUSR2');
      await service.waitForEnd(WAIT_MS);
    },
    'when control is killed': (service) => service.killControl(),
  };
  for (const [name, end] of Object.entries(ways)) {
    test(`R13, R17: are kept ${name}, and none is lost, doubled or out of order`, async () => {
      await using stage = await Stage.start({ settings: ONE });
      const { rules, default_outputs: defaults } = toMessage(STEADY_RULES);
      const pipeline = [{ pipeline: 'archive' }];
      await replace(stage, {
        rules: rules.map(({ exporter, outputs }) => ({
          exporter,
          outputs: [...outputs, ...pipeline],
        })),
        default_outputs: [...defaults, ...pipeline],
      });
      await readerOf(stage.service);
      await startSteadyTraffic(stage, 1500);
      const arrivesMore = (packets: number) => {
        const wanted = stage.capture.arrived().length + packets;
        return waitFor('packets arrive', () => stage.capture.arrived().length > wanted, WAIT_MS);
      };
      await arrivesMore(500);
      await end(stage.service);
      await arrivesMore(100);
      const options = { folder: stage.service.folder, settings: ONE };
      await using successor = await Service.start(stage.lab, options);
      await arrivesMore(500);
      const { sentPerStream } = await stage.exporters.stopTraffic('steady');
      const sent = sentPerStream * STEADY_STREAMS;
      assert.equal((await stage.settle(sent)).length, sent);
      const reader = await readerOf(successor);
      const taken = reader.takeAll();
      const { lost } = reader.states.account(0, 0) ?? {};
      assert.deepEqual([taken.length, lost], [sent, 0]);
      const last = new Map<number, number>();
      for (const { payload } of taken) {
        const [stream, number] = [payload.readUInt32BE(0), payload.readUInt32BE(4)];
        assert.equal(number, (last.get(stream) ?? -1) + 1);
        last.set(stream, number);
      }
    });
  }

  test('R17: are kept when there are fewer forwarders afterwards: workers find two rings still', async () => {
    const two = { ...ONE, COLLECTOR_FLOXY_THREAD_COUNT: '2' };
    await using stage = await Stage.start({ settings: two });
    await replace(stage, { default_outputs: [{ pipeline: 'archive' }] });
    const pids = await stage.service.forwarderPids();
    for (const [index, pid] of pids.entries()) new TestReader(pid, index, 0);
    // Many ports: each forwarder gets some.
    const shots = Array.from({ length: 200 }, (_, i) => ({
      from: { host: V4.host, port: 20_000 + i },
      payload: Buffer.from(`${i}`),
    }));
    await stage.exchange(shots);
    process.kill(stage.service.pid, 'SIGUSR2');
    await stage.service.waitForEnd(WAIT_MS);
    const options = { folder: stage.service.folder, settings: ONE };
    await using successor = await Service.start(stage.lab, options);
    const readers = [0, 1].map((index) => new TestReader(successor.pid, index, 0));
    const taken = readers.map((reader) => reader.takeAll());
    assert.ok(taken.every(({ length }) => length > 0));
    const numbers = taken.flat().map(({ payload }) => Number(payload.toString()));
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      shots.map((_, i) => i),
    );
  });
});
