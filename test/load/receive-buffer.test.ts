import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { assertExact, assertNothingMissing, assertNothingWrong } from './accounts.ts';
import { LoadStage } from './load-stage.ts';

/** 0.2 s at 100,000 packets a second. */
const BURST = 20_000;

describe('receive buffer', { skip: requireRoot() }, () => {
  test('by default the buffer of one forwarder takes a burst of 20,000 packets of 1,400 bytes', async () => {
    await using stage = await LoadStage.start({
      settings: { COLLECTOR_FLOXY_THREAD_COUNT: '1', COLLECTOR_FLOXY_ENGINE: 'socket' },
    });
    const [pid] = await stage.service.forwarderPids();
    assert.ok(pid);
    // Control would replace a forwarder that does not react, however long the burst takes.
    const stopped = [stage.service.pid, pid];
    for (const each of stopped) process.kill(each, 'SIGSTOP');
    const before = await stage.kernelCounts();
    const generator = stage.start({ sizes: [1400], packetsPerSecond: 0, packets: BURST });
    stage.add(await generator.finish());
    assert.deepEqual(await stage.kernelCounts(), before, 'all of it waits');
    for (const each of stopped.toReversed()) process.kill(each, 'SIGCONT');
    const settled = await stage.settle();
    assert.equal(settled.totals.kernelDrops, 0);
    assertNothingWrong(settled.arrived);
    assertNothingMissing(settled);
    assertExact(settled);
    assert.equal(settled.totals.received, BURST);
    assert.doesNotMatch(stage.service.log, /receive buffer/);
  });

  test('without CAP_NET_ADMIN it takes what the host allows, and one warning says what to set', async () => {
    await using lab = await Lab.create();
    const allowed = Number(await lab.run(lab.proxy, ['sysctl', '-n', 'net.core.rmem_max']));
    const asked = allowed * 2;
    await using service = await Service.start(lab, {
      prefix: ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'],
      settings: { COLLECTOR_FLOXY_RECEIVE_BUFFER_BYTES: `${asked}` },
    });
    await service.stop();
    const warnings = service.log.split('\n').filter((line) => line.includes('receive buffer'));
    assert.equal(warnings.length, 1, service.log);
    const warning = JSON.parse(warnings[0] ?? '') as Record<string, unknown>;
    assert.deepEqual(
      [warning['level'], warning['asked'], warning['granted']],
      ['warn', asked, allowed],
    );
    assert.match(`${warning['msg']}`, new RegExp(`sysctl -w net.core.rmem_max=${asked}`));
  });
});
