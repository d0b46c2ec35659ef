import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import pino from 'pino';
import { formatEndpoint, makeEndpoint } from '../../model/endpoint.ts';
import { handoverListen } from '../../native/handover.ts';
import { describeSocket } from '../../native/inherited.ts';
import { RING } from '../../native/ring-layout.ts';
import { openReceiver } from '../../native/sockets.ts';
import { CounterMemory } from '../memory/counter-memory.ts';
import { IdentityMemory } from '../memory/identity-memory.ts';
import { PacketRings } from '../memory/packet-rings.ts';
import { Bequest, HANDOVER_VERSIONS, type HandoverPart } from './handover.ts';
import { HandoverPaths } from './handover-paths.ts';
import { Succession } from './succession.ts';

const OCTETS = Uint8Array.of(127, 0, 0, 1);
const OWN_USER = process.getuid?.() ?? 0;
const POLL_MS = 2;

describe('Succession', () => {
  let folder: string;
  let receive: number;
  let port: number;
  let counters: CounterMemory;
  let ended: CounterMemory;
  let identities: IdentityMemory;
  let rings: PacketRings;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'floxy-'));
    const options = { octets: OCTETS, port: 0, receiveBufferBytes: 100_000, exclusive: false };
    receive = openReceiver(options).fd;
    port = describeSocket(receive).port;
    counters = new CounterMemory(0);
    ended = new CounterMemory('ended');
    identities = new IdentityMemory();
    rings = new PacketRings();
    rings.open({ forwarders: 1, ringBytes: RING.BYTES_MIN }, () => undefined);
  });
  afterEach(() => {
    closeSync(receive);
    for (const memory of [counters, ended]) {
      memory.unmap();
      closeSync(memory.fd);
    }
    identities.close();
    rings.close();
    rmSync(folder, { recursive: true });
  });

  /** Takes over from this process, as if it were a forwarder of these versions. */
  async function take(
    versions: Partial<Record<HandoverPart, number>>,
    settings: { readonly ringBytes?: number } = {},
  ): Promise<Succession> {
    const paths = new HandoverPaths(folder, formatEndpoint(makeEndpoint(OCTETS, port)));
    const bequest = new Bequest(handoverListen(paths.socket(0)), OWN_USER);
    const descriptors = {
      'receive 0': receive,
      counters: counters.fd,
      'ended counters': ended.fd,
      identities: identities.readOnlyFd,
      ring: rings.memory(0)?.ring,
      'ring readers': rings.memory(0)?.readers,
    };
    const said = { ...HANDOVER_VERSIONS, ...versions };
    const timer = setInterval(() => bequest.poll(descriptors, said), POLL_MS);
    const succession = new Succession(
      {
        listeners: [{ octets: OCTETS, port }],
        forwarders: 1,
        forwarderUser: { name: 'floxy', uid: OWN_USER, gid: 0 },
        orphanLimitMs: 1000,
        ringBytes: settings.ringBytes ?? RING.BYTES_MIN,
        runtimeDirectory: folder,
      },
      pino({ enabled: false }),
    );
    await succession.take();
    clearInterval(timer);
    bequest.close();
    return succession;
  }

  /** What of it is taken over. */
  function taken(succession: Succession): Record<string, boolean> {
    const [socket] = succession.sockets(0)?.receive ?? [];
    const taken = {
      socket,
      counters: succession.counters(0),
      ended: succession.endedCounters(),
      ring: succession.ring(0)?.ring,
      readers: succession.ring(0)?.readers,
    };
    const fds = Object.entries(taken).map(([name, fd]) => [name, fd !== undefined]);
    for (const fd of Object.values(taken)) if (fd !== undefined) closeSync(fd);
    return { ...Object.fromEntries(fds), identities: succession.identities !== undefined };
  }

  const NO_RING = { ring: false, readers: false };
  const ALL = {
    ...{ socket: true, counters: true, ended: true, identities: true },
    ...{ ring: true, readers: true },
  };

  it('takes all that a forwarder of the same version has', async () => {
    const succession = await take({});
    assert.deepEqual(succession.leftRings(), []);
    assert.deepEqual(taken(succession), ALL);
  });

  it('takes no counters of another layout', async () => {
    const succession = await take({ counters: HANDOVER_VERSIONS.counters + 1 });
    assert.deepEqual(taken(succession), { ...ALL, counters: false, ended: false });
  });

  it('takes no counters of which it does not know what they count', async () => {
    const succession = await take({ identities: HANDOVER_VERSIONS.identities + 1 });
    assert.deepEqual(taken(succession), {
      ...ALL,
      counters: false,
      ended: false,
      identities: false,
      ...NO_RING,
    });
  });

  it('takes no ring of another size', async () => {
    const succession = await take({}, { ringBytes: RING.BYTES_MIN * 2 });
    const left = succession.leftRings();
    assert.equal(left.length, 1, 'but workers can read it');
    for (const fd of left.flatMap(({ ring, readers }) => [ring, readers])) closeSync(fd);
    assert.deepEqual(taken(succession), { ...ALL, ...NO_RING });
  });

  it('takes nothing of a forwarder whose sockets it does not know', async () => {
    const succession = await take({ sockets: HANDOVER_VERSIONS.sockets + 1 });
    assert.equal(succession.sockets(0), undefined);
    assert.equal(succession.counters(0), undefined);
  });
});
