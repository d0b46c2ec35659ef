/**
 * The life of the package under a real systemd: installed, upgraded, taken back, restarted, removed and purged, while
 * flow goes through the service. Every packet is accounted for.
 */
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requireRoot } from '../lab/require-root.ts';
import { waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { endSteadyTraffic, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';
import { netflow5Message } from '../support/netflow-writer.ts';
import { Container, requireTree } from './container.ts';

const BASE = '/usr/lib/floxy';

const PIPELINES = `pipelines:
  - name: flows
    format: json
    producer: {kind: file, path: '/var/lib/floxy/flows-{time}.json'}
`;
const RULES_WITH_PIPELINE = `rules: {
  exporter: {endpoint: {host: "203.0.113.1"}}
  outputs: {collectors: {endpoint: {host: "2001:db8:c::5" port: 9555}}}
  outputs: {collectors: {endpoint: {host: "198.51.100.7" port: 9000}}}
  outputs: {pipeline: "flows"}
}
`;

describe('the Debian package', { skip: requireRoot() || requireTree() }, () => {
  let stage: Stage<Container>;
  let container: Container;

  before(async () => {
    stage = await Stage.around((lab) => Container.boot(lab.proxy));
    container = stage.service;
    await container.run('dpkg', '--install', '/packages/first.deb');
    await isWell();
    await stage.api.replace(STEADY_RULES);
  });
  after(() => stage[Symbol.asyncDispose]());

  const isWell = () =>
    waitFor('the service is OK', async () => {
      const { proxy } = await stage.api.status(1000).catch(() => ({ proxy: { state: '' } }));
      return proxy.state === 'OK';
    });
  const current = () => readlinkSync(path.join(container.root, BASE, 'current'));
  const mainPid = () => container.property('MainPID');
  /** The programs of control and forwarders. */
  const programs = () =>
    container.run('sh', '-c', 'readlink $(pgrep -u floxy | sed "s,.*,/proc/&/exe,")');

  /** Has something done to the service under traffic. @returns how many packets there were: none is lost */
  async function underTraffic(work: () => Promise<void>): Promise<void> {
    await startSteadyTraffic(stage, 2_000);
    const isFlowing = async () => {
      const before = stage.capture.arrived().length;
      await waitFor('packets arrive', () => stage.capture.arrived().length > before);
    };
    await isFlowing();
    await work();
    await isWell();
    await isFlowing();
    const { sent, missing } = await endSteadyTraffic(stage);
    assert.equal(missing, 0);
    assert.ok(sent > 0);
  }

  test('the service runs as a user of its own, is ready when systemd says so, and tells how it is', async () => {
    assert.equal(await container.property('ActiveState'), 'active');
    assert.equal(await container.property('Type'), 'notify');
    assert.equal(await container.property('WatchdogUSec'), '30s');
    await waitFor('its status is told', async () =>
      (await container.property('StatusText')).startsWith('OK, 5 rules, revision 1'),
    );
    assert.equal(await container.run('stat', '-c', '%U %a', '/var/lib/floxy'), 'floxy 750');
    assert.equal(await container.run('systemctl', 'is-enabled', 'floxy'), 'enabled');
    assert.match(await container.run('floxy', 'status'), /OK/);
    assert.match(await programs(), /^\/usr\/lib\/floxy\/0\.1\.0-1\/node_modules\/node-linux-/);
  });

  test('the service may do what it does, and no more', async () => {
    const warnings = [
      'journalctl',
      '-u',
      'floxy',
      '-o',
      'cat',
      '--grep',
      'EPERM|EACCES|not permitted|denied',
    ];
    const { output } = await container.attempt(...warnings);
    assert.doesNotMatch(output, /EPERM|EACCES|not permitted|denied/);
    const status = await container.run('cat', `/proc/${await mainPid()}/status`);
    // NET_BIND_SERVICE, NET_ADMIN, NET_RAW, PERFMON, BPF.
    assert.match(status, /^CapBnd:\s+000000c000003400$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
  });

  test('copies, fragments and pipelines work in the sandbox', async () => {
    await container.feed(PIPELINES, 'floxy', 'pipelines', 'replace', '-');
    await container.feed(RULES_WITH_PIPELINE, 'floxy', 'rules', 'replace', '-');
    const flow = Buffer.from(netflow5Message([Array(48).fill(7)]));
    const arrived = await stage.exchange([
      { from: { host: '203.0.113.1', port: 15_000 }, payload: flow },
      { from: { host: '203.0.113.1', port: 15_000 }, payload: Buffer.alloc(4000, 1) },
    ]);
    assert.equal(arrived.length, 4);
    // It has this name until it is closed.
    await waitFor('the flow is in the file', async () => {
      const { output } = await container.attempt('sh', '-c', 'cat /var/lib/floxy/.flows-*');
      return output.includes('7.7.7.7');
    });
    await stage.api.replace(STEADY_RULES);
  });

  test('systemctl reload waits until the rules of a changed file are in force', async () => {
    const folder = '/run/systemd/system/floxy.service.d';
    const file = '/etc/floxy.txtpb';
    const write = (port: number) => {
      const rules = Array.from({ length: 50_000 }, (_, i) => {
        const exporter = `exporter: {endpoint: {host: "10.0.${i >> 8}.${i & 255}"}}`;
        return `rules: {${exporter} outputs: {collectors: {endpoint: {host: "192.0.2.1" port: ${port}}}}}\n`;
      });
      return container.feed(rules.join(''), 'sh', '-c', `cat >${file}`);
    };
    // Sooner than any command could ask.
    const port = async () => {
      const { rules } = await stage.api.statistics({ host: '10.0.0.0' });
      return rules[0]?.outputs[0]?.collectors[0]?.endpoint.port;
    };
    await write(1000);
    const setting = `[Service]\nEnvironment=COLLECTOR_FLOXY_RULES_FILE=${file}\n`;
    await container.run('mkdir', '-p', folder);
    await container.feed(setting, 'sh', '-c', `cat >${folder}/rules.conf; systemctl daemon-reload`);
    await container.run('systemctl', 'restart', 'floxy');
    await isWell();
    for (const next of [1001, 1002, 1003]) {
      await write(next);
      await container.run('systemctl', 'reload', 'floxy');
      assert.equal(await port(), next);
    }
    await container.run('rm', `${folder}/rules.conf`, file);
    await container.run('systemctl', 'daemon-reload');
    await container.run('systemctl', 'restart', 'floxy');
    await isWell();
    await stage.api.replace(STEADY_RULES);
  });

  test('an upgrade of the package loses no packet', async () => {
    await underTraffic(async () => {
      const before = await mainPid();
      await container.run('dpkg', '--install', '/packages/second.deb');
      assert.equal(current(), '0.1.0-2');
      assert.notEqual(await mainPid(), before);
      await isWell();
      await waitFor('all that runs is new', async () => !(await programs()).includes('0.1.0-1'));
    });
    assert.equal((await stage.api.status()).proxy.state, 'OK');
  });

  test('a version that does not start is taken back, and no packet is lost', async () => {
    await underTraffic(async () => {
      const { status, output } = await container.attempt(
        'dpkg',
        '--install',
        '/packages/broken.deb',
      );
      assert.notEqual(status, 0);
      assert.match(output, /version 0\.1\.0-3 is not well .*\n.*went back to version 0\.1\.0-2/);
      assert.equal(current(), '0.1.0-2');
    });
    await container.run('dpkg', '--install', '/packages/second.deb');
  });

  test('floxy-switch goes back to the version before, and no packet is lost', async () => {
    await container.run('dpkg', '--install', '/packages/first.deb');
    await underTraffic(async () => {
      await container.run('floxy-switch', '0.1.0-2');
      assert.equal(current(), '0.1.0-2');
    });
    const unknown = await container.attempt('floxy-switch', '9.9.9-9');
    assert.equal(unknown.status, 2);
    assert.match(
      unknown.output,
      /version 9\.9\.9-9 is not installed; installed are: 0\.1\.0-1 0\.1\.0-2/,
    );
  });

  for (const [what, command] of [
    ['systemctl restart', ['systemctl', 'restart', 'floxy']],
    ['floxy upgrade', ['floxy', 'upgrade']],
  ] as const) {
    test(`${what} loses no packet`, async () => {
      await underTraffic(async () => {
        const before = await mainPid();
        await container.run(...command);
        assert.notEqual(await mainPid(), before);
      });
    });
  }

  test('control that hangs is killed by the watchdog, and no packet is lost', async () => {
    const drop = '[Service]\nWatchdogSec=3\nTimeoutStopSec=1\n';
    const folder = '/run/systemd/system/floxy.service.d';
    await container.run(
      'sh',
      '-c',
      `mkdir -p ${folder}; printf '${drop}' > ${folder}/test.conf; systemctl daemon-reload; systemctl restart floxy`,
    );
    await underTraffic(async () => {
      const before = await mainPid();
      await container.run('kill', '-STOP', before);
      await waitFor('another control runs', async () => ![before, '0'].includes(await mainPid()));
    });
    assert.match(await container.run('journalctl', '-u', 'floxy', '-o', 'cat'), /Watchdog timeout/);
  });

  test('what is stopped stays stopped over an upgrade', async () => {
    await container.run('systemctl', 'stop', 'floxy');
    assert.equal((await container.attempt('pgrep', '-u', 'floxy')).status, 1);
    await container.run('dpkg', '--install', '/packages/first.deb');
    assert.equal(await container.property('ActiveState'), 'inactive');
    await container.run('systemctl', 'start', 'floxy');
    await isWell();
    assert.equal((await stage.api.rules()).rules.length, STEADY_RULES.rules.length);
  });

  test('removed it stops and keeps database and settings; purged nothing is left', async () => {
    await container.run('dpkg', '--remove', 'floxy');
    assert.equal((await container.attempt('pgrep', '-u', 'floxy')).status, 1);
    await container.run('test', '-e', '/var/lib/floxy/collector.db', '-a', '-e', '/etc/floxy.env');
    await container.run('dpkg', '--purge', 'floxy');
    const places = ['/etc', '/usr', '/var/lib', '/lib', '/opt'];
    const left = await container.run('find', ...places, '-iname', '*floxy*');
    assert.equal(left, '');
    assert.notEqual((await container.attempt('getent', 'passwd', 'floxy')).status, 0);
  });
});
