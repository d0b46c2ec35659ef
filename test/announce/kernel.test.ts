import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { tellTime } from '../lab/times.ts';
import { recordsOf, StandIn, startAnnouncer, waitForRecord } from './announcing.ts';
import { BOTH, requirePrograms, startRouter, waitForRoutes } from './bgp-lab.ts';
import { type RoutingDaemon, startBird, startExabgp, startFrr } from './daemons.ts';

const SETTINGS = { COLLECTOR_ANNOUNCE_METHOD: 'kernel', COLLECTOR_ANNOUNCE_RISE: '1' } as const;
/** fall 4 times interval 250 ms, and time for a busy machine. */
const GONE_LIMIT_MS = 5_000;

async function addressesOf(lab: Lab): Promise<string> {
  return lab.run(lab.proxy, ['ip', '-brief', 'addr', 'show', 'dev', 'lo']);
}

/** The routes that docs/high-availability.md recommends. */
async function takeByRoute(lab: Lab): Promise<void> {
  for (const address of BOTH) {
    const route = [
      `${address}/${address.includes(':') ? 128 : 32}`,
      'dev',
      'lo',
      'proto',
      'static',
    ];
    await lab.run(lab.proxy, ['ip', 'route', 'add', 'local', ...route]);
  }
}

const DAEMONS = [
  { name: 'bird 2', programs: ['bird'], start: startBird },
  { name: 'FRR', programs: ['bgpd', 'zebra'], start: startFrr },
] satisfies { name: string; programs: string[]; start: (lab: Lab) => RoutingDaemon }[];

for (const { name, programs, start } of DAEMONS) {
  describe(`announcing by the kernel with ${name}`, {
    skip: requirePrograms('gobgpd', ...programs),
  }, () => {
    test('the addresses on lo come and go with the health of the proxy, and the routes with them', async (t) => {
      await using lab = await Lab.create();
      await using router = await startRouter(lab);
      await takeByRoute(lab);
      await using proxy = await StandIn.start(lab.proxy);
      await using daemon = start(lab);
      await using announcer = startAnnouncer(lab.proxy, SETTINGS);
      await waitForRoutes(router, BOTH).catch((error: Error) => {
        throw new Error(`${error.message}\n${announcer.log}\n${daemon.log}`);
      });
      for (const address of BOTH) assert.ok((await addressesOf(lab)).includes(`${address}/`));
      proxy.signal('SIGSTOP');
      const goneMs = await waitForRoutes(router, []);
      for (const address of BOTH) {
        assert.ok(!(await addressesOf(lab)).includes(address));
        // Packets that still come are taken.
        assert.match(await lab.run(lab.proxy, ['ip', 'route', 'get', address]), /^local /);
      }
      proxy.signal('SIGCONT');
      const backMs = await waitForRoutes(router, BOTH);
      t.diagnostic(`SIGSTOP: withdrawn after ${goneMs | 0} ms, SIGCONT: back after ${backMs | 0}`);
      tellTime('the addresses on lo go', goneMs, GONE_LIMIT_MS);
      await announcer.end();
      assert.equal(announcer.status, 0);
      await waitForRoutes(router, []);
    });
  });
}

describe('announcing by the kernel', { skip: requirePrograms() }, () => {
  test('an address with a label is withdrawn too', async () => {
    await using lab = await Lab.create();
    await using proxy = await StandIn.start(lab.proxy);
    await proxy.set('NOT_SERVING');
    const [address = ''] = BOTH;
    await lab.run(lab.proxy, ['ip', 'addr', 'add', `${address}/32`, 'dev', 'lo', 'label', 'lo:1']);
    await using announcer = startAnnouncer(lab.proxy, SETTINGS);
    await waitForRecord(announcer, 'withdrawn');
    assert.ok(!(await addressesOf(lab)).includes(address));
    await announcer.end();
  });

  test('without CAP_NET_ADMIN the log says what is missing, once', async () => {
    await using lab = await Lab.create();
    await using _proxy = await StandIn.start(lab.proxy);
    const prefix = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    await using announcer = startAnnouncer(lab.proxy, SETTINGS, [], prefix);
    const record = await waitForRecord(announcer, 'routes are not as they should be; trying again');
    assert.match(String(record['error']), /^ip addr add .*CAP_NET_ADMIN is needed/);
    await announcer.end();
    const errors = recordsOf(announcer).filter(({ level }) => level === 'error');
    assert.equal(errors.length, 1);
  });
});

describe('announcing with exabgp', { skip: requirePrograms('gobgpd', 'exabgp') }, () => {
  test('its health check runs floxy health', async (t) => {
    await using lab = await Lab.create();
    await using router = await startRouter(lab);
    await using proxy = await StandIn.start(lab.proxy);
    await using daemon = startExabgp(lab);
    await waitForRoutes(router, BOTH).catch((error: Error) => {
      throw new Error(`${error.message}\n${daemon.log}`);
    });
    await proxy.set('NOT_SERVING');
    const goneMs = await waitForRoutes(router, []);
    await proxy.set('SERVING');
    const backMs = await waitForRoutes(router, BOTH).catch((error: Error) => {
      throw new Error(`${error.message}\n${daemon.log}`);
    });
    t.diagnostic(
      `NOT_SERVING: withdrawn after ${goneMs | 0} ms, SERVING: back after ${backMs | 0}`,
    );
  });
});
