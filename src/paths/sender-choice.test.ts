import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import pino from 'pino';
import type { Links } from './output-obstacles.ts';
import { SenderChoice, type SenderSetting } from './sender-choice.ts';

let choice: SenderChoice | undefined;
afterEach(() => choice?.stop());

function start(setting: SenderSetting, links?: Links) {
  const lines: string[] = [];
  const host = {
    firewall: undefined as string | undefined,
    others: [] as string[],
    asked: [] as string[],
    error: undefined as Error | undefined,
    firewallChanged: (): void => undefined,
    stopped: 0,
  };
  const told: boolean[] = [];
  choice = new SenderChoice({
    setting,
    watches: [
      {
        open: () => undefined,
        start: async (onChange) => {
          host.firewallChanged = onChange;
        },
        stop: () => {
          host.stopped++;
        },
        obstacle: () => host.firewall,
      },
      {
        open: () => undefined,
        start: async () => undefined,
        stop: () => undefined,
        obstacle: () => undefined,
      },
    ],
    obstacles: (links) => {
      if (host.error) throw host.error;
      host.asked.push([...links.values()].join());
      return host.others;
    },
    log: pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line).msg) }),
  });
  choice.start((may) => told.push(may));
  if (links !== undefined) choice.links = links;
  return { choice, host, told, lines };
}

test('R29: auto makes frames while nothing is in the way, and says so when that changes', () => {
  const { choice: made, host, told, lines } = start('auto', new Map());
  assert.equal(made.mayMakeFrames, true);
  host.firewall = 'nftables has an output chain (inet filter output)';
  host.firewallChanged();
  assert.equal(made.mayMakeFrames, false);
  assert.equal(made.reason, host.firewall);
  host.firewallChanged();
  host.firewall = undefined;
  host.others = ['there is a policy rule', 'and another'];
  made.look();
  host.others = [];
  made.look();
  assert.deepEqual(told, [true, false, false, false, true]);
  assert.deepEqual(lines, [
    'copies leave as frames',
    'copies leave through raw sockets: nftables has an output chain (inet filter output)',
    'copies leave through raw sockets: there is a policy rule',
    'copies leave as frames',
  ]);
});

test('R29: auto makes none when the kernel does not say what is in the way', () => {
  const { choice: made, host } = start('auto', new Map());
  host.error = new Error('ENOBUFS');
  made.look();
  assert.equal(made.mayMakeFrames, false);
  assert.match(made.reason, /not known: ENOBUFS/);
});

test('R29: it asks of the links by which frames leave, when they are others, and makes none before', () => {
  const { choice: made, host, told, lines } = start('auto');
  made.look();
  assert.equal(made.mayMakeFrames, false);
  assert.deepEqual([told, lines, host.asked], [[], [], []]);
  made.links = new Map([[2, 'eth0']]);
  made.links = new Map([[2, 'eth0']]);
  made.links = new Map([
    [2, 'eth0'],
    [3, 'eth1'],
  ]);
  assert.deepEqual(host.asked, ['eth0', 'eth0,eth1']);
});

test('R29: link makes frames whatever there is, and raw none', () => {
  const link = start('link');
  link.host.firewall = 'something';
  link.choice.look();
  assert.equal(link.choice.mayMakeFrames, true);
  assert.deepEqual(link.host.asked, []);
  link.choice.stop();
  const raw = start('raw');
  assert.equal(raw.choice.mayMakeFrames, false);
  assert.deepEqual(raw.lines, ['copies leave through raw sockets: COLLECTOR_FLOXY_SENDER=raw']);
});
