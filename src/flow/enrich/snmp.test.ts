import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { waitFor } from '../../../test/lab/shell.ts';
import { startSnmpAgent } from '../../../test/support/snmp-agent.ts';
import { parseWords } from './address-words.ts';
import type { EnrichCounters } from './enricher.ts';
import { ExporterNames } from './exporter-names.ts';
import { enrichmentOptions, type SnmpOptions } from './options.ts';
import { SnmpPoller, type SnmpPollerParts } from './snmp-poller.ts';
import { askExporter } from './snmp-session.ts';

const LOOPBACK = parseWords('127.0.0.1') ?? new Uint32Array(4);
const COMMUNITY = { version: '2c', community: 'public' };
const USER = {
  version: '3',
  user: 'floxy',
  auth_protocol: 'sha256',
  auth_password: 'authentication',
  priv_protocol: 'aes',
  priv_password: 'privacy-privacy',
};

function optionsOf(options: object): SnmpOptions {
  const exporters = ['127.0.0.0/8'];
  const snmp = { access: COMMUNITY, exporters, retries: 0, timeout_seconds: 1, ...options };
  return enrichmentOptions.parse({ names: { snmp } }).names.snmp as SnmpOptions;
}

for (const access of [COMMUNITY, USER]) {
  test(`an agent of SNMP ${access.version} tells its name, and those of its interfaces`, async () => {
    await using agent = await startSnmpAgent();
    const answer = await askExporter(
      '127.0.0.1',
      [1, 2, 99],
      optionsOf({ access, port: agent.port }),
    );
    assert.deepEqual(answer, {
      name: 'edge1',
      interfaces: [
        { index: 1, name: 'xe-0/0/0', description: 'transit' },
        // It has no ifName: ifDescr.
        { index: 2, name: 'Ethernet 2', description: '' },
        { index: 99, name: '', description: '' },
      ],
    });
  });
}

test('who knows neither community nor password gets no answer', async () => {
  await using agent = await startSnmpAgent();
  const wrong = [
    { version: '2c', community: 'private' },
    { ...USER, auth_password: 'another one' },
  ];
  for (const access of wrong) {
    await assert.rejects(askExporter('127.0.0.1', [1], optionsOf({ access, port: agent.port })));
  }
});

test('malformed answers end the question, not the process', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  let turn = 0;
  socket.on('message', (question, { port: from }) => {
    const answers = [
      Buffer.from('no ASN.1'),
      question.subarray(0, question.length / 2),
      Buffer.alloc(1400, 0x30),
      question,
      Buffer.alloc(0),
    ];
    socket.send(answers[turn % answers.length] as Buffer, from, '127.0.0.1');
    turn++;
  });
  try {
    const options = { port, timeout_seconds: 0.1 };
    for (const access of [
      COMMUNITY,
      COMMUNITY,
      COMMUNITY,
      COMMUNITY,
      COMMUNITY,
      USER,
      USER,
      USER,
    ]) {
      await assert.rejects(askExporter('127.0.0.1', [1], optionsOf({ access, ...options })));
    }
  } finally {
    socket.close();
  }
});

describe('the poller', () => {
  function makePoller(options: object, parts: Partial<SnmpPollerParts> = {}) {
    const counters: EnrichCounters = {
      exporters: 0,
      interfaces: 0,
      namesRefused: 0,
      snmpRequests: 0,
      snmpFailures: 0,
      filesReloaded: 0,
      fileFailures: 0,
    };
    const names = new ExporterNames('name', counters);
    const log = pino({ enabled: false });
    const poller = new SnmpPoller({ options: optionsOf(options), names, counters, log, ...parts });
    const nameOf = (index: number) => names.find(LOOPBACK, 0)?.interfaces.get(index)?.text;
    return { poller, names, counters, nameOf };
  }

  test('asks for what records name, once, and keeps the answer', async () => {
    await using agent = await startSnmpAgent();
    const { poller, names, counters, nameOf } = makePoller({ port: agent.port });
    poller.want(LOOPBACK, 0, 1);
    assert.equal(nameOf(1), '');
    await waitFor('the name', () => nameOf(1) === 'xe-0/0/0');
    assert.equal(names.find(LOOPBACK, 0)?.label.text, 'edge1');
    assert.equal(counters.snmpRequests, 1);
    assert.equal(counters.snmpFailures, 0);
    poller.stop();
  });

  test('never asks whom no prefix names', () => {
    const asked: string[] = [];
    const { poller, counters } = makePoller(
      { exporters: ['192.0.2.0/24'] },
      {
        ask: (address) => {
          asked.push(address);
          return Promise.reject(new Error('not reached'));
        },
      },
    );
    for (let index = 1; index < 100; index++) poller.want(LOOPBACK, 0, index);
    assert.deepEqual(asked, []);
    assert.equal(counters.interfaces, 0);
  });

  test('leaves alone for longer and longer who does not answer, and asks a bounded number at once', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let now = 1e12;
    const askedAt: number[] = [];
    let running = 0;
    let most = 0;
    const ask = async () => {
      askedAt.push(now);
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      throw new Error('no answer');
    };
    const { poller, counters } = makePoller({ concurrency: 2 }, { ask, now: () => now });
    poller.start();
    for (let host = 1; host <= 5; host++) {
      poller.want(Uint32Array.of(0, 0, 0xffff, 0x7f00_0000 + host), 0, 1);
    }
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    await settle();
    assert.equal(askedAt.length, 5);
    assert.equal(most, 2);
    for (let second = 0; second < 600; second++) {
      now += 1000;
      t.mock.timers.tick(1000);
      await settle();
    }
    // At 0, 30, 90, 210 and 450 seconds.
    const seconds = [...new Set(askedAt.map((at) => Math.floor((at - 1e12) / 10_000) * 10))];
    assert.deepEqual(seconds, [0, 30, 90, 210, 450]);
    assert.equal(counters.snmpFailures, 25);
    poller.stop();
  });

  test('asks again when names have become old, and takes new ones', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let now = 1e12;
    let name = 'before';
    const ask = (_address: string, indexes: readonly number[]) =>
      Promise.resolve({
        name: 'edge1',
        interfaces: indexes.map((index) => ({ index, name: `${name}${index}`, description: '' })),
      });
    const { poller, nameOf } = makePoller({ refresh_seconds: 60 }, { ask, now: () => now });
    poller.start();
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    for (let index = 1; index <= 20; index++) poller.want(LOOPBACK, 0, index);
    await settle();
    assert.equal(nameOf(20), 'before20');
    name = 'after';
    for (let second = 0; second < 62; second++) {
      now += 1000;
      t.mock.timers.tick(1000);
      await settle();
    }
    assert.equal(nameOf(1), 'after1');
    assert.equal(nameOf(20), 'after20');
    poller.stop();
  });
});
