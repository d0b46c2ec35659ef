/** What an operator hears of exporters without looking: who is silent, who is back, what is missing. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';

const COLLECTOR = { host: '198.51.100.1', port: 9995 };
const ROUTER = { host: '203.0.113.1', port: 5000 };

/** Longer than packets of an exporter go up to the sockets after one did. */
const HOLD_MS = 1500;

interface Event {
  readonly kind: string;
  readonly number: string;
  readonly subject: string;
  readonly rule?: string;
  readonly description?: string;
}

interface Exporter {
  readonly endpoint: { readonly host: string };
  readonly state: string;
  readonly protocols: readonly string[];
  readonly missed: readonly { readonly protocol: string; readonly lost: string }[];
  readonly expect_every?: string;
}

/** The header of NetFlow v9. */
function netflow9(sequence: number): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(9);
  header.writeUInt32BE(sequence, 12);
  header.writeUInt32BE(7, 16);
  return header;
}

describe('exporters that are expected', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
    await stage.api.call('Settings', 'ReplaceProxyRules', {
      rules: [
        {
          exporter: { endpoint: { host: ROUTER.host } },
          outputs: [{ collectors: [{ endpoint: COLLECTOR }], name: 'archive' }],
          expect_every: '1s',
          description: 'core router',
        },
      ],
    });
  });
  after(() => stage[Symbol.asyncDispose]());

  const send = (...sequences: readonly number[]) =>
    stage.exchange(sequences.map((sequence) => ({ from: ROUTER, payload: netflow9(sequence) })));

  async function events(after?: string): Promise<readonly Event[]> {
    const request = after === undefined ? {} : { after };
    const pages = await stage.api.list<{ events: Event[] }>('View', 'WatchEvents', request);
    return pages.flatMap((page) => page.events);
  }

  /** Waits for an event of a kind after another one. */
  async function event(kind: string, after?: string): Promise<Event> {
    let found: Event | undefined;
    await waitFor(`${kind} is told`, async () => {
      found = (await events(after)).find((one) => one.kind === kind);
      return found !== undefined;
    });
    return found as Event;
  }

  test('S40, S43: an exporter that is silent is told, and when it is back, each once', async () => {
    await send(1);
    const silent = await event('ExporterSilent');
    assert.deepEqual(
      [silent.subject, silent.rule, silent.description],
      [ROUTER.host, ROUTER.host, 'core router'],
    );
    const { missed: _, ...known } = await exporter();
    assert.equal(known.state, 'Silent');
    assert.equal(known.expect_every, '1s');
    await send(2);
    const back = await event('ExporterBack', silent.number);
    assert.equal(back.subject, ROUTER.host);
    const told = (await events()).filter(({ number }) => BigInt(number) <= BigInt(back.number));
    assert.deepEqual(
      told.map(({ kind }) => kind).filter((kind) => kind.startsWith('Exporter')),
      ['ExporterSilent', 'ExporterBack'],
    );
    const line = stage.service.log.split('\n').find((one) => one.includes('an exporter is silent'));
    assert.match(line ?? '', /"subject":"203\.0\.113\.1"/);
  });

  test('S45, S46: what did not come from an exporter is told by its numbers', async () => {
    const sequences = Array.from({ length: 100 }, (_, i) => 3 + i);
    await send(...sequences.filter((sequence) => sequence % 20 !== 10));
    await waitFor(
      'some gaps are clear',
      async () => Number((await exporter()).missed[0]?.lost) > 0,
    );
    const { missed, protocols } = await exporter();
    assert.deepEqual(protocols, ['NETFLOW_V9']);
    assert.equal(missed[0]?.protocol, 'NETFLOW_V9');
    // Those that are not clear yet are so when the next one comes seconds later.
    await sleep(6000);
    await send(103);
    await waitFor('all are clear', async () => (await exporter()).missed[0]?.lost === '5');
  });

  test('S5: statistics name the output, the rule and what they say', async () => {
    const { rules } = await stage.api.statistics({ host: ROUTER.host });
    const [rule] = rules as unknown as {
      description: string;
      outputs: { name: string }[];
    }[];
    assert.deepEqual([rule?.description, rule?.outputs[0]?.name], ['core router', 'archive']);
  });

  test('S45 R30: nothing is missing when some packets come by the kernel, and others by sockets', async () => {
    const hosts = Array.from({ length: 10 }, (_, i) => `203.0.113.${100 + i}`);
    const plain = { collectors: [{ endpoint: COLLECTOR }] };
    // What has a filter goes up to the sockets.
    const upwards = { ...plain, filter: { listening_ports: [2055] } };
    for (const [turn, output] of [plain, upwards, plain, upwards].entries()) {
      await stage.api.call('Settings', 'ReplaceProxyRules', {
        rules: hosts.map((host) => ({ exporter: { endpoint: { host } }, outputs: [output] })),
      });
      await sleep(HOLD_MS);
      const shots = Array.from({ length: 10 }, (_, i) =>
        hosts.map((host) => ({ from: { host, port: 5000 }, payload: netflow9(turn * 10 + i) })),
      );
      await stage.exchange(shots.flat());
    }
    const missed = (await exporters()).filter(({ endpoint }) => hosts.includes(endpoint.host));
    assert.deepEqual(
      missed.flatMap((of) => of.missed),
      hosts.map(() => ({ protocol: 'NETFLOW_V9', lost: '0', sequences: 1 })),
    );
  });

  async function exporters(): Promise<readonly Exporter[]> {
    const pages = await stage.api.list<{ exporters: Exporter[] }>('Metrics', 'ListExporters', {
      interval_seconds: 0.5,
    });
    return pages.flatMap((page) => page.exporters);
  }

  async function exporter(): Promise<Exporter> {
    const one = (await exporters()).find(({ endpoint }) => endpoint.host === ROUTER.host);
    assert.ok(one);
    return one;
  }
});
