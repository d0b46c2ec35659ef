/** The engine in the kernel: what it takes, what it leaves to forwarders, and the accounts of both together. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutputsText, RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import {
  accountFor,
  endSteadyTraffic,
  STEADY_COLLECTOR,
  STEADY_RULES,
  STEADY_STREAMS,
  startSteadyTraffic,
} from '../lab/steady-traffic.ts';
import { UdpSockets } from '../lab/traffic.ts';

const KERNEL = { COLLECTOR_FLOXY_ENGINE: 'kernel', COLLECTOR_FLOXY_ORPHAN_SECONDS: '60' };
const UNIT = new URL('../../deploy/systemd/floxy.service', import.meta.url);
const FROM = { host: '203.0.113.10', port: 41_000 };
const C4 = { host: '198.51.100.10', port: 9995 };
const C6 = { host: '2001:db8:c::10', port: 9996 };

/** Longer than packets of an exporter go up after one did. */
const HOLD_MS = 1500;

/** Rules of the steady traffic whose packets the kernel leaves to forwarders: they have a filter that all pass. */
const UPWARDS: RuleSetText = {
  rules: [],
  defaultOutputs: [{ collectors: [STEADY_COLLECTOR], filter: { listening_ports: [2055] } }],
} as unknown as RuleSetText;

async function engineOf(stage: Stage) {
  const { kernel_engine: engine } = await stage.api.status();
  assert.ok(engine !== undefined, stage.service.log);
  const up = new Map(engine.up.map(({ reason, packets }) => [reason, Number(packets)]));
  return { ...engine, handled: Number(engine.handled.packets), up };
}

/** Replaces default outputs, and waits until it is known which way copies leave: the neighbours of collectors are asked. */
async function replaceDefaults(stage: Stage, defaultOutputs: OutputsText) {
  await stage.api.replace({ rules: [], defaultOutputs });
  const exporter = { host: FROM.host, port: FROM.port };
  await waitFor('the engine in the kernel takes packets', async () => {
    const { response } = await stage.api.call<{ notes?: string[] }>('View', 'ExplainExporter', {
      exporter,
    });
    return response.notes?.includes('its packets are handled in the kernel') === true;
  });
}

/** Packets that all rules, and none, have taken: each is in one input. */
async function inputOf(stage: Stage): Promise<number> {
  const { rules, mismatched } = await stage.api.statistics();
  return rules.reduce(
    (sum, { exporter }) => sum + Number(exporter.input.packets),
    Number(mismatched.packets),
  );
}

async function assertExact(stage: Stage, sent: number, missing = 0): Promise<void> {
  const { forwarders, ended_forwarders: ended } = await stage.api.status();
  const all = ended === undefined ? forwarders : [...forwarders, ended];
  const sum = (count: (of: (typeof all)[number]) => string) =>
    all.reduce((total, forwarder) => total + Number(count(forwarder)), 0);
  assert.equal(
    sum(({ received }) => received.packets),
    sent,
    'received',
  );
  assert.equal(
    sum(({ forwarded }) => forwarded.packets),
    sent - missing,
    'forwarded',
  );
}

describe('the engine in the kernel', { skip: requireRoot() }, () => {
  test('R30: it handles packets of rules that it can do, and tells why others go up', async () => {
    await using stage = await Stage.start({ settings: KERNEL });
    // Of an exporter of its own: others are held up by none.
    const send = async (count: number, number: number, bytes = 40) =>
      stage.exchange(
        Array.from({ length: count }, () => ({
          from: { host: `203.0.113.${number}`, port: 1000 },
          payload: Buffer.alloc(bytes, 1),
        })),
      );
    await replaceDefaults(stage, [[C4], [C6]]);
    assert.equal((await send(10, 100)).length, 20);
    const first = await engineOf(stage);
    assert.equal(first.handled, 10);
    assert.deepEqual(first.interfaces.toSorted(), ['col', 'exp']);
    const filtered = { collectors: [C4], filter: { listening_ports: [2055] } };
    for (const [reason, outputs, number] of [
      ['filter', [filtered], 101],
      ['leave', [{ collectors: [{ ...C4, source: 'PROXY' }] }], 102],
      ['templates', [[C4, { ...C4, port: 9997 }]], 103],
    ] as const) {
      await stage.api.replace({ rules: [], defaultOutputs: outputs } as unknown as RuleSetText);
      assert.equal((await send(3, number)).length, 3, reason);
      const { up } = await engineOf(stage);
      assert.ok((up.get(reason) ?? 0) >= 1, `${reason} in ${JSON.stringify([...up])}`);
    }
    // It fits as IPv4, and not as IPv6.
    await replaceDefaults(stage, [[C6]]);
    assert.equal((await send(2, 105, 1470)).length, 2);
    assert.equal((await engineOf(stage)).up.get('mtu'), 1);
    assert.equal((await engineOf(stage)).handled, first.handled);
    await assertExact(stage, 21, -10);
  });

  test('R12 R13 R30: rules change 20 times a second, between what it can do and what it cannot', async () => {
    await using stage = await Stage.start({ settings: KERNEL });
    await stage.api.replace(STEADY_RULES);
    await startSteadyTraffic(stage);
    for (let i = 0; i < 60; i++) {
      await stage.api.replace(i % 10 < 5 ? UPWARDS : STEADY_RULES);
      await sleep(i % 10 === 9 ? HOLD_MS : 20);
    }
    const { sent, missing } = await endSteadyTraffic(stage);
    assert.equal(missing, 0);
    await assertExact(stage, sent);
    const { handled, up } = await engineOf(stage);
    assert.ok(handled > sent / 10 && handled < sent, `${handled} of ${sent} were handled`);
    assert.ok((up.get('filter') ?? 0) > 0, 'and some went up');
  });

  test('S6 R30: forwarders that are killed lose no packet and no count of what the kernel handles', async () => {
    await using stage = await Stage.start({ settings: KERNEL });
    await stage.api.replace(STEADY_RULES);
    await startSteadyTraffic(stage);
    for (let i = 0; i < 6; i++) {
      const [pid] = (await stage.service.forwarderPids()).slice(i % 2);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      await sleep(400);
    }
    const { sent, missing } = await endSteadyTraffic(stage);
    assert.equal(missing, 0);
    await assertExact(stage, sent);
    assert.equal(await inputOf(stage), sent);
    const { handled } = await engineOf(stage);
    assert.ok(handled > sent / 2, `${handled} of ${sent} were handled`);
  });

  test('R30: control that is killed leaves it at work, and the next one goes on', async () => {
    await using stage = await Stage.start({ settings: KERNEL });
    await stage.api.replace(STEADY_RULES);
    await startSteadyTraffic(stage);
    await sleep(500);
    await stage.service.killControl();
    const before = stage.capture.arrived().length;
    await waitFor('packets arrive without control', () => {
      return stage.capture.arrived().length > before + 2000;
    });
    await using service = await Service.start(stage.lab, {
      folder: stage.service.folder,
      settings: KERNEL,
    });
    await sleep(2 * HOLD_MS);
    const next = { ...stage, api: service.api, service } as unknown as Stage;
    const { sentPerStream } = await stage.exporters.stopTraffic('steady');
    const sent = sentPerStream * STEADY_STREAMS;
    let received = 0;
    await waitFor(
      () => `${sent} packets are counted: ${received}`,
      async () => {
        received = await inputOf(next);
        return received >= sent;
      },
    );
    await assertExact(next, sent);
    await sleep(300);
    const { missing } = accountFor(stage.capture.arrived(), sent);
    assert.equal(missing, 0);
    assert.ok((await engineOf(next)).handled > 0, 'by its own program');
    await service.stop();
  });

  test('R30: an upgrade in place costs no packet and no count', async () => {
    await using stage = await Stage.start({ settings: KERNEL });
    await stage.api.replace(STEADY_RULES);
    await startSteadyTraffic(stage);
    await sleep(500);
    process.kill(stage.service.pid, 'SIGUSR2');
    await stage.service.waitForEnd();
    await using service = await Service.start(stage.lab, {
      folder: stage.service.folder,
      settings: KERNEL,
    });
    await sleep(2 * HOLD_MS);
    const { sentPerStream } = await stage.exporters.stopTraffic('steady');
    const sent = sentPerStream * STEADY_STREAMS;
    const next = { ...stage, api: service.api, service } as unknown as Stage;
    await waitFor('all are counted', async () => (await inputOf(next)) >= sent);
    await assertExact(next, sent);
    await sleep(300);
    assert.equal(accountFor(stage.capture.arrived(), sent).missing, 0);
    assert.ok((await engineOf(next)).handled > 0);
    await service.stop();
  });

  test('R30: a clean stop leaves nothing behind: packets come to others again', async () => {
    await using stage = await Stage.start({ settings: KERNEL });
    await replaceDefaults(stage, [[C4]]);
    await stage.exchange([{ from: FROM, payload: Buffer.from('to the kernel') }]);
    assert.equal((await engineOf(stage)).handled, 1);
    await stage.service.stop();
    await using others = await UdpSockets.start(stage.lab.proxy);
    const other = await others.receive({ host: '0.0.0.0', port: 2055 });
    await stage.exporters.send([
      { from: FROM, to: { host: '198.18.1.1', port: 2055 }, payload: Buffer.from('to another') },
    ]);
    await waitFor('it arrives', async () => (await others.messages(other)).length === 1);
    assert.equal(stage.capture.arrived().length, 1 + 1, 'and its copy nowhere: one, and a marker');
  });

  test('R30: without the capabilities, forwarders do it all, and one line says why', async () => {
    const prefix = ['setpriv', '--bounding-set', '-bpf,-perfmon,-sys_admin'];
    const settings = { ...KERNEL, COLLECTOR_FLOXY_USER: 'nobody' };
    await using stage = await Stage.start({
      settings,
      prefix: [...prefix, '--inh-caps', '-all'],
    });
    await stage.api.replace({ rules: [], defaultOutputs: [[C4]] });
    const arrived = await stage.exchange([{ from: FROM, payload: Buffer.from('all the same') }]);
    assert.equal(arrived.length, 1);
    const { problem = '', handled } = await engineOf(stage);
    assert.equal(problem, 'it needs CAP_BPF and CAP_PERFMON when it starts');
    assert.equal(handled, 0);
    const lines = stage.service.log.split('\n').filter((line) => line.includes('engine in the'));
    assert.equal(lines.length, 1, lines.join('\n'));
  });

  test('R30: the rights that the unit gives are enough', async () => {
    const unit = readFileSync(UNIT, 'utf8');
    const [, line = ''] = /^AmbientCapabilities=(.*)$/m.exec(unit) ?? [];
    const names = line.split(' ').map((name) => `+${name.replace('CAP_', '').toLowerCase()}`);
    await using stage = await Stage.start({
      settings: { ...KERNEL, COLLECTOR_DATABASE_PATH: '/mnt/collector.db' },
      prefix: [
        ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'],
        `--inh-caps=${names.join()}`,
        `--ambient-caps=${names.join()}`,
        `--bounding-set=-all,${names.join()}`,
      ],
      prepare: 'mount -t tmpfs -o mode=777 tmpfs /mnt',
    });
    await replaceDefaults(stage, [[C4]]);
    assert.equal((await stage.exchange([{ from: FROM, payload: Buffer.from('flow') }])).length, 1);
    assert.equal((await engineOf(stage)).handled, 1, stage.service.log);
  });
});
